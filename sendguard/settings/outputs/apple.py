"""macOS: a configuration profile, the bare property list for Jamf and Intune, and the manifest for profile editors."""

import plistlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from sendguard.settings.declared import SETTINGS
from sendguard.settings.outputs.described import Translate, explained
from sendguard.settings.outputs.examples import recommendable
from sendguard.settings.setting import N_, Setting, Type, Users, Value

DOMAIN = "org.sendguard.SendGuard"
RECOMMENDED = "Recommended"
"""The dictionary within the preferences that holds what users may change."""
_MANIFEST_CHANGED = datetime(2026, 11, 28)
_TYPES = {Type.NUMBER: "integer", Type.SWITCH: "boolean", Type.LINES: "array", Type.RULES: "array"}


def preferences(managed: Mapping[str, Value], recommended: Mapping[str, Value]) -> dict[str, Any]:
    """The preferences of SendGuard's domain."""
    return {**managed, **({RECOMMENDED: dict(recommended)} if recommended else {})}


def bare_plist(managed: Mapping[str, Value], recommended: Mapping[str, Value]) -> bytes:
    """The property list that Jamf and Intune take for a preference domain."""
    return plistlib.dumps(preferences(managed, recommended), sort_keys=False)


def mobileconfig(managed: Mapping[str, Value], recommended: Mapping[str, Value], say: Translate) -> bytes:
    """A profile for the whole computer. The same content always has the same ids, so that it replaces itself."""
    payload = _payload("settings", DOMAIN, say) | preferences(managed, recommended)
    profile = _payload("profile", "Configuration", say) | {
        "PayloadScope": "System",
        "PayloadRemovalDisallowed": True,
        "PayloadContent": [payload],
    }
    return plistlib.dumps(profile, sort_keys=False)


def _payload(part: str, type: str, say: Translate) -> dict[str, Any]:
    return {
        "PayloadType": type,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{DOMAIN}.{part}",
        "PayloadUUID": str(uuid5(NAMESPACE_DNS, f"{part}.{DOMAIN}")).upper(),
        "PayloadDisplayName": "SendGuard",
        "PayloadDescription": say(N_("Policies of SendGuard.")),
        "PayloadOrganization": "",
    }


def manifest(say: Translate) -> bytes:
    """The manifest (ProfileManifests, format 1) from which iMazing, ProfileCreator and others make a form."""
    nested = {
        "pfm_name": RECOMMENDED,
        "pfm_title": say(N_("Recommended")),
        "pfm_description": say(N_("Values that users can change.")),
        "pfm_type": "dictionary",
        "pfm_subkeys": [_key(setting, say) for setting in recommendable()],
    }
    found = {
        "pfm_domain": DOMAIN,
        "pfm_title": "SendGuard",
        "pfm_description": say(N_("Policies of SendGuard.")),
        "pfm_format_version": 1,
        "pfm_version": 1,
        "pfm_last_modified": _MANIFEST_CHANGED,
        "pfm_platforms": ["macOS"],
        "pfm_targets": ["system", "user"],
        "pfm_unique": True,
        "pfm_subkeys": [*_payload_keys(say), *(_key(setting, say) for setting in SETTINGS), nested],
    }
    return plistlib.dumps(found, sort_keys=False)


def _payload_keys(say: Translate) -> Iterator[dict[str, Any]]:
    """The keys that every payload has."""
    for name, default in _payload("settings", DOMAIN, say).items():
        key = {"pfm_name": name, "pfm_title": name, "pfm_type": "integer" if isinstance(default, int) else "string"}
        yield key | {"pfm_description": "", "pfm_require": "always", "pfm_default": default}


def _key(setting: Setting, say: Translate) -> dict[str, Any]:
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    key: dict[str, Any] = {
        "pfm_name": setting.name,
        "pfm_title": say(setting.title),
        "pfm_description": explained(setting, say),
        "pfm_type": _TYPES.get(setting.type, "string"),
        "pfm_default": default,
    }
    if setting.machine_only:
        key["pfm_targets"] = ["system"]
    if setting.users is Users.NOTHING:
        key["pfm_sensitive"] = True
    return key | _limits(setting, say)


def _limits(setting: Setting, say: Translate) -> dict[str, Any]:
    form = {"pfm_format": f"^(?:{setting.pattern})$"} if setting.pattern else {}
    match setting.type:
        case Type.NUMBER:
            unit = {"pfm_value_unit": say(setting.unit)} if setting.unit else {}
            return {"pfm_range_min": setting.low, "pfm_range_max": setting.high} | unit
        case Type.CHOICE:
            values, titles = zip(*setting.choices, strict=True)
            return {"pfm_range_list": list(values), "pfm_range_list_titles": [say(title) for title in titles]}
        case Type.LINES | Type.RULES:
            return {"pfm_subkeys": [{"pfm_name": "entry", "pfm_type": "string"} | form]}
        case _:
            return form
