"""GetStreamingEvents, read as it comes. exchangelib's own cannot be stopped from another thread."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from exchangelib.util import MNS, SOAPNS, TNS
from lxml import etree

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.session import Session
from sendguard.mailbox.errors import MailboxUnreachable

MINUTES = 29
"""How long a stream lasts at the most: 30 is the limit (web-service-reference/connectiontimeout)."""
SILENCE_SECONDS = 120.0
"""Without a word so long the stream is taken for dead; Exchange says something every 45 s or so."""
MAX_ENVELOPE = 1_000_000
"""Octets of one piece of news."""

EVENTS = ("CreatedEvent", "ModifiedEvent", "MovedEvent", "DeletedEvent", "NewMailEvent", "CopiedEvent")
_PARENTS = (f"{{{TNS}}}ParentFolderId", f"{{{TNS}}}OldParentFolderId")
_STILL_SUBSCRIBED = ("ErrorExceededConnectionCount", "ErrorServerBusy")
_END = re.compile(rb"</(?:[\w.-]{1,40}:)?Envelope\s{0,40}>")
LONGEST_END = 100
"""Octets of the end of an envelope."""
_REQUEST = (
    f'<s:Envelope xmlns:s="{SOAPNS}" xmlns:m="{MNS}" xmlns:t="{TNS}"><s:Header>'
    '<t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header><s:Body><m:GetStreamingEvents>'
    "<m:SubscriptionIds><t:SubscriptionId>%s</t:SubscriptionId></m:SubscriptionIds>"
    "<m:ConnectionTimeout>%d</m:ConnectionTimeout></m:GetStreamingEvents></s:Body></s:Envelope>"
)
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(frozen=True, slots=True)
class Heard:
    """One piece of news: ``folders`` in which something happened, None for "who knows where"; or that it begins."""

    folders: frozenset[str] | None = frozenset()
    begins: bool = False


class SubscriptionGone(MailboxUnreachable):
    """The server knows the subscription no longer, or cannot serve it: another one is needed."""

    def __init__(self) -> None:
        super().__init__("unavailable")


def subscribe(session: Session) -> str:
    """Subscribe to every folder of the mailbox: that counts as one subscription. Raises MailboxError."""
    with mapping_ews_errors():
        return str(session.box.subscribe_to_streaming(event_types=EVENTS))


def hear(session: Session, subscription: str, *, minutes: int = MINUTES) -> Iterator[Heard]:
    """Listen until the server ends the stream. Raises MailboxError when it breaks, SubscriptionGone."""
    request = (_REQUEST % (escape(subscription), minutes)).encode()
    with mapping_ews_errors(), session.post(request, timeout=SILENCE_SECONDS) as answer:
        yield Heard(begins=True)
        for envelope in _envelopes(answer.iter_content(None)):
            yield _news(etree.fromstring(envelope, _PARSER))


def _envelopes(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One after the other, whatever pieces they come in."""
    waiting, known = bytearray(), 0  # octets in which no end begins
    for piece in pieces:
        waiting += piece
        while end := _END.search(waiting, known):
            yield bytes(waiting[: end.end()]).strip()
            del waiting[: end.end()]
            known = 0
        known = max(0, len(waiting) - LONGEST_END)
        if len(waiting) > MAX_ENVELOPE:
            raise MailboxUnreachable("protocol")


def _news(envelope: Any) -> Heard:
    code = envelope.findtext(f".//{{{MNS}}}ResponseCode")
    if code is None or code == "ErrorMissedNotificationEvents":
        return Heard(folders=None)
    if code in _STILL_SUBSCRIBED:
        raise MailboxUnreachable("busy")
    if code != "NoError":
        raise SubscriptionGone
    return Heard(frozenset(each.get("Id", "") for each in envelope.iter(*_PARENTS)))
