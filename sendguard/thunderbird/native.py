"""Telling Thunderbird where the native messaging host is: a manifest, and the launcher it names.

Linux and macOS look for the manifest in a folder, Windows in the registry (Mozilla's *Native manifests*). Written for a
person's own account; an administrator's own manifest in a system folder goes before nothing and is not touched.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sendguard.files import write_whole
from sendguard.thunderbird import host
from sendguard.thunderbird.addon import ADDON_ID

HOST = "sendguard"
"""The name the add-on calls."""
REGISTRY = rf"Software\Mozilla\NativeMessagingHosts\{HOST}"
RUNNABLE, READABLE = 0o700, 0o600


class Key(Protocol):
    """A registry key of this person's; the value without a name is its default."""

    def read(self, name: str) -> str | None:
        """A value; None when there is none."""
        ...

    def write(self, name: str, value: str) -> None:
        """Set a value. Raises OSError."""
        ...

    def remove(self, name: str) -> None:
        """Take a value away; nothing happens when there is none. Raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How the host stands: whether Thunderbird finds it, and where the manifest lies.

    Not ``working`` although ``installed``: the launcher or the Python it names is gone, since SendGuard was moved.
    """

    installed: bool
    working: bool
    manifest: str


@dataclass(frozen=True, slots=True)
class NativeHost:
    """The host of one person. ``folder`` is where SendGuard keeps its data, ``home`` the person's home.

    ``open_key`` opens the registry key, on Windows only. The parts for Windows and macOS are tested against fakes and
    files: not run there.
    """

    folder: Path
    home: Path
    platform: str = sys.platform
    python: str = sys.executable
    open_key: Callable[[], AbstractContextManager[Key]] | None = None

    @property
    def door(self) -> Path:
        """Where SendGuard listens for it."""
        return self.folder / "thunderbird.door"

    @property
    def launcher(self) -> Path:
        """The program Thunderbird starts."""
        return self.folder / ("thunderbird-host.bat" if self.platform == "win32" else "thunderbird-host")

    @property
    def manifest(self) -> Path:
        """The manifest; on Windows the registry names it."""
        match self.platform:
            case "win32":
                return self.folder / f"{HOST}.json"
            case "darwin":
                support = self.home / "Library" / "Application Support"
                return support / "Mozilla" / "NativeMessagingHosts" / f"{HOST}.json"
            case _:
                return self.home / ".mozilla" / "native-messaging-hosts" / f"{HOST}.json"

    def install(self) -> None:
        """Write launcher and manifest, and name it in the registry. Raises OSError; again does no harm."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.manifest.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.launcher, self.launcher_text().encode(), RUNNABLE)
        write_whole(self.manifest, json.dumps(self.manifest_content(), indent=2).encode(), READABLE)
        if self.open_key is not None:
            with self.open_key() as key:
                key.write("", str(self.manifest))

    def remove(self) -> None:
        """Take away what ``install`` wrote. Raises OSError."""
        if self.open_key is not None:
            with self.open_key() as key:
                key.remove("")
        self.manifest.unlink(missing_ok=True)
        self.launcher.unlink(missing_ok=True)

    def status(self) -> HostStatus:
        """How it stands. Never raises."""
        try:
            found = json.loads(self.manifest.read_text("utf-8"))
            installed = found.get("name") == HOST and ADDON_ID in found.get("allowed_extensions", ())
        except (OSError, ValueError, AttributeError):
            return HostStatus(installed=False, working=False, manifest=str(self.manifest))
        working = installed and self._is_current() and self._is_registered()
        return HostStatus(installed=installed, working=working, manifest=str(self.manifest))

    def manifest_content(self) -> dict[str, object]:
        """What Thunderbird reads: exactly one add-on may call."""
        return {
            "name": HOST,
            "description": "SendGuard: how many people does this message reach?",
            "path": str(self.launcher),
            "type": "stdio",
            "allowed_extensions": [ADDON_ID],
        }

    def launcher_text(self) -> str:
        """A line that starts the host without site packages and without looking at the environment."""
        command = [self.python, "-I", "-S", str(Path(host.__file__).resolve()), str(self.door)]
        if self.platform == "win32":
            return f"@echo off\r\n{subprocess.list2cmdline(command)} %*\r\n"
        return f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'

    def _is_current(self) -> bool:
        try:
            return self.launcher.read_bytes() == self.launcher_text().encode() and Path(self.python).exists()
        except (OSError, ValueError):
            return False

    def _is_registered(self) -> bool:
        if self.open_key is None:
            return self.platform != "win32"
        try:
            with self.open_key() as key:
                return key.read("") == str(self.manifest)
        except OSError:
            return False
