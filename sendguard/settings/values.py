"""Values of settings: checked one by one against their declaration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from sendguard.settings.declared import BY_NAME
from sendguard.settings.rule_line import read_rule
from sendguard.settings.setting import Setting, Type, Value


@dataclass(frozen=True, slots=True)
class Values:
    """A value for every setting. What was not given has its default."""

    given: Mapping[str, Value] = field(default_factory=dict)

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


def checked(setting: Setting, raw: object) -> tuple[Value | None, str]:
    """A value as a file or a policy holds it, and why it is not valid: ``problem``'s code, or empty.

    The value is None where nothing of it can be taken. Of a list everything is taken that can be, and of rules every
    one: a rule with an option that cannot be read holds for ever, and nothing lifts it.
    """
    value = raw
    if setting.type in {Type.LINES, Type.RULES} and isinstance(raw, list | tuple):
        value = tuple(line for line in raw if not isinstance(line, str) or line.strip())
    why = problem(setting, value)
    if not why:
        return cast("Value", value), ""
    if not isinstance(value, tuple):
        return None, why
    whole = setting.type is Type.RULES
    return tuple(line for line in value if isinstance(line, str) and (whole or not _text_problem(setting, line))), why


def problem(setting: Setting, value: object) -> str:
    """Why a value is not valid: ``type``, ``range``, ``choice``, ``form`` or ``rule``; empty when it is."""
    match setting.type:
        case Type.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int):
                return "type"
            return "" if setting.low <= value <= setting.high else "range"
        case Type.SWITCH:
            return "" if isinstance(value, bool) else "type"
        case Type.CHOICE:
            return "" if value in [choice for choice, _ in setting.choices] else "choice"
        case Type.TEXT | Type.PATH:
            return _text_problem(setting, value)
        case _:  # LINES and RULES
            if not isinstance(value, tuple):
                return "type"
            return next(filter(None, (_text_problem(setting, line) for line in value)), "")


def _text_problem(setting: Setting, value: object) -> str:
    if not isinstance(value, str):
        return "type"
    if setting.pattern and not re.fullmatch(setting.pattern, value):
        return "form"
    if setting.type is Type.RULES:
        try:
            read_rule(value)
        except ValueError:
            return "rule"
    return ""
