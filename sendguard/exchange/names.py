"""ResolveNames: what the directory takes an address for."""

from enum import Enum
from typing import Any

from sendguard.exchange.session import Session
from sendguard.exchange.soap import M, T, answer_to, raise_for, written
from sendguard.mail.address import normalise

_REQUEST = (
    '<m:ResolveNames ReturnFullContactData="false" SearchScope="ActiveDirectory">'
    "<m:UnresolvedEntry>smtp:%s</m:UnresolvedEntry></m:ResolveNames>"
)
_MANY, _NONE = "ErrorNameResolutionMultipleResults", "ErrorNameResolutionNoResults"


class Named(Enum):
    """What an address is called in the directory."""

    PERSON = "person"
    """A mailbox or a contact. Some servers call a list so, too."""
    LIST = "list"
    OTHER = "other"
    """Something else, of which nobody knows how many people it stands for: a Microsoft 365 group, a folder."""
    NOBODY = "nobody"
    """Nothing of that address is shown. It may be hidden."""


_TYPES = {"Mailbox": Named.PERSON, "Contact": Named.PERSON, "PublicDL": Named.LIST}


def named(session: Session, address: str, until: float) -> tuple[Named, str]:
    """What a normalised address is, and its main address. Raises MailboxError.

    The whole address is looked for (``smtp:``). Where several are found nevertheless, only the one of exactly this
    address counts.
    """
    root = answer_to(session, _REQUEST % written(address), until)
    code = root.findtext(f".//{M}ResolveNamesResponseMessage/{M}ResponseCode") or ""
    if code == _NONE:
        return Named.NOBODY, address
    if code != _MANY:
        raise_for(code)
    return _kind([_mailbox(each) for each in root.findall(f".//{T}Resolution/{T}Mailbox")], address)


def _mailbox(found: Any) -> tuple[Named, str]:
    kind = _TYPES.get(found.findtext(f"{T}MailboxType") or "", Named.OTHER)
    return kind, normalise(found.findtext(f"{T}EmailAddress") or "")


def _kind(found: list[tuple[Named, str]], address: str) -> tuple[Named, str]:
    if len(found) == 1:
        return found[0][0], found[0][1] or address
    exact = {kind for kind, main in found if main == address}
    if exact:
        return (exact.pop() if len(exact) == 1 else Named.OTHER), address
    return (Named.OTHER if found else Named.NOBODY), address
