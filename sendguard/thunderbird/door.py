"""Where SendGuard listens for the native messaging host: a door only this user can come through.

Linux and macOS: a local socket in SendGuard's own folder, which nobody else may enter; the system says whose process is
at the other end. Windows, where Python has no local sockets: a loopback port, and a file with it and a key that only
this user can read; each end proves that it knows the key before anything is said. Both are tried on Linux.
"""

import hmac
import os
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sendguard.files import write_whole
from sendguard.thunderbird.host import peer_uid

BACKLOG = 16
HANDSHAKE_SECONDS = 5.0


class DoorNotOpened(Exception):
    """SendGuard cannot listen. ``code`` says it to ``Sentences.trouble``."""

    code = "thunderbird_door"


class Door(Protocol):
    """Lets this user's processes in."""

    def open(self) -> None:
        """Listen. Raises DoorNotOpened."""
        ...

    def next(self) -> socket.socket | None:
        """Wait for the next caller; None for one that was turned away. Raises OSError once it is closed."""
        ...

    def close(self) -> None:
        """Listen no more; whoever waits in ``next`` is woken."""
        ...


class LocalDoor:
    """A local socket. One that a killed SendGuard left behind is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Listen. Raises DoorNotOpened, where another SendGuard listens there too."""
        if is_answered(self._path):
            raise DoorNotOpened
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            listening.bind(_short(self._path))
            self._path.chmod(0o600)
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            raise DoorNotOpened from error
        self._socket = listening

    def next(self) -> socket.socket | None:
        """Wait for the next caller of this user."""
        if self._socket is None:
            raise OSError
        caller, _ = self._socket.accept()
        if peer_uid(caller) in {None, os.getuid()}:
            return caller
        caller.close()
        return None

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            _shut(self._socket, lambda caller: caller.connect(_short(self._path)))
            self._path.unlink(missing_ok=True)
            self._socket = None


class LoopbackDoor:
    """A loopback port and a key. ``path`` is the file with both."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = secrets.token_bytes(32)
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Listen on a port of the system's choice, and write it down. Raises DoorNotOpened."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.bind(("127.0.0.1", 0))
            listening.listen(BACKLOG)
            write_whole(self._path, f"{listening.getsockname()[1]} {self._key.hex()}".encode())
        except OSError as error:
            listening.close()
            raise DoorNotOpened from error
        self._socket = listening

    def next(self) -> socket.socket | None:
        """Wait for the next caller who knows the key."""
        if self._socket is None:
            raise OSError
        caller, _ = self._socket.accept()
        caller.settimeout(HANDSHAKE_SECONDS)
        with suppress(OSError):
            if self._is_known(caller):
                caller.settimeout(None)
                return caller
        caller.close()
        return None

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            where = self._socket.getsockname()
            _shut(self._socket, lambda caller: caller.connect(where))
            self._path.unlink(missing_ok=True)
            self._socket = None

    def _is_known(self, caller: socket.socket) -> bool:
        theirs = _read(caller, 32)
        mine = secrets.token_bytes(32)
        caller.sendall(hmac.digest(self._key, b"sendguard" + theirs, "sha256") + mine)
        return hmac.compare_digest(_read(caller, 32), hmac.digest(self._key, b"host" + mine, "sha256"))


def door_here(path: Path) -> Door:
    """The door of this system."""
    return LoopbackDoor(path) if sys.platform == "win32" else LocalDoor(path)


def is_answered(path: Path) -> bool:
    """Whether a SendGuard listens there now."""
    if sys.platform == "win32":
        return path.exists()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(_short(path))
        except OSError:
            return False
    return True


def _short(path: Path) -> str:
    """A name short enough for a socket (108 octets on Linux): by way of an open folder where it is not."""
    if len(os.fsencode(path)) < 100 or not Path("/proc/self/fd").is_dir():
        return str(path)
    return f"/proc/self/fd/{_folder(path.parent)}/{path.name}"


_folders: dict[Path, int] = {}


def _folder(path: Path) -> int:
    """A descriptor of the folder, kept open: one for each, for as long as the program runs."""
    if path not in _folders:
        _folders[path] = os.open(path, os.O_RDONLY)
    return _folders[path]


def _read(caller: socket.socket, octets: int) -> bytes:
    found = b""
    while len(found) < octets:
        piece = caller.recv(octets - len(found))
        if not piece:
            raise OSError
        found += piece
    return found


def _shut(listening: socket.socket, knock: Callable[[socket.socket], None]) -> None:
    """Close a socket somebody may be waiting at. Linux wakes them by the shutdown; elsewhere (not run) a knock does."""
    with suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)
    with suppress(OSError), socket.socket(listening.family, socket.SOCK_STREAM) as caller:
        knock(caller)
    listening.close()
