"""What is in force, as data for other programs. Keys and codes are masked: it is copied into tickets."""

import re
from typing import Any

from sendguard.settings.layers import Fault, Resolution, Resolved
from sendguard.settings.setting import Setting, Type, Users, Value

MASK = "***"
_CODE = re.compile(r"(\|\s*code=)\s*[^|\s]*")


def masked(setting: Setting, value: Value) -> Value:
    """The value as it may be shown: of one that is shown to nobody, only that there is one; of rules, no codes."""
    if setting.users is Users.NOTHING:
        return MASK if value else value
    if setting.type is Type.RULES and isinstance(value, tuple):
        return tuple(_CODE.sub(rf"\g<1>{MASK}", line) for line in value)
    return value


def report(resolution: Resolution) -> dict[str, Any]:
    """Every setting: ``name value layer source locked overrides problems``; and the problems of whole sources."""
    return {
        "managed": resolution.is_managed,
        "settings": [_row(resolved) for resolved in resolution.by_name.values()],
        "problems": [problem_report(fault) for fault in resolution.faults],
    }


def _row(resolved: Resolved) -> dict[str, Any]:
    setting = resolved.setting
    return {
        "name": setting.name,
        "value": masked(setting, resolved.value),
        "layer": resolved.layer.value,
        "source": resolved.source,
        "locked": resolved.locked,
        "overrides": [
            {"value": masked(setting, said.value), "layer": said.layer.value, "source": said.source}
            for said in resolved.overridden
        ],
        "problems": [problem_report(fault) for fault in resolved.faults],
    }


def problem_report(fault: Fault) -> dict[str, str]:
    """A fault: ``name`` is empty where it is about the whole source."""
    return {"layer": fault.layer.value, "source": fault.source, "name": fault.name, "why": fault.why}
