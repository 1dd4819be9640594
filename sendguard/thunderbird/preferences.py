"""Thunderbird's preferences as they stand in prefs.js and user.js: read, and changed without touching the rest."""

import re
from collections.abc import Mapping
from pathlib import Path

Preference = str | int | bool
"""What a preference can be."""
MAX_OCTETS = 16 * 1024 * 1024
"""Of a file that is read; Thunderbird's own prefs.js has some ten thousand."""

_STRING = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_STATEMENT = re.compile(
    rf"""//[^\n]*|\#[^\n]*|/\*.*?(?:\*/|\Z)
    |(?:user_pref|sticky_pref|pref)\s*\(\s*(?P<name>{_STRING})\s*,
     \s*(?P<value>{_STRING}|true|false|[-+]?\d+)\s*(?:,\s*\w+\s*)*\)\s*;""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r"}
_WRITTEN = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}


class PreferencesUnreadable(Exception):
    """The file cannot be read, or is not of the form Thunderbird writes; nothing was changed. Holds no preference."""


class Preferences:
    """The text of a file of preferences. Not to be changed; ``changed`` makes another one."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._values: dict[str, Preference] | None = None

    @classmethod
    def load(cls, path: Path) -> "Preferences":
        """Read a file; one that is not there has no preferences. Raises PreferencesUnreadable."""
        try:
            with path.open("rb") as file:
                octets = file.read(MAX_OCTETS + 1)
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise PreferencesUnreadable(f"{path.name}: {type(error).__name__}") from error
        if len(octets) > MAX_OCTETS:
            raise PreferencesUnreadable(f"{path.name}: too large")
        return cls(octets.decode("utf-8", "surrogateescape"))

    @property
    def octets(self) -> bytes:
        """The file."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def values(self) -> Mapping[str, Preference]:
        """Every preference that is set; of one set twice the later value, as in Thunderbird."""
        if self._values is None:
            found = (each for each in _STATEMENT.finditer(self.text) if each["name"])
            self._values = {_string(each["name"]): _value(each["value"]) for each in found}
        return self._values

    def changed(self, changes: Mapping[str, Preference | None]) -> "Preferences":
        """Set preferences, or take them out (None). Every octet that is not about them stays.

        Raises PreferencesUnreadable where that cannot be done.
        """
        missing = {name: value for name, value in changes.items() if value is not None and name not in self.values}
        text = _STATEMENT.sub(lambda found: self._statement(found, changes), self.text)
        text = _removed(text)
        if missing:
            end = "\r\n" if "\r\n" in text else "\n"
            text += end if text and not text.endswith("\n") else ""
            text += "".join(f"{_set(name, value)}{end}" for name, value in missing.items())
        made = Preferences(text)
        expected = {name: value for name, value in (dict(self.values) | dict(changes)).items() if value is not None}
        if made.values != expected:
            raise PreferencesUnreadable("the preferences are not of the form Thunderbird writes")
        return made

    @staticmethod
    def _statement(found: "re.Match[str]", changes: Mapping[str, Preference | None]) -> str:
        name = _string(found["name"]) if found["name"] else ""
        if name not in changes:
            return found[0]
        value = changes[name]
        return _GONE if value is None else _set(name, value)


_GONE = "\0gone\0"
"""Stands in for a statement that is taken out, until its line is taken out with it. No file of Thunderbird has it."""


def _removed(text: str) -> str:
    return re.sub(rf"^[ \t]*{_GONE}[ \t]*(?:\r?\n|\Z)", "", text, flags=re.MULTILINE).replace(_GONE, "")


def _set(name: str, value: Preference) -> str:
    return f"user_pref({_quoted(name)}, {_written(value)});"


def _written(value: Preference) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _quoted(value)


def _quoted(text: str) -> str:
    return '"' + "".join(_WRITTEN.get(letter, letter) for letter in text) + '"'


def _value(token: str) -> Preference:
    if token[0] in "\"'":
        return _string(token)
    return token.startswith("t") if token in {"true", "false"} else int(token)


def _string(token: str) -> str:
    return _ESCAPE.sub(_letter, token[1:-1])


def _letter(found: "re.Match[str]") -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _LETTERS.get(found[3], found[3])
