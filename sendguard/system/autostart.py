"""Start at login, as each system does it. A system without a way has a null object, which says so."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path


class Autostart(ABC):
    """Whether SendGuard starts with the person's session. Blocks as long as a file or registry does; never raises."""

    @abstractmethod
    def is_set(self) -> bool:
        """Whether it starts at login."""

    @abstractmethod
    def set(self, on: bool) -> bool:
        """Have it start at login, or not; False when that could not be done."""


class NoAutostart(Autostart):
    """Where there is no way."""

    def is_set(self) -> bool:
        """Never."""
        return False

    def set(self, on: bool) -> bool:
        """Only "not" can be had."""
        return not on


class AutostartFile(Autostart):
    """A file whose being there means yes: XDG autostart on Linux, a LaunchAgent on macOS."""

    def __init__(self, path: Path, content: str) -> None:
        self._path = path
        self._content = content

    def is_set(self) -> bool:
        """Whether the file is there."""
        return self._path.is_file()

    def set(self, on: bool) -> bool:
        """Write the file, or take it away."""
        try:
            if on:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_text(self._content, encoding="utf-8")
            else:
                self._path.unlink(missing_ok=True)
        except OSError:
            return False
        return True


def autostart_here(platform: str = sys.platform, environment: Mapping[str, str] | None = None) -> Autostart:
    """The way of this system. Only the one for Linux has been run; the others are tested against fakes."""
    import os

    environment = os.environ if environment is None else environment
    home = Path(environment.get("HOME") or Path.home())
    command = (sys.executable, "-m", "sendguard", "run")
    match platform:
        case "linux":
            from sendguard.system.xdg import desktop_entry

            folder = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
            return AutostartFile(folder / "autostart" / "sendguard.desktop", desktop_entry(command))
        case "darwin":
            from sendguard.system.launchd import LABEL, launch_agent

            return AutostartFile(home / "Library" / "LaunchAgents" / f"{LABEL}.plist", launch_agent(command))
        case "win32":
            from sendguard.system.run_key import RunKey, open_run_key

            return RunKey(open_run_key, command)
        case _:
            return NoAutostart()
