"""One SendGuard for each person: a second start shows the first one's window and ends."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QLockFile, QObject, QThread, Slot

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer

CONNECT_WITHIN_MS = 3000
"""How long a second start waits for the first, which may be starting itself."""


class SingleInstance(QObject):
    """The lock is the truth, the socket only carries the wish to be shown.

    Connecting first and listening then let two programs in (facts/desktop.md B6); a lock file does not, and one that
    a killed process left is seen to be stale by its process number.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = QLockFile(str(folder / "desktop.lock"))
        self._lock.setStaleLockTime(0)
        self._name = "sendguard-" + sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._server: QLocalServer | None = None
        self._on_second_start: Callable[[], None] = lambda: None

    def acquire(self) -> bool:
        """Become the one; False when there is one already."""
        return self._lock.tryLock(0)

    def when_started_again(self, show: Callable[[], None]) -> None:
        """Call ``show`` when somebody starts SendGuard a second time. For the one that has the lock."""
        from PySide6.QtNetwork import QLocalServer  # not before the tray stands

        self._on_second_start = show
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._knocked)
        self._server.listen(self._name)

    def knock(self, within_ms: int = CONNECT_WITHIN_MS) -> bool:
        """Have the first one show its window; False when it does not answer."""
        from PySide6.QtNetwork import QLocalSocket

        clock = QElapsedTimer()
        clock.start()
        socket = QLocalSocket()
        while not clock.hasExpired(within_ms):
            socket.connectToServer(self._name)
            if socket.waitForConnected(within_ms):
                socket.disconnectFromServer()
                return True
            QThread.msleep(50)
        return False

    def release(self) -> None:
        """Make room for another."""
        if self._server:
            self._server.close()
        self._lock.unlock()

    @Slot()
    def _knocked(self) -> None:
        while self._server and (socket := self._server.nextPendingConnection()):
            socket.disconnected.connect(socket.deleteLater)
            socket.close()
            self._on_second_start()
