"""What stands in an index, section by section, and how it becomes octets."""

import zlib
from array import array
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple

from sendguard.audience.draft import ListKind
from sendguard.audience.index.header import BLOCK, Header, Mode

LIST = 1 << 31
"""Set in the target of an address that is a list; and in a set, where it stands for everybody in a list who is not
listed one by one."""
MAYBE = 1 << 30
"""Set in a number that stands for one person at most, perhaps nobody."""
NONE = 0xFFFF_FFFF


class Row(NamedTuple):
    """One number a list, each in a section of its own.

    ``low``: people for sure; ``more``: how many more there may be; ``outsiders``; ``inside``: lists reached through it;
    ``weight``: people its bit in a set stands for; ``as_of``: when its data was true (seconds of the epoch, 0: as the
    header says); ``before`` and ``before_at``: its size of another day, 0 where none is known, and when that was;
    ``lead``: the nested list that brings nearly everybody, NONE where no list does.
    """

    low: int
    more: int
    outsiders: int
    inside: int
    weight: int
    as_of: int
    before: int
    before_at: int
    lead: int


COLUMNS = Row._fields

KINDS = list(ListKind)
"""A list's kind is stored as its place in here."""
KIND, HIDDEN, OPEN, PARTLY_HIDDEN, GONE = 0b0111, 0b1000, 0b1_0000, 0b10_0000, 0b100_0000
"""Bits of ``flags``. PARTLY_HIDDEN: the stored size counts people who are not in the stored set. GONE: the list was
deleted; its number is not given away again before everything is numbered anew."""

SECTIONS = (
    "buckets", "rests", "targets",
    *COLUMNS, "flags", "nested_starts", "nested", "name_starts", "names",
    "set_of", "set_starts", "sets", "outside", "domain_starts", "domain_names", "domain_set_starts", "domain_sets",
)  # fmt: skip
EXACT_ONLY = frozenset(SECTIONS[SECTIONS.index("set_of") :])

Sections = Mapping[str, "bytes | array[int] | memoryview"]


def pack(header: Header, sections: Sections) -> bytes:
    """The whole file. The same contents give the same octets, wherever and whenever they are packed."""
    wanted = [name for name in SECTIONS if header.mode is Mode.EXACT or name not in EXACT_ONLY]
    parts = [memoryview(sections[name]).cast("B") for name in wanted]
    length = -1
    while length != len(header.packed()):  # it depends on what the header says of itself
        length = len(header.packed())
        header = _placed(header, wanted, parts, length)
    body = bytearray()
    for part in parts:
        body += part
        body += bytes(-len(body) % 8)
    body += bytes(-len(body) % BLOCK)
    view = memoryview(body)
    sums = array("I", (zlib.crc32(view[at : at + BLOCK]) for at in range(0, len(body), BLOCK)))
    header = replace(header, blocks=blake2b(sums, digest_size=32).hexdigest())
    return b"".join((header.packed(), body, sums))


def _placed(header: Header, names: list[str], parts: list[memoryview], start: int) -> Header:
    places, at = [], start
    for name, part in zip(names, parts, strict=True):
        places.append((name, at, len(part)))
        at += len(part) + -len(part) % 8
    at += -at % BLOCK
    blocks = 4 * ((at - start) // BLOCK)
    return replace(header, sections=(*places, ("blocks", at, blocks)), end=at + blocks, blocks="0" * 64)
