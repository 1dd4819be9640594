"""The guarded outbox in an Exchange mailbox: how its folder is opened and kept in sight."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.folders import find_or_make
from sendguard.exchange.notifications import Notifications
from sendguard.exchange.outbox_folder import EwsOutboxFolder, ItemKey
from sendguard.exchange.session import Mailboxes
from sendguard.exchange.sight import Sight
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.outbox import MAX_SIZE, GuardedOutbox
from sendguard.mailbox.watching import FolderWatch

SERVICE = "ews"


class EwsOutbox(GuardedOutbox[ItemKey]):
    """The guarded outbox of an account on an Exchange server, which sends by itself what it is told to."""

    def __init__(
        self,
        mailboxes: Mailboxes,
        notifications: Notifications,
        intake: Intake,
        gatekeeper: Gatekeeper,
        clock: Callable[[], datetime],
        *,
        max_size: int = MAX_SIZE,
        known: Compositions | None = None,
    ) -> None:
        account = mailboxes.account

        @contextmanager
        def folder() -> Iterator[EwsOutboxFolder]:
            with mailboxes.open() as session:
                yield EwsOutboxFolder(session, account.outbox)

        def watch(wake: Callable[[], None]) -> FolderWatch[Sight]:
            return FolderWatch(
                "ews outbox watch",
                partial(Sight.opening, mailboxes, notifications),
                _InSight(account.outbox, wake),
                lambda why: gatekeeper.trouble(f"{SERVICE}_{why}", account.name),
            )

        super().__init__(SERVICE, intake, gatekeeper, clock, folder, watch, max_size=max_size, known=known)


class _InSight:
    """Wakes the worker whenever the folder changes."""

    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        self._name = name
        self._wake = wake

    def opened(self, sight: Sight) -> None:
        """Make the folder where it is missing, and look."""
        with mapping_ews_errors():
            sight.bell.folder_ids = frozenset({find_or_make(sight.session.box, self._name).id})
        self._wake()

    def changed(self, sight: Sight, rung: bool) -> None:
        """Look. After a quiet time, see whether the folder is still there: it is made anew where it was deleted."""
        if not rung:
            self.opened(sight)
        self._wake()
