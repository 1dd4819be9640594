"""A thread that keeps a folder in sight: connects, waits for changes, and connects again."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from sendguard.mailbox.errors import LoginRefused, MailboxError

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds between tries to connect again."""
JITTER = 0.2
"""The share by which a pause is longer or shorter by chance, so that not all desktops come back in one second."""

AFTER_REFUSAL = 300.0
"""Seconds before a refused login is tried again: servers lock accounts whose password is tried too often."""


class WatchState(StrEnum):
    """How a watch is doing."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    WATCHING = "watching"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """The server refuses the login: a person has to do something."""


Said = TypeVar("Said", covariant=True)
"""What a connection says of a folder that changed; false when it is only time to look."""


class Watchable(Protocol[Said]):
    """A connection on which a folder can be waited for. Its methods raise MailboxError."""

    def wait(self) -> Said:
        """Wait until the folder changes, or until it is time to look whether something was missed."""
        ...

    def hang_up(self) -> None:
        """From any thread: end whatever the connection waits for. It cannot be used afterwards."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Connection = TypeVar("Connection", bound=Watchable[object])
Connected = TypeVar("Connected", contravariant=True)
Pushed = TypeVar("Pushed", contravariant=True)


class Watched(Protocol[Connected, Pushed]):
    """What is done with a folder in sight. Called on the watch's thread, with the watch's connection."""

    def opened(self, connection: Connected) -> None:
        """There is a connection: open the folder, and look for what happened while there was none."""
        ...

    def changed(self, connection: Connected, pushed: Pushed) -> None:
        """The folder changed; or ``pushed`` is false, and it is time to look whether something was missed."""
        ...


def pauses(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """The pauses of ``PAUSES``, then the last one for ever. ``chance`` gives numbers from 0 to 1."""
    tries = 0
    while True:
        yield PAUSES[min(tries, len(PAUSES) - 1)] * (1 + JITTER * (2 * chance() - 1))
        tries += 1


class FolderWatch(Generic[Connection]):
    """Watches until it is stopped. ``trouble`` is told a code (``MailboxError.why``) once for each outage.

    ``name`` stands in logs, so it names no account.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        watched: Watched[Connection, Any],
        trouble: Callable[[str], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._connect = connect
        self._watched = watched
        self._trouble = trouble
        self._chance = chance
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self._told = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.state = WatchState.STOPPED

    def start(self) -> None:
        """Start the thread."""
        self.state = WatchState.CONNECTING
        self._thread.start()

    def stop(self, seconds: float = 5) -> None:
        """Hang up and wait for the thread to end, at most so long."""
        self._stopped.set()
        with self._lock:
            if self._connection is not None:
                self._connection.hang_up()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        waits = pauses(self._chance)
        while not self._stopped.is_set():
            error = self._watch()
            if self.state is WatchState.WATCHING:  # connections end; it is an outage when the next one fails, too
                self.state, self._told = WatchState.CONNECTING, ""
                waits = pauses(self._chance)
            else:
                self._report(error)
            refused = self.state is WatchState.REFUSED
            self._stopped.wait(AFTER_REFUSAL if refused else next(waits))
        self.state = WatchState.STOPPED

    def _watch(self) -> str:
        """Watch until the connection ends; returns the code of the error."""
        try:
            with self._connect() as connection:
                with self._lock:
                    self._connection = connection
                self._watched.opened(connection)
                self.state = WatchState.WATCHING
                while not self._stopped.is_set():
                    self._watched.changed(connection, connection.wait())
        except LoginRefused as error:
            self.state = WatchState.REFUSED
            return error.code
        except MailboxError as error:
            return error.why
        except Exception as error:  # the thread's top: a watch that died would be silent for ever
            log.error("%s: %s", self._thread.name, type(error).__name__)  # noqa: TRY400 - its text may hold mail
            self.state = WatchState.UNREACHABLE
            return "broken"
        return ""

    def _report(self, why: str) -> None:
        if self.state is not WatchState.REFUSED:
            self.state = WatchState.UNREACHABLE
        if why != self._told and not self._stopped.is_set():
            self._told = why
            self._trouble(why)
