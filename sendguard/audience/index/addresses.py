"""From an address to its number, without the address: keyed hashes of 48 bits in buckets."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import pairwise

from sendguard.audience.index.body import Body

HASH = 6
"""Octets of a hash: with a million and a half addresses, an unknown one is taken for a known one in one of 10^8."""
PER_BUCKET = 16
MAX_BITS = 16


class KeyCollision(Exception):
    """Two addresses have one hash under this key: take another key."""


class Hasher:
    """Hashes normalised addresses under one key of at most 64 octets."""

    def __init__(self, key: bytes) -> None:
        self._empty = blake2b(key=key, digest_size=HASH)

    def of(self, address: str) -> bytes:
        """Six octets."""
        hasher = self._empty.copy()
        hasher.update(address.encode("utf-8", "surrogateescape"))
        return hasher.digest()


def table(targets: Iterable[tuple[bytes, int]], bits: int | None = None) -> tuple[int, dict[str, "array[int]"]]:
    """Make the three sections of an address table of (hash, target) pairs, and say how many bits choose the bucket.

    ``bits`` are kept as they are said to be, where that is not far off. Raises KeyCollision when one hash has two
    targets.
    """
    hashes = list(targets)
    fitting = max(0, min(MAX_BITS, (len(hashes) // PER_BUCKET).bit_length()))
    bits = bits if bits is not None and abs(bits - fitting) <= 1 else fitting
    entries = sorted({_entry(hashed, target, bits) for hashed, target in hashes})
    if any(entry >> 32 == after >> 32 for entry, after in pairwise(entries)):
        raise KeyCollision
    counts = [0] * (1 << bits)
    for entry in entries:
        counts[entry >> 64] += 1
    return bits, {
        "buckets": starts(counts),
        "rests": array("I", [_swapped(entry >> 32 & 0xFFFF_FFFF) for entry in entries]),
        "targets": array("I", [entry & 0xFFFF_FFFF for entry in entries]),
    }


def find(body: Body, hashed: bytes) -> int | None:
    """The target of a hash, None where the table has none. Raises IndexRefused for damage met on the way."""
    start, end = body.span("buckets", (hashed[0] << 8 | hashed[1]) >> (MAX_BITS - body.header.bits))
    bucket, rest = bytes(body.part("rests", 4 * start, 4 * end)), hashed[2:]
    at = bucket.find(rest)
    while at % 4 and at > 0:
        at = bucket.find(rest, at + 1)
    return None if at < 0 else body.number("targets", start + at // 4)


def starts(lengths: Iterable[int]) -> "array[int]":
    """Where each of several things begins when they lie one behind the other, and where the last one ends."""
    found, at = array("I", [0]), 0
    for length in lengths:
        at += length
        found.append(at)
    return found


def _entry(hashed: bytes, target: int, bits: int) -> int:
    """Bucket, rest of the hash and target in one number, as they are sorted."""
    bucket = int.from_bytes(hashed[:2], "big") >> MAX_BITS - bits
    return bucket << 64 | int.from_bytes(hashed[2:], "big") << 32 | target


def _swapped(number: int) -> int:
    """Turned round, so that its octets in the file are those of the hash in their order."""
    return int.from_bytes(number.to_bytes(4, "big"), "little")
