"""The guarded outbox in an IMAP mailbox: how its folder is opened and kept in sight."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Secrets, Submitter
from sendguard.imap.client import Pushed
from sendguard.imap.connection import Connection, Selected
from sendguard.imap.mailbox import Mailbox
from sendguard.imap.outbox_folder import OutboxFolder, make_folder
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.outbox import MAX_SIZE, GuardedOutbox
from sendguard.mailbox.watching import FolderWatch

SERVICE = "imap"


class ImapOutbox(GuardedOutbox[int]):
    """The guarded outbox of an account with an IMAP server."""

    def __init__(
        self,
        account: Account,
        secrets: Secrets,
        intake: Intake,
        gatekeeper: Gatekeeper,
        submitter: Submitter,
        clock: Callable[[], datetime],
        *,
        max_size: int = MAX_SIZE,
        known: Compositions | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        mailbox = Mailbox(account, secrets, context)

        @contextmanager
        def folder() -> Iterator[OutboxFolder]:
            with mailbox.open() as connection:
                yield OutboxFolder(connection, account.outbox, submitter, clock)

        def watch(wake: Callable[[], None]) -> FolderWatch[Connection]:
            return FolderWatch(
                "outbox watch",
                mailbox.open,
                _InSight(account.outbox, wake),
                lambda why: gatekeeper.trouble(f"{SERVICE}_{why}", account.name),
            )

        super().__init__(SERVICE, intake, gatekeeper, clock, folder, watch, max_size=max_size, known=known)


class _InSight:
    """Wakes the worker whenever the folder changes."""

    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        self._name = name
        self._wake = wake
        self._folder = Selected("", 0, 0)

    def opened(self, connection: Connection) -> None:
        """Make the folder where it is missing, and look."""
        self._folder = connection.select(make_folder(connection, self._name), readonly=True)
        self._wake()

    def changed(self, connection: Connection, pushed: Pushed) -> None:
        """Look. After a quiet time, see whether it is the same folder: of a deleted one Dovecot says nothing."""
        if pushed:
            self._wake()
            return
        before, self._folder = self._folder, connection.select(self._folder.name, readonly=True)
        if self._folder != before:
            self._wake()
