"""Passwords Thunderbird keeps in logins.json, known under another server's name as well.

Each is encrypted with a key of the profile's, and that does not depend on the server's name: so a copy needs neither
the password nor the key.
"""

import copy
import json
import uuid
from collections.abc import Collection
from typing import Any

from sendguard.thunderbird.kept import replace_keeping
from sendguard.thunderbird.profiles import Profile

MAX_OCTETS = 16 * 1024 * 1024
FILE = "logins.json"
_SECRETS = ("encryptedUsername", "encryptedPassword")


def copy_logins(profile: Profile, origin: str, to: str) -> tuple[str, ...]:
    """Keep whatever is kept for ``origin`` (``smtp://HOST``) for ``to`` as well; returns what names the copies.

    Once made, they are found and not made again. Returns nothing where Thunderbird keeps nothing it could find, or
    keeps it in another way than it does today: it asks for the password then. Raises OSError.
    """
    kept = _load(profile)
    if kept is None or origin == to:
        return ()
    entries: list[dict[str, Any]] = kept["logins"]
    names: list[str] = []
    made = False
    for entry in [each for each in entries if each.get("hostname") == origin == each.get("httpRealm")]:
        twin = next((each for each in entries if each.get("hostname") == to and _same_secrets(each, entry)), None)
        if twin is None:
            twin = copy.deepcopy(entry) | {"id": kept["nextId"], "hostname": to, "httpRealm": to}
            twin["guid"] = f"{{{uuid.uuid4()}}}"
            kept["nextId"] += 1
            entries.append(twin)
            made = True
        names.append(str(twin["guid"]))
    if made:
        _save(profile, kept)
    return tuple(names)


def forget_logins(profile: Profile, names: Collection[str]) -> None:
    """Take copies away again. Raises OSError."""
    kept = _load(profile)
    if kept is None or not names:
        return
    left = [each for each in kept["logins"] if each.get("guid") not in names]
    if len(left) != len(kept["logins"]):
        kept["logins"] = left
        _save(profile, kept)


def _same_secrets(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in _SECRETS)


def _load(profile: Profile) -> dict[str, Any] | None:
    """The file; None where it is not of the form it has today (version 3), so that nothing is lost of another one."""
    try:
        with (profile.folder / FILE).open("rb") as file:
            kept = json.loads(file.read(MAX_OCTETS))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    if not isinstance(kept, dict) or kept.get("version") != 3 or not isinstance(kept.get("nextId"), int):
        return None
    entries = kept.get("logins")
    return kept if isinstance(entries, list) and all(isinstance(each, dict) for each in entries) else None


def _save(profile: Profile, kept: dict[str, Any]) -> None:
    """As Thunderbird writes it: on one line."""
    octets = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
    replace_keeping(profile.folder / FILE, octets)
