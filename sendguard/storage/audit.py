"""The audit's files: one a day in a folder of our own, and the file of the organisation's collector."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from sendguard.files import PRIVATE

_PREFIX, _SUFFIX = "audit-", ".jsonl"
_APPEND = (
    os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip
"""No link is followed, and a pipe or a terminal in the file's place lets nobody wait."""


class NotOurs(OSError):
    """A place that others can change or point elsewhere: nothing is written there. The message is a code."""


class AuditFolder:
    """Lines as they were written, a file for each day."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, line: bytes, day: date) -> None:
        """Put a line (without its end) at the end of its day's file, whole and synced or not. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(self._folder / f"{_PREFIX}{day.isoformat()}{_SUFFIX}", os.O_RDWR) as file:
            _cut_torn_end(file)
            _write(file, line)

    def lines(self, first: date | None = None, last: date | None = None) -> Iterator[bytes]:
        """The lines of those days, both included, the oldest first, without their ends. Raises OSError."""
        for day, path in self._days():
            if (first is None or first <= day) and (last is None or day <= last):
                with path.open("rb") as file:
                    yield from (line[:-1] for line in file if line.endswith(b"\n"))

    def latest(self, most: int) -> list[bytes]:
        """The latest so many lines, the newest first. Raises OSError."""
        found: list[bytes] = []
        for day, _ in reversed(self._days()):
            found += reversed(list(self.lines(day, day)))
            if len(found) >= most:
                break
        return found[:most]

    def purge(self, before: date) -> int:
        """Delete the files of earlier days; returns how many. Raises OSError."""
        old = [path for day, path in self._days() if day < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _days(self) -> list[tuple[date, Path]]:
        found: list[tuple[date, Path]] = []
        for path in self._folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            with suppress(ValueError):
                found.append((date.fromisoformat(path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)), path))
        return sorted(found)


def append_for_collector(path: Path, line: bytes) -> None:
    """Put a line at the end of a file that the organisation named, whole or not at all. Raises OSError, NotOurs.

    The file, or an empty one made now (0600), has to be an ordinary one of this user or the system's, with one name,
    in folders of theirs that not everybody may change. A collector may move it away: the next line makes it
    anew.
    """
    path = path.expanduser()
    if not path.is_absolute():
        raise NotOurs("relative")
    if os.name == "posix":
        for folder in path.parents:
            _check_folder(folder)
    with _opened(path, os.O_WRONLY) as file:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise NotOurs("kind")
        if os.name == "posix" and found.st_uid not in {0, os.getuid()}:
            raise NotOurs("owner")
        _write(file, line)


def _check_folder(folder: Path) -> None:
    """A folder on the way: no link, this user's or the system's, and not writable by all (but for one like /tmp)."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotOurs("link")
    if found.st_uid not in {0, os.getuid()}:
        raise NotOurs("owner")
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise NotOurs("writable")


@contextmanager
def _opened(path: Path, access: int) -> Iterator[int]:
    """The file, held by one writer at a time where the system has locks; closed afterwards."""
    file = os.open(path, _APPEND | access, PRIVATE)
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _write(file: int, line: bytes) -> None:
    before = os.fstat(file).st_size
    written = False
    try:
        written = os.write(file, line + b"\n") == len(line) + 1
        os.fsync(file)
    finally:
        if not written:
            os.ftruncate(file, before)
    if not written:
        raise OSError(errno.ENOSPC, "a part of the line found room")


def _cut_torn_end(file: int) -> None:
    """Take away what a crash of the system left of a line."""
    size = os.fstat(file).st_size
    end = size
    while end:
        start = max(0, end - 4096)
        os.lseek(file, start, os.SEEK_SET)
        found = os.read(file, end - start).rfind(b"\n")
        end = start + found + 1 if found >= 0 else start
        if found >= 0:
            break
    if end != size:
        os.ftruncate(file, end)
