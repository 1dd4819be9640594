"""Values of settings: checked one by one against their declaration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from sendguard.settings.declared import BY_NAME, SETTINGS, Setting, Type, Value


@dataclass(frozen=True, slots=True)
class Invalid:
    """A value that was not taken: ``why`` is a code (``type``, ``range``, ``choice``, ``name``)."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Values:
    """A value for every setting. What was not given, or was not valid, has its default."""

    given: Mapping[str, Value] = field(default_factory=dict)
    invalid: tuple[Invalid, ...] = ()

    def __getitem__(self, name: str) -> Value:
        return self.given.get(name, BY_NAME[name].default)

    def number(self, name: str) -> int:
        """The value of a NUMBER."""
        return cast(int, self[name])

    def text(self, name: str) -> str:
        """The value of a TEXT, PATH or CHOICE."""
        return cast(str, self[name])

    def lines(self, name: str) -> tuple[str, ...]:
        """The value of LINES or RULES."""
        return cast("tuple[str, ...]", self[name])

    def switch(self, name: str) -> bool:
        """The value of a SWITCH."""
        return self[name] is True


def read_values(raw: Mapping[str, object]) -> Values:
    """Check what a settings file holds. Pure; an entry that is not valid leaves the guarding default in force."""
    given: dict[str, Value] = {}
    invalid: list[Invalid] = []
    for name, value in raw.items():
        setting = BY_NAME.get(name)
        if setting is None:
            invalid.append(Invalid(name, "name"))
            continue
        checked = _lines(value) if setting.type in {Type.LINES, Type.RULES} else value
        why = problem(setting, checked)
        if why:
            invalid.append(Invalid(name, why))
        else:
            given[name] = cast("Value", checked)
    return Values(given, tuple(invalid))


def problem(setting: Setting, value: object) -> str:
    """Why a value is not valid for a setting, as a code; empty when it is."""
    match setting.type:
        case Type.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int):
                return "type"
            return "" if setting.low <= value <= setting.high else "range"
        case Type.SWITCH:
            return "" if isinstance(value, bool) else "type"
        case Type.CHOICE:
            return "" if value in {choice for choice, _ in setting.choices} else "choice"
        case Type.TEXT | Type.PATH:
            return "" if isinstance(value, str) else "type"
        case _:  # LINES and RULES
            return "" if isinstance(value, tuple) and all(isinstance(line, str) for line in value) else "type"


def changed(values: Values) -> dict[str, Value | list[str]]:
    """What has to be written to a settings file: the values that differ from their defaults, in declared order."""
    return {
        setting.name: list(value) if isinstance(value, tuple) else value
        for setting in SETTINGS
        if (value := values[setting.name]) != setting.default
    }


def _lines(value: object) -> object:
    if not isinstance(value, list | tuple):
        return value
    return tuple(line for line in value if not isinstance(line, str) or line.strip())
