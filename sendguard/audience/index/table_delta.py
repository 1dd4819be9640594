"""What changed between two address tables with the same key and as many buckets."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from sendguard.audience.index.body import Body
from sendguard.audience.index.varints import Reader, Writer

Entry = tuple[bytes, bytes]
"""The four octets of a hash beyond its bucket, and those of its target."""


def write_addresses(writer: Writer, old: Body, new: Body) -> None:
    """Write where entries go, and which ones come, bucket by bucket."""
    gone: list[int] = []
    come: list[tuple[int, Entry]] = []
    for bucket, start, before, after in _changed(old, new):
        gone += [start + at for at, entry in enumerate(before) if entry not in after]
        come += [(bucket, entry) for entry in after if entry not in before]
    writer.ascending(gone, len(gone))
    writer.number(len(come))
    last = 0
    for bucket, _ in come:
        writer.number(bucket - last)
        last = bucket
    writer.octets += b"".join(rest for _, (rest, _) in come)
    writer.octets += b"".join(target for _, (_, target) in come)


def apply_addresses(reader: Reader, old: Body) -> dict[str, "bytes | array[int]"]:
    """Make the sections of the new table."""
    gone = list(reader.ascending())
    count = reader.number()
    buckets = list(accumulate(reader.number() for _ in range(count)))
    rests, targets = reader.octets(4 * count), reader.octets(4 * count)
    starts = old.section("buckets").cast("I")
    reader.check(not gone or gone[-1] < starts[-1])
    reader.check(not buckets or buckets[-1] < len(starts) - 1)
    old_rests, old_targets = old.section("rests"), old.section("targets")
    lengths = array("i", [0]) * (len(starts) - 1)
    changes: list[tuple[int, bytes, bytes]] = [(at, b"", b"") for at in gone]
    for at in gone:
        lengths[bisect_right(starts, at) - 1] -= 1
    for number, bucket in enumerate(buckets):
        rest, target = rests[4 * number : 4 * number + 4], targets[4 * number : 4 * number + 4]
        lengths[bucket] += 1
        changes.append((_place(old_rests, starts[bucket], starts[bucket + 1], rest), rest, target))
    changes.sort()
    new_rests, new_targets, at = bytearray(), bytearray(), 0
    for place, rest, target in changes:
        new_rests += old_rests[4 * at : 4 * place]
        new_targets += old_targets[4 * at : 4 * place]
        new_rests += rest
        new_targets += target
        at = max(at, place) if rest else place + 1
    new_rests += old_rests[4 * at :]
    new_targets += old_targets[4 * at :]
    sizes = (end - start + more for start, end, more in zip(starts, starts[1:], lengths, strict=False))
    return {
        "buckets": array("I", accumulate(sizes, initial=0)),
        "rests": bytes(new_rests),
        "targets": bytes(new_targets),
    }


def _changed(old: Body, new: Body) -> Iterator[tuple[int, int, list[Entry], list[Entry]]]:
    """The buckets that differ: number, place where the old one begins, old and new entries."""
    before, after = _Table(old), _Table(new)
    for bucket in range(len(before.starts) - 1):
        if before.octets(bucket) != after.octets(bucket):
            yield bucket, before.starts[bucket], before.entries(bucket), after.entries(bucket)


class _Table:
    def __init__(self, body: Body) -> None:
        self.starts = body.section("buckets").cast("I")
        self._rests = bytes(body.section("rests"))
        self._targets = bytes(body.section("targets"))

    def octets(self, bucket: int) -> Entry:
        start, end = 4 * self.starts[bucket], 4 * self.starts[bucket + 1]
        return self._rests[start:end], self._targets[start:end]

    def entries(self, bucket: int) -> list[Entry]:
        rests, targets = self.octets(bucket)
        return [(rests[at : at + 4], targets[at : at + 4]) for at in range(0, len(rests), 4)]


def _place(rests: memoryview, start: int, end: int, rest: bytes) -> int:
    """Where an entry goes in a bucket: before the first one with a larger hash."""
    while start < end and bytes(rests[4 * start : 4 * start + 4]) < rest:
        start += 1
    return start
