"""One process at a time, and what one that was killed left behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sendguard.files import PRIVATE


class Busy(Exception):
    """Another process is at it."""


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
