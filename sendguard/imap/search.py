"""Finding one message by its Message-ID."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sendguard.imap.connection import Connection, since
from sendguard.mail.message import Message, read_message
from sendguard.mailbox.errors import CommandRefused

RECENT = timedelta(days=90)
"""How far back is looked first: a server that has to scan is spared the years before."""

_WRITABLE = re.compile(r"<[!-~]+>\Z")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a message lies, and its header."""

    folder: str
    uid: int
    message: Message


def find_by_id(
    connection: Connection,
    folders: Iterable[str],
    message_id: str,
    *,
    today: date | None = None,
    until: float | None = None,
) -> Found | None:
    """The newest message with this Message-ID (with its brackets) in the first of ``folders`` that has one.

    With ``today``, all folders are searched back to ``RECENT`` days before it, and then the first three again, wholly.
    ``until`` (monotonic) ends the search before the next folder. Leaves another folder open than before.
    """
    names = list(folders)
    recent = today - RECENT if today else None
    key = since(recent.year, recent.month, recent.day) if recent else ""
    rounds = [(name, key) for name in names] + ([(name, "") for name in names[:3]] if key else [])
    for name, only in rounds:
        if until is not None and time.monotonic() >= until:
            return None
        try:
            connection.select(name, readonly=True)
            found = with_id(connection, message_id, only)
        except CommandRefused:
            continue  # a folder that has gone since it was listed, or that nobody may open
        if found:
            uid = max(found)
            return Found(name, uid, found[uid])
    return None


def with_id(connection: Connection, message_id: str, only: str = "") -> dict[int, Message]:
    """The messages of the open folder with just this Message-ID; none for an id that cannot be written in a search.

    ``only`` is one more search key. The messages have their header only.
    """
    if not _WRITABLE.match(message_id):
        return {}
    quoted = message_id.replace("\\", "\\\\").replace('"', '\\"')
    # SEARCH HEADER finds parts of a field as well
    headers = connection.headers(connection.uids(f'HEADER Message-ID "{quoted}" {only}'.rstrip()))
    messages = {uid: read_message(header, with_body=False) for uid, header in headers.items()}
    return {uid: message for uid, message in messages.items() if message.message_id == message_id}
