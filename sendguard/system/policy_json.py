"""Policy as JSON, as Linux keeps it. Whatever the octets: values, or a code."""

import json
from collections.abc import Mapping

from sendguard.system.believable import Unbelievable


def read_json(octets: bytes) -> Mapping[str, object]:
    """The settings of a policy file. Raises Unbelievable."""
    try:
        found = json.loads(octets.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Unbelievable("encoding") from None
    except (ValueError, RecursionError):
        raise Unbelievable("syntax") from None
    if not isinstance(found, dict):
        raise Unbelievable("not_an_object")
    return {name: value for name, value in found.items() if name != "$schema"}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unbelievable("repeated_key")
    return found


def _no_constant(text: str) -> object:
    raise ValueError(text)
