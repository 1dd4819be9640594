"""Keeping Thunderbird out of a profile while it is changed, and seeing that it is in there.

Thunderbird locks ``.parentlock`` (Unix, fcntl) or holds ``parent.lock`` open for itself (Windows). Beside it, on Unix,
lies the link ``lock`` to ``ADDRESS:PID``, with a plus before the number where the real lock is the file's; on file
systems without locks (some NFS) the link alone counts.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sendguard.thunderbird.profiles import Profile

_OWNER = re.compile(r"[^:]*:(?P<by_file>\+?)(?P<pid>\d+)")


_ALONE = threading.Lock()
"""Closing a file gives up every lock this process has on it, so two threads must not be at one."""


class ProfileInUse(Exception):
    """A Thunderbird has the profile open: what is changed now it would write over."""


def is_open(profile: Profile) -> bool:
    """Whether a Thunderbird has it open now."""
    try:
        with kept_closed(profile, make=False):
            return False
    except ProfileInUse:
        return True


@contextmanager
def kept_closed(profile: Profile, *, make: bool = True) -> Iterator[None]:
    """While inside, no Thunderbird can open the profile. Raises ProfileInUse, OSError."""
    with _ALONE:
        if _is_linked(profile.folder / "lock"):
            raise ProfileInUse
        name = "parent.lock" if sys.platform == "win32" else ".parentlock"
        path = profile.folder / name
        if not make and not path.exists():
            yield
            return
        try:
            descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
        except PermissionError as error:  # on Windows, where one of two who want it for themselves gets nothing
            raise ProfileInUse from error
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        return  # to have it open is to have it
    import fcntl

    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ProfileInUse from error


def _is_linked(link: Path) -> bool:
    """Whether the link says that a process which lives has the profile, and no file says so better."""
    if sys.platform == "win32":
        return False
    try:
        owner = _OWNER.fullmatch(os.readlink(link))
    except OSError:
        return False
    if owner is None or owner["by_file"]:
        return False
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
