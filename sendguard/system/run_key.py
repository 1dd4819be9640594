"""Windows: a value under HKEY_CURRENT_USER's Run key. Not run here; tested against a registry in memory."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sendguard.system.autostart import Autostart

NAME = "SendGuard"
PATH = r"Software\Microsoft\Windows\CurrentVersion\Run"


class Key(Protocol):
    """The one registry key."""

    def read(self, name: str) -> str | None:
        """A value; None when there is none."""
        ...

    def write(self, name: str, value: str) -> None:
        """Set a value. Raises OSError."""
        ...

    def remove(self, name: str) -> None:
        """Take a value away; nothing happens when there is none. Raises OSError."""
        ...


class RunKey(Autostart):
    """Start at login by the Run key."""

    def __init__(self, open_key: Callable[[], AbstractContextManager[Key]], command: tuple[str, ...]) -> None:
        self._open_key = open_key
        self._command = subprocess.list2cmdline(command)

    def is_set(self) -> bool:
        """Whether the value is there."""
        try:
            with self._open_key() as key:
                return key.read(NAME) is not None
        except OSError:
            return False

    def set(self, on: bool) -> bool:
        """Write the value, or take it away."""
        try:
            with self._open_key() as key:
                if on:
                    key.write(NAME, self._command)
                else:
                    key.remove(NAME)
        except OSError:
            return False
        return True


def open_run_key() -> AbstractContextManager[Key]:
    """The key of this person. Raises OSError, on other systems than Windows too."""
    if sys.platform == "win32":
        from sendguard.system.registry import RegistryKey

        return RegistryKey(PATH)
    raise OSError("there is no registry on this system")
