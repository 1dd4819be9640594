"""One SendGuard for each person: a second start shows the first one's window and ends."""

import os
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QElapsedTimer, QLockFile, QObject, QThread, Slot

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer

CONNECT_WITHIN_MS = 3000
"""How long a second start waits for the first, which may be starting itself."""


class Door(Protocol):
    """Carries the wish to be shown from a second start to the first."""

    def open(self, show: Callable[[], None]) -> None:
        """Call ``show`` at every knock from now on."""
        ...

    def knock(self, holder: int, within_ms: int) -> bool:
        """Knock at the process with this number; False when it does not answer."""
        ...

    def close(self) -> None:
        """Take no more knocks."""
        ...


class SingleInstance:
    """The lock is the truth, the door only carries the wish to be shown.

    Connecting first and listening then let two programs in (facts/desktop.md B6); a lock file does not, and one that
    a killed process left is seen to be stale by its process number.
    """

    def __init__(self, folder: Path, door: Door | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = QLockFile(str(folder / "desktop.lock"))
        self._lock.setStaleLockTime(0)
        self._door = door or (LocalServerDoor(folder) if sys.platform == "win32" else SignalDoor())

    def acquire(self) -> bool:
        """Become the one; False when there is one already."""
        return self._lock.tryLock(0)

    def when_started_again(self, show: Callable[[], None]) -> None:
        """Call ``show`` when somebody starts SendGuard a second time. For the one that has the lock."""
        self._door.open(show)

    def knock(self, within_ms: int = CONNECT_WITHIN_MS) -> bool:
        """Have the first one show its window; False when it does not answer."""
        holder, _, _ = self._holder()
        return holder > 0 and self._door.knock(holder, within_ms)

    def release(self) -> None:
        """Make room for another."""
        self._door.close()
        self._lock.unlock()

    def _holder(self) -> tuple[int, str, str]:
        found = self._lock.getLockInfo()
        return (int(found[0]), str(found[1]), str(found[2])) if found else (0, "", "")


class SignalDoor:
    """SIGUSR1, where there are signals: QtNetwork alone would take 3 MB for the same wish.

    The signal is ignored from the moment this is made, before the lock is taken: its default is to end the process.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def open(self, show: Callable[[], None]) -> None:
        """Call ``show`` on the main thread; the event loop is woken for signals by ``application``."""
        signal.signal(signal.SIGUSR1, lambda *_: show())

    def knock(self, holder: int, within_ms: int) -> bool:
        """Knock at the process that holds the lock."""
        try:
            os.kill(holder, signal.SIGUSR1)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """A late knock does nothing."""
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


class LocalServerDoor(QObject):
    """A named pipe of this user's. For Windows: not run there, tried on Linux."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._name = "sendguard-" + sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._server: QLocalServer | None = None
        self._on_knock: Callable[[], None] = lambda: None

    def open(self, show: Callable[[], None]) -> None:
        """Listen for knocks."""
        from PySide6.QtNetwork import QLocalServer

        self._on_knock = show
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._knocked)
        self._server.listen(self._name)

    def knock(self, holder: int, within_ms: int) -> bool:
        """Connect, and that is all."""
        from PySide6.QtNetwork import QLocalSocket

        clock = QElapsedTimer()
        clock.start()
        caller = QLocalSocket()
        while not clock.hasExpired(within_ms):
            caller.connectToServer(self._name)
            if caller.waitForConnected(within_ms):
                caller.disconnectFromServer()
                return True
            QThread.msleep(50)
        return False

    def close(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()

    @Slot()
    def _knocked(self) -> None:
        while self._server and (caller := self._server.nextPendingConnection()):
            caller.disconnected.connect(caller.deleteLater)
            caller.close()
            self._on_knock()
