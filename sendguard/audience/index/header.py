"""What an index says of itself, in the first octets of its file."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from sendguard.audience.source import SourceFailed

MAGIC = b"SendGuard index\n"
SCHEMA = 1
"""Of a file with a higher one we know nothing, not even how to read its header."""
PREFIX = len(MAGIC) + 4 + 4
DIGEST = 32
BLOCK = 4096
"""Octets that are checked together, when one of them is first read."""
MAX_HEADER = 16 * 1024 * 1024


class IndexRefused(SourceFailed):
    """The file is no index this program can trust; ``why`` is ``foreign``, ``newer``, ``damaged`` or ``unreadable``."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(detail)
        self.why = why


class Mode(StrEnum):
    """What an index knows."""

    EXACT = "exact"
    """Who is in which list, by number: unions are exact."""
    COUNTS = "counts"
    """Sizes and nesting only, no person at all: unions are upper bounds."""


@dataclass(frozen=True, slots=True)
class Header:
    """The facts about an index. ``sequence`` grows with every build; ``made_at`` is when its data was true.

    ``key`` is the key of the address hashes, in hexadecimal; ``ids`` the size of the space people's numbers are from
    (those who left keep theirs); ``sections`` where each part lies: offset and length in octets; ``blocks`` the
    digest of the table of block checksums; ``end`` the length of the file.
    """

    mode: Mode
    sequence: int
    made_at: datetime
    source: str
    key: str
    people: int = 0
    lists: int = 0
    addresses: int = 0
    memberships: int = 0
    ids: int = 0
    bits: int = 0
    domains: tuple[str, ...] = ()
    sections: tuple[tuple[str, int, int], ...] = ()
    blocks: str = ""
    end: int = 0

    def packed(self) -> bytes:
        """The octets at the beginning of the file, up to a whole block."""
        said = asdict(self) | {"made_at": self.made_at.astimezone(UTC).isoformat()}
        text = json.dumps(said, sort_keys=True, ensure_ascii=True).encode("ascii")
        length = -(-(PREFIX + DIGEST + len(text)) // BLOCK) * BLOCK
        front = MAGIC + SCHEMA.to_bytes(4, "little") + length.to_bytes(4, "little")
        rest = text.ljust(length - PREFIX - DIGEST, b" ")
        return front + _digest(front + rest) + rest


def read_header(octets: memoryview) -> tuple[Header, int]:
    """Read a header, and the offset at which it ends. Raises IndexRefused."""
    if bytes(octets[: len(MAGIC)]) != MAGIC:
        raise IndexRefused("foreign", "this is not an index of SendGuard")
    schema = int.from_bytes(octets[len(MAGIC) : len(MAGIC) + 4], "little")
    if schema > SCHEMA:
        raise IndexRefused("newer", f"the index has schema {schema}; this SendGuard reads {SCHEMA}. Update SendGuard")
    length = int.from_bytes(octets[len(MAGIC) + 4 : PREFIX], "little")
    whole = PREFIX + DIGEST < length <= min(len(octets), MAX_HEADER)
    rest = bytes(octets[PREFIX + DIGEST : length]) if whole else b""
    if not whole or bytes(octets[PREFIX : PREFIX + DIGEST]) != _digest(bytes(octets[:PREFIX]) + rest):
        raise IndexRefused("damaged", "the header of the index is damaged or cut off")
    return _header(json.loads(rest)), length


def _header(said: dict[str, Any]) -> Header:
    known = {field.name: said[field.name] for field in fields(Header)}
    return Header(**known | {
        "mode": Mode(said["mode"]),
        "made_at": datetime.fromisoformat(said["made_at"]),
        "domains": tuple(said["domains"]),
        "sections": tuple(map(tuple, said["sections"])),
    })  # fmt: skip


def _digest(octets: bytes) -> bytes:
    return blake2b(octets, digest_size=DIGEST).digest()
