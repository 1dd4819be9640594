"""Files that are there whole or not at all, and one process at a time."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE, PUBLIC = 0o600, 0o644
"""For this user only; for the web server as well."""


class Busy(Exception):
    """Another process is at it."""


def write_whole(path: Path, octets: bytes | bytearray, mode: int = PRIVATE) -> None:
    """Put a file in the place of another, synced before it gets its name. Raises OSError, and then nothing changed."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with open(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), "wb"
        ) as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last, where a system lets us."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove what ``write_whole`` left when its process was killed. Only while nobody else writes there."""
    for path in folder.glob(".*.new"):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file where that is possible: on Windows it is not while somebody reads it; then it is next time."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


@contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Hold a lock while the block runs. Raises Busy, OSError. Whoever is killed holds it no longer."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            _lock_on_windows(descriptor)
    except (BlockingIOError, PermissionError):
        raise Busy from None


def _lock_on_windows(descriptor: int) -> None:
    import msvcrt

    msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
