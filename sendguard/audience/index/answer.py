"""How many distinct people an index knows behind the addresses of a query, and what each address brings."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyroaring import BitMap

from sendguard.audience.audience import AddressKind, Part, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.index.contents import LIST, MAYBE, NONE, OPEN, PARTLY_HIDDEN
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


@dataclass(frozen=True, slots=True)
class _Bounds:
    """People for sure, people at most (None: nobody knows), and when that was true."""

    low: int
    high: int | None
    as_of: datetime

    def count(self, source: str) -> Count:
        if self.high is None:
            return Count.unknown(source, self.low)
        basis = Basis.EXACT if self.low == self.high else Basis.AT_MOST
        return Count(self.low, self.high, basis, source, self.as_of)


class _Answer:
    """What both modes have in common: the lists' own records."""

    def __init__(self, index: Index, query: Query, source: str) -> None:
        self._index = index
        self._query = query
        self._source = source
        found = ((address, index.target(address)) for address in query.addresses)
        self._targets = {address: target for address, target in found if target is not None}
        self._lists = tuple(dict.fromkeys(target & ~LIST for target in self._targets.values() if target & LIST))

    def _bounds(self, number: int) -> _Bounds:
        column, flags = self._index.column, self._index.flags(number)
        low, at = column("low", number), column("as_of", number)
        high = None if flags & OPEN else low + column("more", number)
        return _Bounds(low, high, datetime.fromtimestamp(at, UTC) if at else self._index.header.made_at)

    def _list_part(self, address: str, number: int, bounds: _Bounds, only: int | None, outsiders: int) -> Part:
        column, path = self._index.column, self._path(number)
        count = bounds.count(self._source)
        before, before_at = column("before", number), column("before_at", number)
        seen = Seen(before, datetime.fromtimestamp(before_at, UTC) if before_at else None) if before else None
        return Part(
            address,
            AddressKind.LIST,
            count,
            path=tuple(map(self._index.name, path)),
            lists_inside=max(0, column("inside", number) + 1 - len(path)),
            only=only,
            outsiders=outsiders,
            seen=seen,
            hint="nobody_listed" if count.is_open else "",
        )

    def _path(self, number: int) -> list[int]:
        path = [number]
        while (lead := self._index.column("lead", path[-1])) != NONE and lead not in path:
            path.append(lead)
        return path


class _Exact(_Answer):
    """People are numbers, lists are sets of them, and a union is a union."""

    def __init__(self, index: Index, query: Query, source: str) -> None:
        super().__init__(index, query, source)
        self._own = BitMap([t for a in query.originators if (t := index.target(a)) is not None and not t & LIST])
        self._people = BitMap([target for target in self._targets.values() if not target & LIST])
        self._sets = {number: index.people(number) for number in self._lists}
        self._outside = index.outside(query.home_domains) if self._lists and query.home_domains else BitMap()

    def reach(self) -> Reach:
        only, alone = self._only()
        bounds = {number: self._without_originator(number) for number in self._lists}
        parts: dict[str, Part] = {}
        for address, target in self._targets.items():
            if target & LIST:
                number = target & ~LIST
                outsiders = self._outsiders(number)
                parts[address] = self._list_part(address, number, bounds[number], only[number], outsiders)
            else:
                here = int(target not in self._own)
                outsiders = int(self._query.is_outside(address))
                count = Count.exact(here, self._source)
                parts[address] = Part(address, AddressKind.PERSON, count, only=here and int(target in alone),
                                      outsiders=outsiders)  # fmt: skip
        if not parts:
            return Reach(closed=True)
        union = BitMap.union(self._people, *self._sets.values()) - self._own
        return Reach(parts, self._union(union, bounds), self._external(union, parts), self._is_closed(union, bounds))

    def _only(self) -> tuple[dict[int, int], BitMap]:
        """For each list, how many of its people nothing else typed brings; and the typed people no list brings."""
        once, twice = self._people - self._own, BitMap()
        alone = once.copy()
        for people in self._sets.values():
            twice |= once & people
            once |= people
            alone -= people
        shared = twice | self._own
        only = {number: len(people) - people.intersection_cardinality(shared) for number, people in self._sets.items()}
        return only, alone

    def _without_originator(self, number: int) -> _Bounds:
        known, people = self._bounds(number), self._sets[number]
        own = people.intersection_cardinality(self._own)
        low = known.low - own
        if self._own and self._index.flags(number) & PARTLY_HIDDEN:
            low = max(0, known.low - len(self._own))
        return _Bounds(low, None if known.high is None else known.high - own, known.as_of)

    def _union(self, union: BitMap, bounds: Mapping[int, _Bounds]) -> Count:
        if len(self._targets) == 1 and bounds:
            return next(iter(bounds.values())).count(self._source)
        sure, high = union.range_cardinality(0, MAYBE), union.range_cardinality(0, LIST)
        weights = [self._index.column("weight", bit & ~LIST) for bit in beyond(union, LIST)]
        low = max([sure, *(each.low for each in bounds.values())])
        as_of = min((each.as_of for each in bounds.values()), default=None)
        if any(each.high is None for each in bounds.values()):
            return Count.unknown(self._source, low)
        at_most = sum(each.high or 0 for each in bounds.values()) + len(self._people - self._own)
        high = max(low, min(high + sum(weights), at_most))
        return Count(low, high, Basis.EXACT if low == high else Basis.AT_MOST, self._source, as_of)

    def _is_closed(self, union: BitMap, bounds: Mapping[int, _Bounds]) -> bool:
        """Whether everybody in it is listed, so that whom the directory does not know is nobody of them."""
        hidden = any(self._index.flags(number) & PARTLY_HIDDEN for number in bounds)
        return not (hidden or any(each.high is None for each in bounds.values()) or (union and union.max() >= MAYBE))

    def _outsiders(self, number: int) -> int:
        if self._query.home_domains == frozenset(self._index.header.domains):
            return self._index.column("outsiders", number)
        return self._sets[number].intersection_cardinality(self._outside)

    def _external(self, union: BitMap, parts: Mapping[str, Part]) -> int:
        if not self._lists:
            return sum(part.outsiders for part in parts.values())
        elsewhere = sum(
            part.count.low
            for address, part in parts.items()
            if (target := self._targets[address]) & LIST
            and not part.count.is_open
            and self._query.is_outside(address)
            and not self._sets[target & ~LIST].range_cardinality(0, LIST)
        )
        listed = union.intersection_cardinality(self._outside)
        return max(listed + elsewhere, *(part.outsiders for part in parts.values()))


class _Counts(_Answer):
    """Only sizes and nesting are known: what is in two of the lists for sure is counted once, all else twice."""

    def reach(self) -> Reach:
        bounds = {number: self._maybe_without_originator(number) for number in self._lists}
        parts = {
            address: self._list_part(
                address, target & ~LIST, bounds[target & ~LIST], None, self._index.column("outsiders", target & ~LIST)
            )
            for address, target in self._targets.items()
        }
        if not parts:
            return Reach(complete=False)
        external = max(part.outsiders for part in parts.values())
        return Reach(parts, self._union(bounds), external, complete=False)

    def _maybe_without_originator(self, number: int) -> _Bounds:
        known = self._bounds(number)
        return _Bounds(max(0, known.low - len(self._query.originators)), known.high, known.as_of)

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
            shared = max((self._index.column("low", each) for each in reached & seen), default=0)
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
