"""The policy files of Linux as a JSON Schema (2020-12): editors complete them, pipelines check them."""

import json
from collections.abc import Iterator
from typing import Any

from sendguard.settings.declared import SETTINGS
from sendguard.settings.outputs.described import Translate, explained
from sendguard.settings.setting import Setting, Type, Users

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_RULE = r"^\s*[^|\s][^|]*(\|.*)?$"
"""That a rule has a pattern; its options are looked at by ``sendguard policy check``."""


def schema(say: Translate) -> bytes:
    """The schema of a file in ``managed``; one in ``recommended`` lacks what is ``x-machineOnly``."""
    found = {
        "$schema": DRAFT,
        "$id": "urn:sendguard:policy",
        "title": "SendGuard policy",
        "type": "object",
        "properties": {"$schema": {"type": "string"}} | dict(_properties(say)),
        "additionalProperties": False,
    }
    return json.dumps(found, ensure_ascii=False, indent=2).encode() + b"\n"


def _properties(say: Translate) -> Iterator[tuple[str, dict[str, Any]]]:
    for setting in SETTINGS:
        shape = {"title": say(setting.title), "description": explained(setting, say)} | _shape(setting, say)
        yield setting.name, shape | _marks(setting)
        for former in setting.former:
            yield former, shape | _marks(setting) | {"deprecated": True, "x-nowCalled": setting.name}


def _shape(setting: Setting, say: Translate) -> dict[str, Any]:
    match setting.type:
        case Type.NUMBER:
            return {"type": "integer", "minimum": setting.low, "maximum": setting.high, "default": setting.default}
        case Type.SWITCH:
            return {"type": "boolean", "default": setting.default}
        case Type.CHOICE:
            choices = [{"const": choice, "title": say(title)} for choice, title in setting.choices]
            return {"type": "string", "oneOf": choices, "default": setting.default}
        case Type.TEXT | Type.PATH:
            return _text(setting) | {"default": setting.default}
        case _:
            default = list(setting.default) if isinstance(setting.default, tuple) else []
            return {"type": "array", "items": _text(setting), "default": default}


def _text(setting: Setting) -> dict[str, Any]:
    if setting.type is Type.RULES:
        return {"type": "string", "pattern": _RULE}
    return {"type": "string"} | ({"pattern": f"^(?:{setting.pattern})$"} if setting.pattern else {})


def _marks(setting: Setting) -> dict[str, Any]:
    """What JSON Schema has no words for."""
    marks: dict[str, Any] = {"x-usersMay": setting.users.value}
    if setting.unit:
        marks["x-unit"] = setting.unit
    if setting.off_at_zero:
        marks["x-offAtZero"] = True
    if setting.stricter:
        marks["x-stricter"] = setting.stricter
    if setting.machine_only:
        marks["x-machineOnly"] = True
    if setting.users is Users.NOTHING:
        marks["writeOnly"] = True
    return marks
