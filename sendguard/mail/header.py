"""The header block of a message: cut out, capped, decoded. Nothing below this reads a header another way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.errors import (
    FirstHeaderLineIsContinuationDefect,
    HeaderParseError,
    MalformedHeaderDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
from email.header import decode_header
from email.parser import BytesHeaderParser
from enum import StrEnum

from sendguard.mail.address import AddressList, read_addresses

MAX_BLOCK = 256 * 1024
"""Octets of header block that are read."""
MAX_FIELD = 64 * 1024
"""Octets of one field that are read."""
MAX_FIELDS = 2_000
MAX_SHOWN = 2_000
"""Characters of a text that are decoded for showing; ``decode_header`` takes quadratic time."""

_OF_HEADERS = (
    FirstHeaderLineIsContinuationDefect,
    MalformedHeaderDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
"""Defects that make a header doubtful. Python 3.11.2 also finds a multipart without its body defective."""

_END_OF_BLOCK = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])|\r|\n")
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Problem(StrEnum):
    """Why a message could not be judged with certainty. Each is a reason to ask, never to let pass."""

    HEADER_TOO_LARGE = "header_too_large"
    HEADER_UNREADABLE = "header_unreadable"
    ADDRESSES_UNREADABLE = "addresses_unreadable"


@dataclass(frozen=True, slots=True)
class Headers:
    """Unfolded field bodies by lower-case field name, in their order, and what went wrong reading them."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: frozenset[Problem] = frozenset()

    def all(self, name: str) -> tuple[str, ...]:
        """Every body of the field, raw: encoded words not decoded, eight-bit bytes as surrogate escapes."""
        return self.fields.get(name.lower(), ())

    def first(self, name: str) -> str:
        """The first body of the field, stripped; empty when there is none."""
        bodies = self.all(name)
        return bodies[0].strip() if bodies else ""

    def text(self, name: str) -> str:
        """The first body of the field as a person reads it."""
        return decode_words(self.first(name))

    def addresses(self, name: str) -> AddressList:
        """The mailboxes of every such field together; a second ``To`` counts as much as the first."""
        return read_addresses(self.all(name), decode_words)


def header_block(raw: bytes) -> bytes:
    """The octets before the first empty line; all of them where there is none."""
    if raw[:2] == b"\r\n" or raw[:1] == b"\n":
        return b""
    end = _END_OF_BLOCK.search(raw)
    return raw[: end.start() + 2 if raw[end.start() : end.start() + 1] == b"\r" else end.start() + 1] if end else raw


def body_of(raw: bytes) -> bytes:
    """The octets after the first empty line; empty where there is none."""
    if raw[:2] == b"\r\n":
        return raw[2:]
    if raw[:1] == b"\n":
        return raw[1:]
    end = _END_OF_BLOCK.search(raw)
    return raw[end.end() :] if end else b""


def read_headers(raw: bytes) -> Headers:
    """Read the header block of a message. Never raises; what cannot be read is a problem in the answer.

    compat32 and not ``email.policy.default``: the latter takes quadratic time on commas (cpython #136063) and raises
    IndexError inside the parse (cpython #151857). It is what the parser takes when it is given none; importing
    ``email.policy`` only to name it would cost 6 ms at every start.
    """
    block = header_block(raw)
    problems: set[Problem] = set()
    if len(block) > MAX_BLOCK:
        problems.add(Problem.HEADER_TOO_LARGE)
        block = block[:MAX_BLOCK]
    try:
        items = BytesHeaderParser().parsebytes(block)
        pairs = [(str(name), str(body)) for name, body in items.raw_items()]
    except (RecursionError, IndexError, ValueError):
        return Headers({}, frozenset(problems | {Problem.HEADER_UNREADABLE}))
    if any(isinstance(defect, _OF_HEADERS) for defect in items.defects) or len(pairs) > MAX_FIELDS:
        problems.add(Problem.HEADER_UNREADABLE)
    fields: dict[str, tuple[str, ...]] = {}
    for name, body in pairs[:MAX_FIELDS]:
        if len(body) > MAX_FIELD:
            problems.add(Problem.HEADER_TOO_LARGE)
        key = name.lower()
        fields[key] = (*fields.get(key, ()), _FOLD.sub("", body[:MAX_FIELD]))
    return Headers(fields, frozenset(problems))


def decode_words(text: str) -> str:
    """Decode RFC 2047 encoded words and stray eight-bit bytes, for showing only; never decide on the result.

    Control characters become spaces. Bidi and zero-width characters stay: the screen that shows the text removes them.
    """
    octets = text[:MAX_SHOWN].encode("utf-8", "surrogateescape")
    plain = octets.decode("utf-8", "replace")
    try:
        parts = decode_header(plain) if "=?" in plain else [(plain, None)]
    except (HeaderParseError, ValueError, RecursionError):
        parts = [(plain, None)]
    return _UNSHOWABLE.sub(" ", "".join(_decode_part(part, charset) for part, charset in parts)).strip()


def _decode_part(part: str | bytes, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    try:
        return part.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):  # an unknown charset, or one with a NUL in its name
        return part.decode("latin-1")
