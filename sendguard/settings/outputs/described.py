"""A setting in words, for files and pages of IT: what is allowed, what it is without policy, who may change it."""

from collections.abc import Callable, Iterator

from sendguard.settings.setting import N_, Setting, Stricter, Type, Users, Value

Translate = Callable[[str], str]
"""Gives the text of a msgid in one language."""

_TYPES = {
    Type.SWITCH: N_("On or off: true or false, in the Windows registry 1 or 0."),
    Type.TEXT: N_("A text."),
    Type.PATH: N_("The path of a file or folder."),
    Type.LINES: N_("A list of texts."),
    Type.RULES: N_("A list of rules: pattern | message | until=2026-12-31 | code=… | approver=…"),
}
_STRICTER: dict[Stricter, str] = {
    "lower": N_("Lower is stricter."),
    "higher": N_("Higher is stricter."),
    "true": N_("On is stricter."),
    "false": N_("Off is stricter."),
    "more": N_("More entries are stricter; those of all policies hold together."),
    "later": N_("Later choices are stricter."),
}
_USERS = {
    Users.CHANGE: "",
    Users.SEE: N_("Only policy sets it; users see it."),
    Users.NOTHING: N_("Only policy sets it, and its value is shown to nobody."),
}


def allowed(setting: Setting, say: Translate) -> str:
    """Which values it takes: a sentence or two."""
    match setting.type:
        case Type.NUMBER:
            text = say(N_("A whole number from {low} to {high}.")).format(low=setting.low, high=setting.high)
            return text + " " + say(N_("0 is off.")) if setting.off_at_zero else text
        case Type.CHOICE:
            choices = ", ".join(choice or '""' for choice, _ in setting.choices)
            return say(N_("One of: {choices}.")).format(choices=choices)
        case _:
            text = say(_TYPES[setting.type])
            form = say(N_("Form: {pattern}")).format(pattern=setting.pattern)
            return f"{text} {form}" if setting.pattern else text


def explained(setting: Setting, say: Translate) -> str:
    """Everything worth knowing about it, in sentences."""
    return " ".join(_sentences(setting, say))


def _sentences(setting: Setting, say: Translate) -> Iterator[str]:
    yield say(setting.description)
    yield allowed(setting, say)
    if setting.unit:
        yield say(N_("Counted in {unit}.")).format(unit=say(setting.unit))
    yield say(N_("Without policy: {value}.")).format(value=written(setting.default))
    yield from notes(setting, say)


def notes(setting: Setting, say: Translate) -> Iterator[str]:
    """Which direction is stricter, who may set it, and its former names."""
    if setting.stricter:
        yield say(_STRICTER[setting.stricter])
    if setting.users is not Users.CHANGE:
        yield say(_USERS[setting.users])
    if setting.machine_only:
        yield say(N_("Only the policy of the whole machine counts."))
    if setting.former:
        yield say(N_("Former name: {names}.")).format(names=", ".join(setting.former))


def written(value: Value) -> str:
    """A value as files write it, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(value) or "[]"
        case str():
            return value or '""'
        case _:
            return str(value)
