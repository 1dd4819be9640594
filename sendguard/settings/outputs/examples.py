"""Example policies: a pilot that watches and asks nothing, and values that users may change."""

import json
from collections.abc import Mapping

from sendguard.settings.declared import SETTINGS
from sendguard.settings.setting import Setting, Users, Value

MANAGED: Mapping[str, Value] = {
    "MonitorOnly": True,
    "HistoryDays": 180,
    "OrganisationDomains": ("example.org", "*.example.org"),
    "ProtectedLists": ("all-staff@example.org | Ask the communications team first: 555 0199.",),
    "BlockedLists": ("old-region@example.org | This list is wrong and is being mended. | until=2027-01-31",),
}
RECOMMENDED: Mapping[str, Value] = {"StartAtLogin": True, "AskReplyFrom": 15, "CheckAttachment": "ask"}


def recommendable() -> tuple[Setting, ...]:
    """The settings for which a recommendation makes sense: users may change them."""
    return tuple(setting for setting in SETTINGS if setting.users is Users.CHANGE)


def as_json(values: Mapping[str, Value]) -> bytes:
    """A file for ``/etc/sendguard/policies``."""
    return json.dumps(values, ensure_ascii=False, indent=2).encode() + b"\n"
