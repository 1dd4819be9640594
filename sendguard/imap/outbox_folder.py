"""The guarded outbox as a folder on the server, and the folders its messages go to. Knows no gatekeeper."""

import time
from contextlib import suppress

from sendguard.imap.connection import Connection
from sendguard.imap.errors import CommandRefused, MailboxError
from sendguard.imap.folders import Folders, full_name
from sendguard.imap.search import find_by_id, with_id

SEARCH_SECONDS = 5.0
"""For the original that is to be marked answered."""


def make_folder(connection: Connection, name: str) -> str:
    """The server's name of one's own folder ``name``, made and subscribed to where it was not there."""
    prefix, separator = connection.namespace()
    whole = full_name(name, prefix, separator)
    if all(each.name != whole for each in connection.folders()):
        connection.create(whole)
    return whole


class OutboxFolder:
    """The folder during one round of work, on one connection. Raises the errors of ``Connection``.

    ``uidvalidity`` is 0 until the folder was opened; when it changes within a round the round is over (MailboxError).
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._folders = Folders.of(connection)
        self._name = full_name(name, *connection.namespace())
        self.uidvalidity = 0

    def uids(self) -> tuple[int, ...]:
        """What waits there, oldest first. A message marked as deleted was taken out by a client that does it so."""
        self._open()
        return self._connection.uids("UNDELETED")

    def size(self, uid: int) -> int:
        """Octets of a message; 0 when it has gone."""
        self._open()
        return self._connection.sizes([uid]).get(uid, 0)

    def message(self, uid: int) -> bytes | None:
        """The whole message, or None when it has gone or is marked as deleted."""
        self._open()
        return self._connection.message(uid) if uid in self._connection.uids(f"UID {uid} UNDELETED") else None

    def put(self, raw: bytes) -> None:
        """Put another message there."""
        self._connection.append(self._name, raw, ("Draft", "Seen"))

    def remove(self, uid: int) -> None:
        """Take a message out."""
        self._open()
        self._connection.remove(uid)

    def back_to_drafts(self, uid: int) -> None:
        """Move a message to Drafts. Raises CommandRefused where there is no such folder."""
        if not self._folders.drafts:
            raise CommandRefused("no_drafts_folder")
        self._open()
        self._connection.add_flag(uid, "Draft")
        self._connection.move(uid, self._folders.drafts)

    def in_sent(self, message_id: str) -> frozenset[int]:
        """The UIDs in Sent with this Message-ID."""
        if not self._folders.sent:
            return frozenset()
        self._connection.select(self._folders.sent, readonly=True)
        return frozenset(with_id(self._connection, message_id))

    def file_in_sent(self, raw: bytes) -> None:
        """Put a copy into Sent, read; the folder is made where there is none."""
        sent = self._folders.sent or make_folder(self._connection, "Sent")
        self._connection.append(sent, raw, ("Seen",))

    def mark_answered(self, message_id: str) -> None:
        """Mark the message with this id answered, where it can be found in a few seconds and the server allows it."""
        until = time.monotonic() + SEARCH_SECONDS
        with suppress(CommandRefused):
            found = find_by_id(self._connection, self._folders.to_search(), message_id, until=until)
            if found is not None:
                self._connection.select(found.folder)
                self._connection.add_flag(found.uid, "Answered")

    def _open(self) -> None:
        uidvalidity = self._connection.select(self._name).uidvalidity
        if self.uidvalidity not in {0, uidvalidity}:
            raise MailboxError("folder_replaced")
        self.uidvalidity = uidvalidity
