"""How many distinct people an index knows behind the addresses of a query, and what each address brings."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from pyroaring import BitMap

from sendguard.audience.audience import AddressKind, Part, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.index.contents import LIST, MAYBE, NONE, OPEN, PARTLY_HIDDEN, Row
from sendguard.audience.index.header import Mode
from sendguard.audience.index.reader import Index
from sendguard.audience.index.roster import beyond
from sendguard.audience.source import Query, Reach

WALK = 4000
"""Lists looked at in one answer for what the typed ones have in common; without the rest the bound is only wider."""


def reach(index: Index, query: Query, source: str) -> Reach:
    """Answer for the addresses the index knows; ``source`` is what the counts are said to come from.

    Raises IndexRefused for damage met on the way.
    """
    index.check_length()
    if index.header.mode is Mode.COUNTS:
        return _Counts(index, query, source).reach()
    return _Exact(index, query, source).reach()


class _Bounds(NamedTuple):
    """People for sure, people at most (None: nobody knows), when that was true, and whether some are not in its set.

    A tuple, because hundreds are made for one answer, and it is made twice as fast.
    """

    low: int
    high: int | None
    as_of: datetime
    partly_hidden: bool

    def as_count(self, source: str) -> Count:
        if self.high is None:
            return Count.unknown(source, self.low)
        basis = Basis.EXACT if self.low == self.high else Basis.AT_MOST
        return Count(self.low, self.high, basis, source, self.as_of)


class _Answer:
    """What both modes have in common: the lists' own records."""

    def __init__(self, index: Index, query: Query, source: str) -> None:
        self._index = index
        self._column = index.column
        self._made_at = index.header.made_at
        self._query = query
        self._source = source
        self._targets = {
            address: target for address in query.addresses if (target := index.target(address)) is not None
        }
        self._typed = {address: target & ~LIST for address, target in self._targets.items() if target & LIST}
        self._lists = tuple(dict.fromkeys(self._typed.values()))
        self._rows = {number: index.row(number) for number in self._lists}

    def _bounds(self, number: int, flags: int, own: int, own_at_most: int) -> _Bounds:
        """Of a list without the originator, who is ``own`` of its people for sure, and ``own_at_most`` at most."""
        row = self._rows[number]
        return _Bounds(
            max(0, row.low - own_at_most),
            None if flags & OPEN else row.low + row.more - own,
            datetime.fromtimestamp(row.as_of, UTC) if row.as_of else self._made_at,
            bool(flags & PARTLY_HIDDEN),
        )

    def _list_part(self, address: str, number: int, bounds: _Bounds, only: int | None, outsiders: int) -> Part:
        row = self._rows[number]
        path = self._path(number, row.lead)
        count = bounds.as_count(self._source)
        return Part(
            address,
            AddressKind.LIST,
            count,
            path=tuple(map(self._index.name, path)),
            lists_inside=max(0, row.inside + 1 - len(path)),
            only=only,
            outsiders=outsiders,
            seen=_seen(row) if row.before else None,
            hint="nobody_listed" if count.is_open else "",
        )

    def _path(self, number: int, lead: int) -> list[int]:
        path = [number]
        while lead != NONE and lead not in path:
            path.append(lead)
            lead = self._column("lead", lead)
        return path


def _seen(row: Row) -> Seen:
    return Seen(row.before, datetime.fromtimestamp(row.before_at, UTC) if row.before_at else None)


