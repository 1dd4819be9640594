"""The guarded outbox: a mail folder from which only SendGuard sends."""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Secrets, Submitter
from sendguard.imap.client import Pushed
from sendguard.imap.compositions import Compositions
from sendguard.imap.connection import Connection, Selected
from sendguard.imap.errors import CommandRefused, MailboxError
from sendguard.imap.held import Held, Stage
from sendguard.imap.mailbox import Mailbox
from sendguard.imap.outbox_folder import OutboxFolder, make_folder
from sendguard.imap.sending import Sending
from sendguard.imap.watching import FolderWatch, WatchState, pauses

log = logging.getLogger(__name__)

MAX_SIZE = 33 * 1024 * 1024
"""Octets of a message that is sent from here, unless the settings say otherwise."""

LOOK_EVERY = 15.0
"""Seconds between looks while a message is held: a server need not say that one came and went within a moment."""


class GuardedOutbox:
    """One account's guarded outbox: a thread that keeps the folder in sight, and one that works.

    Several messages may be held at once; a question that is open keeps no other message from being sent. Start it
    after ``Gatekeeper.recover``.
    """

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
        self._account = account
        self._mailbox = Mailbox(account, secrets, context)
        self._gatekeeper = gatekeeper
        self._max_size = max_size
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._sending = Sending(intake, gatekeeper, submitter, known or Compositions(), clock, self._wake.set)
        self._held: dict[int, Held] = {}
        self._left_alone: set[int] = set()
        self._uidvalidity = 0
        self._connection: Connection | None = None
        sight = _InSight(account.outbox, self._wake.set)
        self._watch = FolderWatch("outbox watch", self._mailbox.open, sight, self._trouble)
        self._worker = threading.Thread(target=self._work, name="outbox", daemon=True)

    @property
    def state(self) -> WatchState:
        """How the watch over the folder is doing."""
        return self._watch.state

    def start(self) -> None:
        """Make the folder where it is missing, and start to send from it."""
        self._watch.start()
        self._worker.start()

    def stop(self, seconds: float = 5) -> None:
        """Stop; what is held stays in the folder, and its questions are withdrawn.

        A submission under way is given these seconds. What it comes to after them is settled at the next start.
        """
        self._stopped.set()
        self._wake.set()
        self._watch.stop(seconds)
        self._worker.join(seconds)
        if self._worker.is_alive() and (connection := self._connection) is not None:
            connection.hang_up()

    def _work(self) -> None:
        waits = pauses()
        while not self._stopped.is_set():
            self._wake.wait(self._seconds_to_wait())
            self._wake.clear()
            if self._stopped.is_set():
                break
            if self._work_once():
                waits = pauses()
            else:
                self._wake.set()
                self._stopped.wait(next(waits))
        for held in self._held.values():
            self._sending.gone(held, "stopped")

    def _work_once(self) -> bool:
        """One round; False when it has to be done again after a pause."""
        try:
            self._round()
        except MailboxError:
            return False  # the watch meets it as well, and tells
        except Exception as error:  # the thread's top: nothing is sent by a worker that is broken
            log.error("outbox: %s", type(error).__name__)  # noqa: TRY400 - its text may hold mail
            self._trouble("outbox_broken")
            return False
        return True

    def _seconds_to_wait(self) -> float | None:
        resting = (Stage.RESTING,)
        dues = [held.due for held in self._held.values() if held.stage not in resting and not held.is_open]
        now = time.monotonic()
        dues += [now + LOOK_EVERY] if self._held else []
        return max(0.0, min(dues) - now) if dues else None

    def _round(self) -> None:
        with self._mailbox.open() as connection:
            self._connection = connection
            folder = OutboxFolder(connection, self._account.outbox)
            self._take_stock(folder)
            for uid, held in sorted(self._held.items()):
                if self._stopped.is_set():
                    return
                if not self._sending.step(held, folder):
                    del self._held[uid]

    def _take_stock(self, folder: OutboxFolder) -> None:
        """See what was put there and what was taken out. After a change of UIDVALIDITY everything is new."""
        present = folder.uids()
        replaced = folder.uidvalidity != self._uidvalidity
        self._uidvalidity = folder.uidvalidity
        for uid, held in list(self._held.items()):
            if replaced or (uid not in present and held.stage is not Stage.SENT):
                self._sending.gone(held)
                del self._held[uid]
        self._left_alone = set() if replaced else self._left_alone
        for uid in present:
            if uid not in self._held and uid not in self._left_alone and not self._stopped.is_set():
                self._take_in(uid, folder)

    def _take_in(self, uid: int, folder: OutboxFolder) -> None:
        try:
            if folder.size(uid) > self._max_size:
                self._trouble("outbox_too_large")
                folder.back_to_drafts(uid)
            elif (raw := folder.message(uid)) is not None:
                self._held[uid] = self._sending.take_in(uid, raw)
        except CommandRefused as error:  # this one message; the others go on
            self._left_alone.add(uid)
            self._trouble(f"imap_{error.why}")

    def _trouble(self, code: str) -> None:
        self._gatekeeper.trouble(code, self._account.name)


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
