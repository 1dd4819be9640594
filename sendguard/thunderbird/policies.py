"""Thunderbird's enterprise policies on this computer: naming the add-on there installs it without a question."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sendguard.files import PUBLIC, write_whole
from sendguard.thunderbird.kept import replace_keeping

MAX_OCTETS = 1024 * 1024


class Policy(StrEnum):
    """What the policies say of the add-on."""

    SILENT = "silent"
    INSTALLS = "installs"
    FORBIDS = "forbids"
    """Somebody decided against it by name."""
    UNREADABLE = "unreadable"


class PolicyNotWritten(Exception):
    """The policy file is as it was: it may not be written, cannot be read, or says otherwise already."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policies.json, and the add-on it is about."""

    path: Path
    addon: str

    @property
    def is_writable(self) -> bool:
        """Whether this user may write it, or make it."""
        if self.path.exists():
            return os.access(self.path, os.W_OK) and os.access(self.path.resolve().parent, os.W_OK)
        parent = next(each for each in self.path.parents if each.exists())
        return parent.is_dir() and os.access(parent, os.W_OK)

    def says(self) -> Policy:
        """What it says of the add-on."""
        try:
            mode = self._entry(self._load()).get("installation_mode")
        except PolicyNotWritten:
            return Policy.UNREADABLE
        if mode is None:
            return Policy.SILENT
        return Policy.INSTALLS if mode in {"force_installed", "normal_installed"} else Policy.FORBIDS

    def install(self, xpi: Path) -> None:
        """Have ``xpi`` installed at the next start; whatever else the file says stays. Raises PolicyNotWritten.

        The person may switch it off again (``normal_installed``); a mode their IT has chosen stays.
        """
        found = self._load()
        entry = self._entry(found)
        if entry.get("installation_mode") not in {None, "normal_installed", "force_installed"}:
            raise PolicyNotWritten("the policies forbid the add-on")
        fresh = {"installation_mode": "normal_installed"} | dict(entry) | {"install_url": xpi.as_uri()}
        policies = found["policies"]
        policies["ExtensionSettings"] = policies.get("ExtensionSettings", {}) | {self.addon: fresh}
        self._write(found)

    def withdraw(self) -> bool:
        """Take back what ``install`` wrote; False for nothing, and for what others wrote. Raises PolicyNotWritten."""
        found = self._load()
        entry = self._entry(found)
        if entry.get("installation_mode") != "normal_installed" or not str(entry.get("install_url")).startswith(
            "file:"
        ):
            return False
        settings = found["policies"]["ExtensionSettings"]
        del settings[self.addon]
        if not settings:
            del found["policies"]["ExtensionSettings"]
        self._write(found)
        return True

    def _load(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                found = json.loads(file.read(MAX_OCTETS).decode("utf-8-sig"))
        except FileNotFoundError:
            return {"policies": {}}
        except (OSError, ValueError, RecursionError) as error:
            raise PolicyNotWritten("the policies cannot be read") from error
        if not isinstance(found, dict) or not isinstance(found.get("policies"), dict):
            raise PolicyNotWritten("the policies are not of the form Thunderbird knows")
        self._entry(found)
        return found

    def _entry(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        settings = found["policies"].get("ExtensionSettings", {})
        entry = settings.get(self.addon, {}) if isinstance(settings, dict) else None
        if not isinstance(entry, dict):
            raise PolicyNotWritten("the policies are not of the form Thunderbird knows")
        return entry

    def _write(self, found: Mapping[str, Any]) -> None:
        octets = (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode()
        try:
            if self.path.exists():
                replace_keeping(self.path, octets)
            else:
                self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                write_whole(self.path, octets, PUBLIC)
        except OSError as error:
            raise PolicyNotWritten("the policies cannot be written") from error


def policy_path(root: Path = Path("/"), platform: str = sys.platform) -> Path | None:
    """Where this system's policies.json is that every Thunderbird reads; None where there is no such place.

    On Windows and macOS it lies inside the program, whose folder an update may replace: there the registry and
    configuration profiles are IT's way.
    """
    return root / "etc" / "thunderbird" / "policies" / "policies.json" if platform == "linux" else None
