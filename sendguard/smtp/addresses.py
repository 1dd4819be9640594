"""Envelope addresses on their way into a command: nothing in them may end a path or a line."""

import re
import unicodedata

_ASCII_PATH = re.compile(r"[!-;=?-~]+\Z")
"""Printable ASCII without space, ``<`` and ``>``: smtplib lets spaces and NUL through, and cuts at a line end."""

LONGEST = 512


class BadAddress(ValueError):
    """An address that cannot stand in a MAIL or RCPT command."""


def path(address: str, *, utf8: bool) -> str:
    """An address in angle brackets; an empty one is the null reverse-path ``<>``.

    ``utf8`` is whether the server speaks SMTPUTF8 (RFC 6531). Raises BadAddress, also for a route (``@a:b@c``) and for
    a name without a domain: the server would make another address of it than the one that was counted.
    """
    if address and not (_names_a_domain(address) and (_is_ascii_path(address) or (utf8 and _is_utf8_path(address)))):
        raise BadAddress
    return f"<{address}>"


def needs_utf8(*addresses: str) -> bool:
    """Whether one of the addresses can be sent with SMTPUTF8 only."""
    return not all(address.isascii() for address in addresses)


def _names_a_domain(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    return bool(local and domain and not local.startswith("@")) or address.lower() == "postmaster"


def _is_ascii_path(address: str) -> bool:
    return len(address) <= LONGEST and _ASCII_PATH.match(address) is not None


def _is_utf8_path(address: str) -> bool:
    if len(address) > LONGEST:
        return False
    return all(_ASCII_PATH.match(char) if char.isascii() else _is_visible(char) for char in address)


def _is_visible(char: str) -> bool:
    """Letters, marks, numbers, punctuation and symbols; no control, format, surrogate or separator character."""
    return unicodedata.category(char)[0] in "LMNPS"
