"""One stream of notifications for one mailbox, which wakes whoever keeps a folder in sight.

A stream is only the wake-up: events between two of them are lost by design, and so everybody is woken whenever one
begins. What has changed is asked of the server (facts of both in Microsoft's "Notification subscriptions, mailbox
events, and EWS in Exchange").
"""

import logging
import random
import threading
from collections.abc import Callable

from sendguard.exchange.session import Session
from sendguard.exchange.stream import Heard, SubscriptionGone, hear, subscribe
from sendguard.mailbox.errors import LoginRefused, MailboxError
from sendguard.mailbox.watching import AFTER_REFUSAL, pauses

log = logging.getLogger(__name__)


class Bell:
    """Rings when something may have changed in one of its folders; in any folder until ``folder_ids`` are set."""

    def __init__(self) -> None:
        self.folder_ids: frozenset[str] = frozenset()
        self._rung = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Wait for a ring; False when the time is over without one."""
        rung = self._rung.wait(seconds)
        self._rung.clear()
        return rung

    def ring(self) -> None:
        """From any thread."""
        self._rung.set()


class Notifications:
    """Keeps a stream open from the first bell on. While there is none, nobody rings the bells: poll as well."""

    def __init__(self, opening: Callable[[], Session], chance: Callable[[], float] = random.random) -> None:
        self._opening = opening
        self._chance = chance
        self._lock = threading.Lock()
        self._bells: set[Bell] = set()
        self._stopped = threading.Event()
        self._session: Session | None = None
        self._subscription = ""
        self._thread: threading.Thread | None = None
        self._was_told = False
        self.streams = 0
        """How many streams have begun."""

    def bell(self) -> Bell:
        """A bell of one's own; the first one starts the thread."""
        bell = Bell()
        with self._lock:
            self._bells.add(bell)
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="ews notifications", daemon=True)
                self._thread.start()
        return bell

    def unhook(self, bell: Bell) -> None:
        """Nobody listens to this bell any more."""
        with self._lock:
            self._bells.discard(bell)

    def stop(self, seconds: float = 5) -> None:
        """End the stream and wait for its thread, at most so long."""
        self._stopped.set()
        with self._lock:
            session, thread = self._session, self._thread
        if session is not None:
            session.hang_up()
        if thread is not None:
            thread.join(seconds)

    def _run(self) -> None:
        waits = pauses(self._chance)
        while not self._stopped.is_set():
            self._was_told = False
            is_refused = self._is_refused()
            waits = pauses(self._chance) if self._was_told else waits
            self._stopped.wait(AFTER_REFUSAL if is_refused else next(waits))

    def _is_refused(self) -> bool:
        """Listen until that ends; whether it was by a login that was refused."""
        try:
            self._listen()
        except SubscriptionGone:
            self._subscription = ""
        except LoginRefused:
            return True
        except MailboxError:
            pass  # whoever asks for changes meets it as well, and tells
        except Exception as error:  # the thread's top: without a stream there is still the poll
            log.error("notifications: %s", type(error).__name__)  # noqa: TRY400 - its text may hold mail
        return False

    def _listen(self) -> None:
        with self._opening() as session:
            with self._lock:
                self._session = session
            if self._stopped.is_set():
                return
            # Kept over lost connections: the server counts subscriptions, and forgets one after half an hour only.
            self._subscription = self._subscription or subscribe(session)
            while not self._stopped.is_set():  # the server ends a stream after its time; the subscription lives on
                for heard in hear(session, self._subscription):
                    self._pass_on(heard)

    def _pass_on(self, heard: Heard) -> None:
        self.streams += heard.begins
        self._was_told = self._was_told or not heard.begins  # some servers take a stream, and end it with an error
        with self._lock:
            bells = tuple(self._bells)
        for bell in bells:
            if heard.begins or heard.folders is None or not bell.folder_ids or bell.folder_ids & heard.folders:
                bell.ring()
