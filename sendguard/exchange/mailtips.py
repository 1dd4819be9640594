"""GetMailTips: how many people the server says are behind an address.

exchangelib's own request is not valid (it leaves ``MailTipsRequested`` out), and one recipient the server stumbles over
loses it the answers for the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sendguard.exchange.session import Session
from sendguard.exchange.soap import M, T, answer_to, raise_for, written
from sendguard.mail.address import normalise
from sendguard.mailbox.errors import CommandRefused, MailboxError

AT_ONCE = 50
"""Recipients in one request; a server says how many it takes as MaxRecipientsPerGetMailTipsRequest, 50 by default."""
PATIENCE = 24
"""Refusals in one call: three bad recipients among fifty are told apart with fewer."""
MOST_PEOPLE = 2**31
"""A larger number is no number of people."""

_ASKED_FOR = "TotalMemberCount ExternalMemberCount InvalidRecipient"
_REQUEST = (
    "<m:GetMailTips><m:SendingAs><t:EmailAddress>%s</t:EmailAddress></m:SendingAs><m:Recipients>%s</m:Recipients>"
    f"<m:MailTipsRequested>{_ASKED_FOR}</m:MailTipsRequested></m:GetMailTips>"
)
_RECIPIENT = "<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox>"
_MESSAGE = f"{M}MailTipsResponseMessageType"
_COUNTS = {"TotalMemberCount", "All"}


class MailTipsOff(CommandRefused):
    """The server's administrator has turned MailTips off."""


@dataclass(frozen=True, slots=True)
class Tips:
    """What the server says of one address.

    ``people`` and ``outsiders`` are None where it gives no count: it does so for a mailbox, for a list it has not
    counted yet, and some servers for every address. ``pending``: it did not find out in time. ``invalid``: it knows
    that mail to this address would not arrive.
    """

    people: int | None = None
    outsiders: int | None = None
    pending: bool = False
    invalid: bool = False


def mail_tips(session: Session, own: str, addresses: Sequence[str], until: float) -> dict[str, Tips]:
    """Ask about any number of normalised addresses, as ``own``; one the server said nothing of is left out.

    A request that is refused as a whole is asked again in halves, down to one address, as far as time and ``PATIENCE``
    go. Raises MailTipsOff, and MailboxUnreachable when there is no answer for anybody.
    """
    found: dict[str, Tips] = {}
    waiting = [addresses[start : start + AT_ONCE] for start in range(0, len(addresses), AT_ONCE)][::-1]
    patience = PATIENCE
    while waiting and patience:
        some = waiting.pop()
        try:
            found |= _asked(session, own, some, until)
        except MailTipsOff:
            raise
        except MailboxError as error:
            patience -= 1
            if not (isinstance(error, CommandRefused) or error.why == "unavailable"):
                if found:
                    break
                raise
            if len(some) > 1:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
    return found


def _asked(session: Session, own: str, addresses: Sequence[str], until: float) -> dict[str, Tips]:
    recipients = "".join(_RECIPIENT % written(address) for address in addresses)
    root = answer_to(session, _REQUEST % (written(own), recipients), until)
    messages = root.findall(f".//{_MESSAGE}")
    codes = {message.findtext(f"{M}ResponseCode") for message in messages}
    codes.add(root.findtext(f".//{M}GetMailTipsResponse/{M}ResponseCode"))
    if "ErrorMailTipsDisabled" in codes:
        raise MailTipsOff("mailtipsdisabled")
    if not messages:
        raise_for(next((code for code in codes if code and code != "NoError"), "ErrorInvalidArgument"))
    return dict(_matched(messages, addresses))


def _matched(messages: Sequence[Any], addresses: Sequence[str]) -> Iterator[tuple[str, Tips]]:
    """Whose each answer is: what it says itself, or its place where there is one for each address."""
    in_order = len(messages) == len(addresses)
    for place, message in enumerate(messages):
        said = normalise(message.findtext(f".//{T}RecipientAddress/{T}EmailAddress") or "")
        address = said if said in addresses else addresses[place] if in_order else ""
        tips = _tips(message)
        if address and tips is not None:
            yield address, tips


def _tips(message: Any) -> Tips | None:
    code = message.findtext(f"{M}ResponseCode")
    if code == "ErrorMailRecipientNotFound":
        return Tips(invalid=True)
    told = message.find(f"{M}MailTips")
    if code != "NoError" or told is None:
        return None
    late = set((told.findtext(f"{T}PendingMailTips") or "").split())
    return Tips(
        people=_number(told.findtext(f"{T}TotalMemberCount")),
        outsiders=_number(told.findtext(f"{T}ExternalMemberCount")),
        pending=bool(late & _COUNTS),
        invalid=told.findtext(f"{T}InvalidRecipient") in {"true", "1"},
    )


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 and int(text) < MOST_PEOPLE else None
