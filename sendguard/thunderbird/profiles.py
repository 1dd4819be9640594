"""Thunderbird's profiles on this computer: where they are, and whether a Thunderbird has one open."""

import configparser
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sendguard.thunderbird.preferences import Preference, Preferences

SANDBOXES = {".var": "Flatpak", "snap": "Snap"}


@dataclass(frozen=True, slots=True)
class Profile:
    """A folder Thunderbird keeps everything of one person in. ``sandbox`` is ``Flatpak`` or ``Snap``, or empty.

    ``is_default`` where an installed Thunderbird opens it by itself.
    """

    folder: Path
    name: str
    is_default: bool = False
    sandbox: str = ""

    @property
    def preferences_file(self) -> Path:
        """Where Thunderbird keeps what was set; it writes the file anew while it runs and at its end."""
        return self.folder / "prefs.js"

    def preferences(self) -> dict[str, Preference]:
        """What is in force at the next start: user.js goes before prefs.js. Raises PreferencesUnreadable."""
        kept, fixed = (Preferences.load(path) for path in (self.preferences_file, self.folder / "user.js"))
        return dict(kept.values) | dict(fixed.values)


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


def profiles(home: Path, platform: str = sys.platform) -> tuple[Profile, ...]:
    """Every profile that has been used, those Thunderbird opens by itself first."""
    found = [
        profile
        for folder in folders_of_profiles(home, platform)
        for profile in _profiles(folder, _sandbox(folder, home))
        if profile.preferences_file.is_file()
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda each: not each.is_default))


def _sandbox(folder: Path, home: Path) -> str:
    return SANDBOXES.get(folder.relative_to(home).parts[0], "")


def _profiles(folder: Path, sandbox: str) -> Iterator[Profile]:
    listed, installs = _read(folder / "profiles.ini"), _read(folder / "installs.ini")
    defaults = {_place(folder, path) for path in _defaults(listed, installs)}
    for section in listed.sections():
        path = listed.get(section, "Path", fallback="")
        if section.startswith("Profile") and path:
            place = _place(folder, path, relative=listed.get(section, "IsRelative", fallback="1") == "1")
            name = listed.get(section, "Name", fallback=place.name)
            yield Profile(place, name, place in defaults, sandbox)


def _defaults(listed: configparser.ConfigParser, installs: configparser.ConfigParser) -> Iterator[str]:
    """What each installation opens; where none says, what profiles.ini calls the default (before Thunderbird 68)."""
    sections = [(listed, name) for name in listed.sections() if name.startswith("Install")]
    sections += [(installs, name) for name in installs.sections()]
    chosen = [ini.get(name, "Default", fallback="") for ini, name in sections]
    if not any(chosen):
        marked = (name for name in listed.sections() if listed.get(name, "Default", fallback="") == "1")
        chosen = [listed.get(name, "Path", fallback="") for name in marked]
    yield from filter(None, chosen)


def _place(folder: Path, path: str, *, relative: bool = True) -> Path:
    """Where a profile is: Windows' own way to write a relative one has slashes, too. An absolute one stays itself."""
    return folder / path if relative else Path(path)


def _read(path: Path) -> configparser.ConfigParser:
    """A file of sections; one that is not there, or is none, has none."""
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string(path.read_text("utf-8-sig", "replace"))
    except (OSError, configparser.Error):
        return configparser.ConfigParser()
    return ini
