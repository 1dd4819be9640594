"""Mailboxes and address lists, read from bytes nobody vouches for."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses

MAX_ADDRESSES = 10_000
"""More addresses than this in one field cannot be judged; the envelope limit of a gate is far below it."""
MAX_PIECE = 4_096
"""Characters between two commas that are given to ``getaddresses``, which takes quadratic time on some."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_ATEXT = r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,\"]+"
_ADDR_SPEC = re.compile(rf'(?:{_ATEXT}|"(?:[^"\\\x00-\x1f]|\\.)*")@(?:{_ATEXT}|\[[^\]\s]*\])\Z')
_BETWEEN_WORDS = re.compile(r"[\s\x00-\x1f\x7f()<>\[\]:;\\,\"]+")
_SAME_TWICE = re.compile(r"'?([^\s<>'\",;:@]{1,64}@[^\s<>'\",;:@]{1,255})'?\s*<\s*\1\s*>", re.IGNORECASE)
_QUOTED_ATOM = re.compile(r'"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.-]+)"(@.*)\Z')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name (decoded, may be hostile or empty) and a normalised addr-spec."""

    display_name: str
    address: str

    @property
    def domain(self) -> str:
        """What follows the last ``@``, normalised."""
        return domain_of(self.address)


@dataclass(frozen=True, slots=True)
class AddressList:
    """The mailboxes of an address field, and whether they were read with certainty.

    Where ``certain`` is False the mailboxes are everything that could have been meant.
    """

    mailboxes: tuple[Mailbox, ...] = ()
    certain: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addr-specs in their order, repeats included."""
        return tuple(mailbox.address for mailbox in self.mailboxes)


def normalise(address: str) -> str:
    """Bring an addr-spec into the one form in which two of them are compared.

    Case is folded in the local part too: RFC 5321 §2.4 permits a host to tell case apart, none of consequence does.
    A domain is compared in its A-label form. Whatever cannot be an address comes back stripped and folded.
    """
    text = unicodedata.normalize("NFC", address.strip().strip("<>").strip())
    if match := _QUOTED_ATOM.match(text):
        text = match[1] + match[2]
    local, at, domain = text.rpartition("@")
    if not at:
        return text.casefold()
    domain = domain.rstrip(".")
    try:
        domain = domain.encode("ascii").decode("ascii")
    except UnicodeEncodeError:
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            domain = domain.casefold()
    return f"{local.casefold()}@{domain.lower()}"


def domain_of(address: str) -> str:
    """What follows the last ``@`` of a normalised address; empty where there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def without_tag(address: str) -> str:
    """Cut a ``+tag`` from the local part: ``me+list@x`` is ``me@x`` when we ask whether an address is one's own."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}" if local.partition("+")[0] else address


def is_addr_spec(address: str) -> bool:
    """Whether this can be one address and nothing else: no space, no control character, one ``@`` outside quotes."""
    return _ADDR_SPEC.match(address) is not None


def read_addresses(fields: Sequence[str], decode: Callable[[str], str] = str) -> AddressList:
    """Read address fields (``To``, ``Cc``, …): unfolded text, surrogate escapes allowed; ``decode`` is for the names.

    ``email.utils.getaddresses`` answers differently between patch levels of one Python version (CVE-2023-27043), so
    its answer is believed only where it accounts for every ``@`` there is. Elsewhere the list is not ``certain`` and
    holds every address-like word. Never raises.
    """
    mailboxes: list[Mailbox] = []
    certain = True
    for field in fields:
        found, sure = _read_field(_SAME_TWICE.sub(r"<\1>", field))
        mailboxes += (Mailbox(decode(mailbox.display_name), mailbox.address) for mailbox in found)
        certain = certain and sure
        if len(mailboxes) > MAX_ADDRESSES:
            return AddressList(tuple(mailboxes[:MAX_ADDRESSES]), certain=False)
    return AddressList(tuple(mailboxes), certain)


def _read_field(field: str) -> tuple[list[Mailbox], bool]:
    if "@" not in field and not field.partition(":")[2].strip(" \t;"):  # empty, or an empty group
        return [], not field.strip() or ":" in field
    everything = [Mailbox("", normalise(word)) for word in _BETWEEN_WORDS.split(field) if "@" in word.strip("@")]
    if any(len(piece) > MAX_PIECE for piece in field.split(",")):
        return everything, False
    try:
        pairs = getaddresses([field])
    except (RecursionError, IndexError):  # nested comments, "g:g:g:": open in CPython
        return everything, False
    found = [Mailbox(name, normalise(address)) for name, address in pairs if address]
    if _reads_one_way(_QUOTED.sub("", field), len(found)) and all(is_addr_spec(mailbox.address) for mailbox in found):
        return found, True
    return everything, False


def _reads_one_way(unquoted: str, found: int) -> bool:
    """Whether each comma-separated piece holds one address at the most, and all of them were found."""
    return (
        unquoted.count("@") == found
        and all(piece.count("@") <= 1 for piece in unquoted.split(","))
        and unquoted.count("<") == unquoted.count(">")
        and (";" not in unquoted or ":" in unquoted)
    )
