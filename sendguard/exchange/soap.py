"""Requests of our own, where exchangelib's are wrong or slow: a SOAP body out, and the answer read as it comes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

from exchangelib import errors as ews
from exchangelib.util import ENS, MNS, SOAPNS, TNS
from lxml import etree

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.session import Session
from sendguard.mailbox.errors import CommandRefused, MailboxUnreachable

MAX_OCTETS = 4_000_000
"""Of an answer that is kept whole: a hundred times what fifty MailTips take."""
LEAST_SECONDS = 0.05
"""What an answer is waited for even when hardly any time is left."""
_PIECE = 16_384

M, T, E = f"{{{MNS}}}", f"{{{TNS}}}", f"{{{ENS}}}"
"""The namespaces of messages, types and errors, as lxml writes them before a name."""
FAULT_CODE = f"{E}ResponseCode"

_HEAD = (
    f'<s:Envelope xmlns:s="{SOAPNS}" xmlns:m="{MNS}" xmlns:t="{TNS}"><s:Header>'
    '<t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header><s:Body>'
)


@contextmanager
def asking(session: Session, body: str, until: float) -> Iterator[Iterator[bytes]]:
    """Send a body; the answer's octets in pieces. One that is left before its end costs the connection, and the
    session makes a new one.

    Raises MailboxError; a ``timeout`` once ``until`` (``time.monotonic``) has passed.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise MailboxUnreachable("timeout")
    envelope = f"{_HEAD}{body}</s:Body></s:Envelope>".encode()
    with mapping_ews_errors(), session.post(envelope, timeout=max(left, LEAST_SECONDS)) as answer:
        yield answer.iter_content(_PIECE)


def answer_to(session: Session, body: str, until: float) -> Any:
    """Send a body and return the answer's root element. Raises MailboxError, also for a SOAP fault."""
    parser = etree.XMLPullParser(resolve_entities=False, no_network=True)
    octets = 0
    with asking(session, body, until) as pieces:
        for piece in pieces:
            octets += len(piece)
            if octets > MAX_OCTETS:
                raise MailboxUnreachable("protocol")
            if time.monotonic() > until:
                raise MailboxUnreachable("timeout")
            parser.feed(piece)
        root = parser.close()
        raise_for(root.findtext(f".//{FAULT_CODE}") or "NoError", _back_off(root))
    return root


def raise_for(code: str, back_off: float = 0.0) -> None:
    """Raise the MailboxError that a response code stands for, unless it is ``NoError``."""
    if code == "NoError":
        return
    with mapping_ews_errors():
        if code == "ErrorServerBusy":
            raise ews.ErrorServerBusy(code, back_off=back_off)
        kind = getattr(ews, code, None)
        if isinstance(kind, type) and issubclass(kind, ews.ResponseMessageError):
            raise kind(code)
    raise CommandRefused("unheard_of")


def written(address: str) -> str:
    """An address as the text of an element."""
    return escape(address)


def _back_off(root: Any) -> float:
    """Seconds, from the milliseconds a busy server names."""
    said = root.findtext(f".//{T}Value[@Name='BackOffMilliseconds']") or ""
    return int(said[:9]) / 1000 if said.isascii() and said.isdecimal() else 0.0
