"""What the Windows registry and macOS preferences hold, made into what the declaration of a setting wants."""

from collections.abc import Mapping

from sendguard.settings.declared import BY_FORMER_NAME, BY_NAME
from sendguard.settings.setting import Type

_NAMES = {name.casefold(): name for name in (*BY_NAME, *BY_FORMER_NAME)}


def as_declared(values: Mapping[str, object]) -> dict[str, object]:
    """The same values under their declared names, whatever their case (the registry knows none); switches as truths.

    1 and 0 stand for on and off in the registry, which has no truths, and some tools write them into preferences too.
    Everything else stays as it is, so that what is of a wrong type is told.
    """
    found: dict[str, object] = {}
    for written, value in values.items():
        name = _NAMES.get(written.casefold(), written)
        if name != written and name in values:
            name = written  # two spellings: the declared one counts, and the other is told
        setting = BY_NAME.get(BY_FORMER_NAME.get(name, name))
        is_switch = setting is not None and setting.type is Type.SWITCH
        found[name] = value == 1 if is_switch and type(value) is int and value in (0, 1) else value
    return found
