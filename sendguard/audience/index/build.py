"""Making an index of a draft."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from pyroaring import BitMap

from sendguard.audience.audience import RECENT
from sendguard.audience.draft import Draft
from sendguard.audience.index.addresses import Hasher, KeyCollision, starts, table
from sendguard.audience.index.contents import GONE, LIST, OPEN, pack
from sendguard.audience.index.header import Header, Mode
from sendguard.audience.index.reader import Index, away_from
from sendguard.audience.index.roster import Numbering, Roster, number_all
from sendguard.audience.index.sizes import Sizes, size_up

KEY = 16
"""Octets of the key of an index's address hashes."""
CROWDED = 1.3
"""People are numbered anew when those who left make the numbers' space so many times as large as the people."""


def build(
    draft: Draft,
    *,
    source: str,
    made_at: datetime,
    new_key: Callable[[int], bytes],
    mode: Mode = Mode.EXACT,
    before: Index | None = None,
) -> bytes:
    """Make an index of everything in a draft.

    ``made_at`` is when the data was true. ``new_key`` gives so many random octets. With the index of ``before``, keys
    and numbers stay the same, so that little changes from file to file, the sequence goes on, and each list is known
    with its smallest size of the last 30 days.
    """
    key = bytes.fromhex(before.header.key) if before is not None else new_key(KEY)
    numbering = _numbering(before) if before is not None else Numbering()
    roster = number_all(draft, numbering)
    sequence = before.header.sequence + 1 if before is not None else 1
    while True:
        header = Header(mode, sequence, made_at, source, key.hex())
        try:
            return assemble(roster, header, before)
        except KeyCollision:
            key = new_key(KEY)


def assemble(roster: Roster, header: Header, before: Index | None = None) -> bytes:
    """Make an index of numbered people and lists. Raises KeyCollision when another key has to be taken."""
    home = roster.domains
    outside = away_from(home, roster.by_domain.items())
    sizes = size_up(roster, outside)
    if before is not None:
        _remember(sizes, before, header.made_at)
    hasher = Hasher(bytes.fromhex(header.key))
    exact = header.mode is Mode.EXACT
    targets = [(hasher.of(address), target) for address, target in roster.targets if exact or target & LIST]
    bits, addresses = table(targets, before.header.bits if before is not None else None)
    sections: dict[str, bytes | array[int]] = {**addresses, **_lists(roster, sizes)}
    if exact:
        sections |= {
            **shared_sets(_each_packed(sizes.sets)),
            **domain_sections(roster.by_domain),
            "outside": packed_set(outside),
        }
    return pack(
        Header(
            header.mode,
            header.sequence,
            header.made_at,
            header.source,
            header.key,
            people=roster.people,
            lists=sum(not flags & GONE for flags in sizes.flags),
            addresses=len(targets),
            memberships=sum(map(len, roster.own)) + sum(map(len, roster.nested)),
            ids=roster.ids,
            bits=bits,
            domains=tuple(sorted(home)),
        ),
        sections,
    )


def _numbering(before: Index) -> Numbering:
    header = before.header
    if header.ids > CROWDED * header.people and header.mode is Mode.EXACT:
        return Numbering()
    return Numbering(before.target, header.ids, before.list_count)


def _remember(sizes: Sizes, before: Index, made_at: datetime) -> None:
    """Put down each list's smallest size of the last 30 days, where it is another than today's."""
    columns, when = sizes.columns, int(before.header.made_at.timestamp())
    recent = int((made_at - RECENT).timestamp())
    for at in range(min(before.list_count, len(sizes.flags))):
        if columns["before"][at] or (sizes.flags[at] | before.flags(at)) & (OPEN | GONE):
            continue
        low, more = before.column("low", at), before.column("more", at)
        earlier, earlier_at = before.column("before", at), before.column("before_at", at)
        people, at_time = low + more, when
        if earlier and earlier_at >= recent and earlier <= people:
            people, at_time = earlier, earlier_at
        if people != columns["low"][at] + columns["more"][at]:
            columns["before"][at], columns["before_at"][at] = people, at_time


def _lists(roster: Roster, sizes: Sizes) -> dict[str, "bytes | array[int]"]:
    names = [name.encode("utf-8", "surrogateescape") for name in roster.names]
    return {
        **sizes.columns,
        "flags": bytes(sizes.flags),
        "nested_starts": starts(map(len, roster.nested)),
        "nested": array("I", [each for inside in roster.nested for each in inside]),
        "name_starts": starts(map(len, names)),
        "names": b"".join(names),
    }


def _each_packed(sets: Sequence[BitMap]) -> Iterator[bytes]:
    known: dict[int, bytes] = {}  # lists of one cycle have one and the same
    for people in sets:
        octets = known.get(id(people))
        if octets is None:
            octets = known[id(people)] = packed_set(people)
        yield octets


def shared_sets(sets: Iterable[bytes]) -> dict[str, "bytes | array[int]"]:
    """The sections of the lists' sets, in their order. Lists with the same people share one set."""
    numbers: dict[bytes, int] = {}
    set_of = array("I", [numbers.setdefault(octets, len(numbers)) for octets in sets])
    return {"set_of": set_of, "set_starts": starts(map(len, numbers)), "sets": b"".join(numbers)}


def domain_sections(by_domain: Mapping[str, BitMap]) -> dict[str, "bytes | array[int]"]:
    """The sections of who has a main address in which domain, domains in their order."""
    names = [domain.encode("utf-8", "surrogateescape") for domain in by_domain]
    sets = [packed_set(ids) for ids in by_domain.values()]
    return {
        "domain_starts": starts(map(len, names)),
        "domain_names": b"".join(names),
        "domain_set_starts": starts(map(len, sets)),
        "domain_sets": b"".join(sets),
    }


def packed_set(people: BitMap) -> bytes:
    """A set in the portable Roaring format: the same octets for the same people, however the set came about."""
    fresh = BitMap(people.to_array())
    fresh.run_optimize()
    octets: bytes = fresh.serialize()
    return octets
