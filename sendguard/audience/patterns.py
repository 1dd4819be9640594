"""Patterns of addresses, as people and IT write them."""

import re
from fnmatch import translate
from functools import lru_cache

from sendguard.mail.address import domain_of


def local_part(address: str) -> str:
    """What stands before the last ``@``: how people call a list. The whole address where nothing stands there."""
    return address.removesuffix("@" + domain_of(address)) or address


def matches(address: str, pattern: str) -> bool:
    """Whether a normalised address fits a pattern with ``*`` and ``?``; a pattern without ``@`` fits the local part."""
    subject = address if "@" in pattern else local_part(address)
    return _compiled(pattern.strip().casefold()).match(subject) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
