"""Messages as RFC 5424 writes them, framed as RFC 5425 sends them."""

import os
import re
import socket
from datetime import datetime
from enum import IntEnum

LOG_AUDIT = 13
"""The facility "log audit" (RFC 5424 §6.2.1)."""


class Severity(IntEnum):
    """RFC 5424 §6.2.1."""

    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6


def message(text: bytes, *, at: datetime, kind: str, severity: Severity, host: str = "") -> bytes:
    """A message with ``text`` (ASCII) as its MSG and ``kind`` as its MSGID.

    It has no structured data: names of one's own there need a private enterprise number, and SendGuard has none.
    """
    when, where = at.isoformat(timespec="milliseconds"), _word(host or socket.gethostname())
    head = f"<{LOG_AUDIT * 8 + severity}>1 {when} {where} sendguard {os.getpid()} {_word(kind)[:32]} - "
    return head.encode("ascii") + text


def framed(octets: bytes) -> bytes:
    """A message with its length in front (RFC 5425 §4.3)."""
    return b"%d %b" % (len(octets), octets)


def _word(text: str) -> str:
    """What may stand in a header field: printable ASCII without spaces; ``-`` where there is nothing."""
    return re.sub(r"[^!-~]", "", text)[:255] or "-"
