"""Policy as the property lists of macOS. Whatever the octets: values, or a code."""

import plistlib
from collections.abc import Mapping
from xml.parsers.expat import ExpatError

from sendguard.settings.outputs.apple import DOMAIN
from sendguard.system.believable import Unbelievable


def read_preferences(octets: bytes) -> Mapping[str, object]:
    """The settings of a property list, binary or XML, or of a configuration profile. Raises Unbelievable.

    What every payload of Apple's has (``PayloadUUID`` and its like) is no setting.
    """
    try:
        found = plistlib.loads(octets)
    except (ValueError, ExpatError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unbelievable("syntax") from None
    if isinstance(found, dict) and isinstance(content := found.get("PayloadContent"), list):
        ours = [part for part in content if isinstance(part, dict) and part.get("PayloadType") == DOMAIN]
        found = ours[0] if len(ours) == 1 else None
    if not isinstance(found, dict):
        raise Unbelievable("not_an_object")
    return {name: value for name, value in found.items() if not str(name).startswith("Payload")}
