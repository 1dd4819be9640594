"""Files and folders that only an administrator can have written: what makes them believed, and their octets."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

MOST_OCTETS = 1024 * 1024
"""A larger file is refused unread."""


class Unbelievable(Exception):
    """A file or folder that policy is not taken from; ``why`` is a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check_folders(*folders: Path, owner: int) -> None:
    """Refuse a folder that anybody but ``owner`` could have put there or changed. Raises Unbelievable, OSError."""
    try:
        for folder in folders:
            _check_state(folder.lstat(), owner, stat.S_ISDIR)
    except Unbelievable as error:
        raise Unbelievable(f"folder_{error.why}") from None


def read_file(path: Path, owner: int) -> bytes:
    """The octets of a file that only ``owner`` can have written. Raises Unbelievable."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unbelievable("link" if error.errno == errno.ELOOP else "unreadable") from error
    try:
        # not ``open``: it refuses a folder by an error of its own, before its kind is looked at
        state = os.fstat(opened)
        _check_state(state, owner, stat.S_ISREG)
        with open(opened, "rb", closefd=False) as file:
            return within_limit(file.read(MOST_OCTETS + 1))
    except OSError as error:
        raise Unbelievable("unreadable") from error
    finally:
        os.close(opened)


def within_limit(octets: bytes) -> bytes:
    """The octets, where they are not too many. Raises Unbelievable."""
    if len(octets) > MOST_OCTETS:
        raise Unbelievable("too_large")
    return octets


def _check_state(state: os.stat_result, owner: int, is_kind: Callable[[int], bool]) -> None:
    """Refuse what is not of its kind, not ``owner``'s, or writable by others. Raises Unbelievable."""
    if stat.S_ISLNK(state.st_mode):
        raise Unbelievable("link")
    if not is_kind(state.st_mode):
        raise Unbelievable("kind")
    if state.st_uid != owner:
        raise Unbelievable("owner")
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unbelievable("writable")
