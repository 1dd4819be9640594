"""Thunderbird's profiles and the outgoing servers in them. Reads only; names no address."""

import configparser
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PREFERENCE = re.compile(r'^user_pref\("([^"]+)",\s*(.+)\);\s*$', re.MULTILINE)
MAX_PREFERENCES = 16 * 1024 * 1024
"""Octets of a prefs.js that are read."""


@dataclass(frozen=True, slots=True)
class OutgoingServer:
    """One outgoing server of a profile: ``kind`` is ``smtp`` or another word of Thunderbird's (``ews``)."""

    profile: str
    kind: str
    host: str
    port: int


def folders_of_profiles(home: Path, platform: str = sys.platform) -> tuple[Path, ...]:
    """Where profiles.ini may lie: the system's place first, then Flatpak's and Snap's. Windows, macOS: not run here."""
    if platform == "win32":
        return (home / "AppData" / "Roaming" / "Thunderbird",)
    if platform == "darwin":
        return (home / "Library" / "Thunderbird",)
    return (
        home / ".thunderbird",
        home / ".var" / "app" / "org.mozilla.Thunderbird" / ".thunderbird",
        home / "snap" / "thunderbird" / "common" / ".thunderbird",
    )


def outgoing_servers(home: Path, platform: str = sys.platform) -> tuple[OutgoingServer, ...]:
    """Every outgoing server of every profile. A file that cannot be read is passed over."""
    return tuple(
        server
        for folder in folders_of_profiles(home, platform)
        for profile in _profiles(folder)
        for server in _servers(profile)
    )


def _profiles(folder: Path) -> Iterator[Path]:
    ini = configparser.ConfigParser(interpolation=None)
    try:
        ini.read_string((folder / "profiles.ini").read_text("utf-8", "replace"))
    except (OSError, configparser.Error):
        return
    for section in ini.sections():
        path = ini.get(section, "Path", fallback="")
        if section.startswith("Profile") and path:
            yield folder / path if ini.get(section, "IsRelative", fallback="1") == "1" else Path(path)


def _servers(profile: Path) -> Iterator[OutgoingServer]:
    preferences = _preferences(profile / "prefs.js")
    for key in filter(None, (each.strip() for each in str(preferences.get("mail.smtpservers", "")).split(","))):
        prefix = f"mail.smtpserver.{key}."
        kind = str(preferences.get(f"{prefix}type", "smtp"))
        url = preferences.get(f"mail.outgoingserver.{key}.ews_url")
        host, port = preferences.get(f"{prefix}hostname"), preferences.get(f"{prefix}port", 0)
        if isinstance(url, str):
            yield OutgoingServer(profile.name, kind, *_end_of(url))
        elif isinstance(host, str):
            yield OutgoingServer(profile.name, kind, host, port if isinstance(port, int) else 0)


def _end_of(url: str) -> tuple[str, int]:
    """Host and port of an Exchange address; the address itself where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url, 0
    return parts.hostname or url, port or (80 if parts.scheme == "http" else 443)


def _preferences(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_PREFERENCES).decode("utf-8", "replace")
    except OSError:
        return {}
    found: dict[str, Any] = {}
    for name, value in _PREFERENCE.findall(text):
        try:
            found[name] = json.loads(value)
        except ValueError:
            continue
    return found
