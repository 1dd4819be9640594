"""The guarded outbox as a folder on the server, and the folders its messages go to. Knows no gatekeeper."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime

from sendguard.guard.ports import Submitter
from sendguard.imap.connection import Connection
from sendguard.imap.folders import Folders, full_name
from sendguard.imap.search import find_by_id, with_id
from sendguard.mail.address import Mailbox
from sendguard.mail.rewrite import for_submission, reply_to_sender_only, sent_copy
from sendguard.mailbox.errors import CommandRefused, MailboxError
from sendguard.mailbox.folder import Stored
from sendguard.mailbox.held import Held

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

    ``epoch`` is the UIDVALIDITY, 0 until the folder was opened; when it changes within a round the round is over
    (MailboxError).
    """

    def __init__(self, connection: Connection, name: str, submitter: Submitter, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._folders = Folders.of(connection)
        self._name = full_name(name, *connection.namespace())
        self._submitter = submitter
        self._clock = clock
        self.epoch = 0

    def keys(self) -> tuple[int, ...]:
        """What waits there, oldest first. A message marked as deleted was taken out by a client that does it so."""
        self._open()
        return self._connection.uids("UNDELETED")

    def size(self, key: int) -> int:
        """Octets of a message; 0 when it has gone."""
        self._open()
        return self._connection.sizes([key]).get(key, 0)

    def read(self, key: int) -> Stored | None:
        """The whole message, or None when it has gone or is marked as deleted."""
        self._open()
        raw = self._connection.message(key) if key in self._connection.uids(f"UID {key} UNDELETED") else None
        return None if raw is None else Stored(raw)

    def send(self, held: Held[int], stored: Stored, begin: Callable[[], None]) -> None:
        """Hand it to the submission server: without draft-only fields and blind recipients."""
        message_id, envelope = held.submission.message.message_id, held.submission.envelope
        ready = for_submission(stored.raw, message_id=message_id, date=held.date)
        self._submitter.submit(ready, envelope.originator, envelope.recipients, begin)

    def file(self, held: Held[int]) -> None:
        """Put a copy into Sent unless the server did, mark what it answers, and take it out."""
        message = held.submission.message
        if not self.in_sent(message.message_id) - held.sent_before:
            date = held.date or format_datetime(self._clock())
            self.file_in_sent(sent_copy(held.submission.raw, message_id=message.message_id, date=date))
        if held.submission.kind.is_reply:
            self.mark_answered(message.parent_id)
        self.remove(held.key)

    def narrow(self, held: Held[int], sender: Mailbox) -> None:
        """Put the narrowed reply there, then take the other one out."""
        narrowed = reply_to_sender_only(held.submission.raw, sender)
        # After a kill between the two steps it lies there already
        if not any(self._connection.message(uid) == narrowed for uid in self.keys() if uid > held.key):
            self.put(narrowed)
        self.remove(held.key)

    def put(self, raw: bytes) -> None:
        """Put another message there."""
        self._connection.append(self._name, raw, ("Draft", "Seen"))

    def remove(self, uid: int) -> None:
        """Take a message out."""
        self._open()
        self._connection.remove(uid)

    def hang_up(self) -> None:
        """From any thread: end whatever is under way."""
        self._connection.hang_up()

    def back_to_drafts(self, key: int) -> None:
        """Move a message to Drafts. Raises CommandRefused where there is no such folder."""
        if not self._folders.drafts:
            raise CommandRefused("no_drafts_folder")
        self._open()
        self._connection.add_flag(key, "Draft")
        self._connection.move(key, self._folders.drafts)

    def in_sent(self, message_id: str) -> frozenset[str]:
        """The UIDs in Sent with this Message-ID."""
        if not self._folders.sent:
            return frozenset()
        self._connection.select(self._folders.sent, readonly=True)
        return frozenset(str(uid) for uid in with_id(self._connection, message_id))

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
        if self.epoch not in {0, uidvalidity}:
            raise MailboxError("folder_replaced")
        self.epoch = uidvalidity