class _Exact(_Answer):
    """People are numbers, lists are sets of them, and a union is a union."""

    def __init__(self, index: Index, query: Query, source: str) -> None:
        super().__init__(index, query, source)
        self._own = BitMap([t for a in query.originators if (t := index.target(a)) is not None and not t & LIST])
        self._people = BitMap([target for target in self._targets.values() if not target & LIST]) - self._own
        self._sets = {number: index.people(number) for number in self._lists}
        self._outside = index.outside(query.home_domains) if self._lists and query.home_domains else BitMap()
        self._outsiders_are_known = query.home_domains == frozenset(index.header.domains)

    def reach(self) -> Reach:
        if not self._targets:
            return Reach(closed=True)
        union, shared = self._union_and_shared()
        bounds = {number: self._without_originator(number) for number in self._lists}
        here, nobody = Count.exact(1, self._source), Count.exact(0, self._source)
        parts: dict[str, Part] = {}
        for address, target in self._targets.items():
            if target & LIST:
                parts[address] = self._whole_list(address, target & ~LIST, bounds[target & ~LIST], shared)
            else:
                counted = target in self._people
                parts[address] = Part(
                    address,
                    AddressKind.PERSON,
                    here if counted else nobody,
                    only=int(counted and target not in shared),
                    outsiders=int(self._query.is_outside(address)),
                )
        return Reach(parts, self._union(union, bounds), self._external(union, parts), self._is_closed(union, bounds))

    def _union_and_shared(self) -> tuple[BitMap, BitMap]:
        """Everybody but the originator; and who is not brought by one typed address alone, the originator included."""
        once, twice = self._people.copy(), BitMap()
        for people in self._sets.values():
            twice |= once & people
            once |= people
        return once - self._own, twice | self._own

    def _whole_list(self, address: str, number: int, bounds: _Bounds, shared: BitMap) -> Part:
        people = self._sets[number]
        only = len(people) - people.intersection_cardinality(shared)
        return self._list_part(address, number, bounds, only, self._outsiders(number))

    def _without_originator(self, number: int) -> _Bounds:
        flags, own = self._index.flags(number), self._sets[number].intersection_cardinality(self._own)
        return self._bounds(number, flags, own, len(self._own) if flags & PARTLY_HIDDEN else own)

    def _union(self, union: BitMap, bounds: Mapping[int, _Bounds]) -> Count:
        if len(self._targets) == 1 and bounds:
            return next(iter(bounds.values())).as_count(self._source)
        sure, high = union.range_cardinality(0, MAYBE), union.range_cardinality(0, LIST)
        weights = [self._column("weight", bit & ~LIST) for bit in beyond(union, LIST)]
        low = max([sure, *[each.low for each in bounds.values()]])
        as_of = min([each.as_of for each in bounds.values()], default=None)
        highs = [each.high for each in bounds.values() if each.high is not None]
        if len(highs) < len(bounds):
            return Count.unknown(self._source, low)
        high = max(low, min(high + sum(weights), sum(highs) + len(self._people)))
        return Count(low, high, Basis.EXACT if low == high else Basis.AT_MOST, self._source, as_of)

    def _is_closed(self, union: BitMap, bounds: Mapping[int, _Bounds]) -> bool:
        """Whether everybody in it is listed, so that whom the directory does not know is nobody of them."""
        known = not any(each.partly_hidden or each.high is None for each in bounds.values())
        return known and not (union and union.max() >= MAYBE)

    def _outsiders(self, number: int) -> int:
        if self._outsiders_are_known:
            return self._rows[number].outsiders
        return self._sets[number].intersection_cardinality(self._outside)

    def _external(self, union: BitMap, parts: Mapping[str, Part]) -> int:
        if not self._lists:
            return sum(part.outsiders for part in parts.values())
        elsewhere = sum(
            parts[address].count.low
            for address, number in self._typed.items()
            if not self._sets[number].range_cardinality(0, LIST)
            and not parts[address].count.is_open
            and self._query.is_outside(address)
        )
        listed = union.intersection_cardinality(self._outside)
        return max(listed + elsewhere, *(part.outsiders for part in parts.values()))


class _Counts(_Answer):
    """Only sizes and nesting are known: what is in two of the lists for sure is counted once, all else twice."""

    def reach(self) -> Reach:
        own_at_most = len(self._query.originators)
        flags = self._index.flags
        bounds = {number: self._bounds(number, flags(number), 0, own_at_most) for number in self._lists}
        parts = {
            address: self._list_part(address, number, bounds[number], None, self._rows[number].outsiders)
            for address, number in self._typed.items()
        }
        if not parts:
            return Reach(complete=False)
        external = max(part.outsiders for part in parts.values())
        return Reach(parts, self._union(bounds), external, complete=False)

    def _union(self, bounds: Mapping[int, _Bounds]) -> Count:
        low = max(each.low for each in bounds.values())
        if any(each.high is None for each in bounds.values()):
            return Count.unknown(self._source, low)
        largest_first = sorted(bounds, key=lambda number: -(bounds[number].high or 0))
        high, seen = 0, BitMap()
        budget = WALK
        for number in largest_first:
            reached = self._reached(number, budget // 2)
            budget -= len(reached)
            shared = max((self._column("low", each) for each in reached & seen), default=0)
            high += max(0, (bounds[number].high or 0) - shared)
            seen |= reached
        as_of = min(each.as_of for each in bounds.values())
        return Count(low, max(low, high), Basis.EXACT if low == high else Basis.AT_MOST, self._source, as_of)

    def _reached(self, number: int, budget: int) -> BitMap:
        """The lists in a list, itself included: the nearest ones, no more than fit the budget."""
        reached, waiting = BitMap([number]), deque([number])
        while waiting and len(reached) < budget:
            fresh = [each for each in self._index.nested(waiting.popleft()) if each not in reached]
            reached.update(fresh)
            waiting.extend(fresh)
        return reached
