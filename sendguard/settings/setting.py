"""What a setting is: its type, its bounds, which way it guards more, and who may change it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Type(StrEnum):
    """What kind of value a setting has, and so which control shows it."""

    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    PATH = "path"
    """A file or a folder."""
    LINES = "lines"
    """A list of texts, one a line."""
    RULES = "rules"
    """A list of rules, one a line, as ``rule_line`` reads them: a pattern, a message, and what lifts the rule."""


Value = int | bool | str | tuple[str, ...]


class Users(StrEnum):
    """What the people on whose desktop it is in force can do about a setting."""

    CHANGE = "change"
    SEE = "see"
    """Only policy sets it; the Policies page shows it."""
    NOTHING = "nothing"
    """Only policy sets it, and its value is shown to nobody: it is a key."""


Stricter = Literal["lower", "higher", "true", "false", "more", "later"]
"""Which direction guards more: a lower or higher number, on, off, more entries, a choice later in the list."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    ``name`` has letters and digits only (it is a registry value, a plist key, a JSON key and an ADMX id). ``stricter``
    is None where no direction guards more. ``machine_only``: no policy but the machine's own sets it, since it says
    whom to trust. ``pattern``: a regular expression that a text, or each line, matches whole (what Python and JSON
    Schema read alike). ``former`` are names it had before, still read. ``title``, ``description``, ``unit`` and the
    choices' titles are msgids of the translation catalogue.
    """

    name: str
    type: Type
    default: Value
    title: str
    description: str
    page: str
    low: int = 0
    high: int = 10_000_000
    unit: str = ""
    off_at_zero: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    stricter: Stricter | None = None
    users: Users = Users.CHANGE
    machine_only: bool = False
    pattern: str = ""
    former: tuple[str, ...] = ()


def N_(text: str) -> str:
    """Mark a text for the translation catalogue."""
    return text


def stricter_of(setting: Setting, one: Value, other: Value) -> Value:
    """The one of two valid values that guards more; of lists, both together. ``one`` where no direction guards more."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one + tuple(line for line in other if line not in one) if setting.stricter == "more" else one
    return other if _strictness(setting, other) > _strictness(setting, one) else one


def _strictness(setting: Setting, value: Value) -> float:
    match setting.stricter:
        case "lower":
            return float("-inf") if value == 0 and setting.off_at_zero else -_number(value)
        case "higher" | "true":
            return _number(value)
        case "false":
            return -_number(value)
        case "later":
            return float([choice for choice, _ in setting.choices].index(str(value)))
        case _:
            return 0.0


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int) else 0.0
