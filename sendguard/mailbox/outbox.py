"""The guarded outbox: a mail folder from which only SendGuard sends. The same one for every kind of mailbox."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Generic

from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.errors import CommandRefused, LoginRefused, MailboxError
from sendguard.mailbox.folder import Folder, Key
from sendguard.mailbox.held import Held, Stage
from sendguard.mailbox.sending import Sending
from sendguard.mailbox.watching import AFTER_REFUSAL, FolderWatch, WatchState, pauses

log = logging.getLogger(__name__)

MAX_SIZE = 33 * 1024 * 1024
"""Octets of a message that is sent from here, unless the settings say otherwise."""

LOOK_EVERY = 15.0
"""Seconds between looks while a message is held: a server need not say that one came and went within a moment."""


class GuardedOutbox(Generic[Key]):
    """One account's guarded outbox: a thread that keeps the folder in sight, and one that works.

    Several messages may be held at once; a question that is open keeps no other message from being sent. Start it
    after ``Gatekeeper.recover``. ``service`` begins the codes of troubles with the server; ``watch`` makes the watch
    over the folder, which calls what it is given whenever the folder may have changed.
    """

    def __init__(
        self,
        service: str,
        intake: Intake,
        gatekeeper: Gatekeeper,
        clock: Callable[[], datetime],
        open_folder: Callable[[], AbstractContextManager[Folder[Key]]],
        watch: Callable[[Callable[[], None]], FolderWatch[Any]],
        *,
        max_size: int = MAX_SIZE,
        known: Compositions | None = None,
    ) -> None:
        self._service = service
        self._account = intake.account
        self._open_folder = open_folder
        self._gatekeeper = gatekeeper
        self._max_size = max_size
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._sending = Sending[Key](service, intake, gatekeeper, known or Compositions(), clock, self._wake.set)
        self._held: dict[Key, Held[Key]] = {}
        self._left_alone: set[Key] = set()
        self._epoch = 0
        self._folder: Folder[Key] | None = None
        self._watch = watch(self._wake.set)
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
        if self._worker.is_alive() and (folder := self._folder) is not None:
            folder.hang_up()

    def _work(self) -> None:
        waits = pauses()
        while not self._stopped.is_set():
            self._wake.wait(self._seconds_to_wait())
            self._wake.clear()
            if self._stopped.is_set():
                break
            rest = self._work_once(waits)
            if rest is None:
                waits = pauses()
            else:
                self._wake.set()
                self._stopped.wait(rest)
        for held in self._held.values():
            self._sending.gone(held, "stopped")

    def _work_once(self, waits: Iterator[float]) -> float | None:
        """One round; returns after how many seconds it has to be done again, None when it was done."""
        try:
            self._round()
        except LoginRefused:
            return AFTER_REFUSAL
        except MailboxError:
            return next(waits)  # the watch meets it as well, and tells
        except Exception as error:  # the thread's top: nothing is sent by a worker that is broken
            log.error("outbox: %s", type(error).__name__)  # noqa: TRY400 - its text may hold mail
            self._trouble("outbox_broken")
            return next(waits)
        return None

    def _seconds_to_wait(self) -> float | None:
        resting = (Stage.RESTING,)
        dues = [held.due for held in self._held.values() if held.stage not in resting and not held.is_open]
        now = time.monotonic()
        dues += [now + LOOK_EVERY] if self._held else []
        return max(0.0, min(dues) - now) if dues else None

    def _round(self) -> None:
        with self._open_folder() as folder:
            self._folder = folder
            self._take_stock(folder)
            for key, held in list(self._held.items()):
                if self._stopped.is_set():
                    return
                if not self._sending.step(held, folder):
                    del self._held[key]

    def _take_stock(self, folder: Folder[Key]) -> None:
        """See what was put there and what was taken out. In another epoch everything is new."""
        present = folder.keys()
        replaced = folder.epoch != self._epoch
        self._epoch = folder.epoch
        for key, held in list(self._held.items()):
            if replaced or (key not in present and held.stage not in {Stage.SENT, Stage.UNKNOWN}):
                self._sending.gone(held)
                del self._held[key]
        self._left_alone = set() if replaced else self._left_alone
        for key in present:
            if key not in self._held and key not in self._left_alone and not self._stopped.is_set():
                self._take_in(key, folder)

    def _take_in(self, key: Key, folder: Folder[Key]) -> None:
        try:
            if folder.size(key) > self._max_size:
                self._trouble("outbox_too_large")
                folder.back_to_drafts(key)
            elif (stored := folder.read(key)) is not None:
                self._held[key] = self._sending.take_in(key, stored)
        except CommandRefused as error:  # this one message; the others go on
            self._left_alone.add(key)
            self._trouble(f"{self._service}_{error.why}")

    def _trouble(self, code: str) -> None:
        self._gatekeeper.trouble(code, self._account.name)
