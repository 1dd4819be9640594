"""Who is in which list, closed over nesting and cycles: one directory's answer to a query."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pyroaring import BitMap

from sendguard.audience.audience import AddressKind, Part, Seen
from sendguard.audience.count import Basis, Count, together
from sendguard.audience.source import Query, Reach, in_domains
from sendguard.mail.address import domain_of

DOMINATES = 0.9
"""A nested list that brings this share of a list's people is named in the path through it."""


@dataclass(frozen=True, slots=True)
class Lists:
    """What a directory says, addresses normalised and aliases resolved.

    ``direct`` holds the ids of each list's own people, ``nested`` the lists in it, ``sizes`` published sizes.
    """

    direct: Mapping[str, BitMap] = field(default_factory=dict)
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: Mapping[str, Seen] = field(default_factory=dict)

    def __contains__(self, address: str) -> bool:
        return address in self.direct or address in self.nested or address in self.sizes


@dataclass(frozen=True, slots=True)
class _Closure:
    """All people of a list, how many lists it opens, and what in it is known by size only, or not at all."""

    people: BitMap
    lists: int
    sized: tuple[Count, ...]
    has_unknown: bool


class Membership:
    """One directory in memory. Queries are read-only; closures are computed once."""

    def __init__(
        self,
        lists: Lists,
        people: Mapping[str, int],
        by_domain: Mapping[str, BitMap],
        *,
        aliases: Mapping[str, str] | None = None,
        source: str = "",
        as_of: datetime | None = None,
    ) -> None:
        self._lists = lists
        self._people = people
        self._by_domain = by_domain
        self._aliases = aliases or {}
        self._source = source
        self._as_of = as_of
        self._closures: dict[str, _Closure] = {}
        self._outside: tuple[frozenset[str], BitMap] = (frozenset(), BitMap())

    def reach(self, query: Query) -> Reach:
        """Answer for the addresses this directory knows; people are counted once, whatever the lists they are in."""
        known = {address: name for address in query.addresses if (name := self._resolve(address)) is not None}
        own = BitMap(self._ids(query.originators))
        sets = {name: self._closure(name).people - own if name in self._lists else BitMap(self._ids([name])) - own
                for name in known.values()}  # fmt: skip
        outside = self._outsiders(query.home_domains)
        only = _only(sets)
        parts = {
            address: self._part(address, name, sets[name], only[name], outside, query)
            for address, name in known.items()
        }
        everybody = BitMap.union(*sets.values()) if sets else BitMap()
        union, closed = self._union(set(known.values()), everybody)
        sized_outside = sum(
            part.count.low for part in parts.values() if not part.count.is_open and query.is_outside(part.address)
            and part.kind is AddressKind.LIST and not sets[known[part.address]]
        )  # fmt: skip
        return Reach(parts, union, len(everybody & outside) + sized_outside, closed)

    def _union(self, names: set[str], everybody: BitMap) -> tuple[Count, bool]:
        closures = [self._closure(name) for name in names if name in self._lists]
        listed = Count.exact(len(everybody), self._source, self._as_of)
        sized = list(dict.fromkeys(count for closure in closures for count in closure.sized))
        union = together([listed, *sized], disjoint=False)
        if any(closure.has_unknown for closure in closures):
            return Count.unknown(self._source, union.low), False
        return union, not sized

    def _part(self, address: str, name: str, people: BitMap, only: int, outside: BitMap, query: Query) -> Part:
        if name not in self._lists:
            outsiders = int(query.is_outside(name))
            return Part(
                address, AddressKind.PERSON, Count.exact(len(people), self._source), only=only, outsiders=outsiders
            )
        closure = self._closure(name)
        path = self._path(name)
        listed = Count.exact(len(people), self._source, self._as_of)
        count = together([listed, *closure.sized], disjoint=False)
        seen = self._lists.sizes.get(name) if closure.people else None
        if closure.has_unknown:
            count = Count.unknown(self._source, count.low)
        elif seen is not None and seen.people > len(closure.people):
            count, seen = Count(len(people), seen.people, Basis.AT_MOST, self._source, seen.at), None
        return Part(
            address,
            AddressKind.LIST,
            count,
            path=path,
            lists_inside=max(0, closure.lists - len(path)),
            only=only,
            outsiders=len(people & outside),
            seen=seen,
            hint="" if not count.is_open else "nobody_listed",
        )

    def _resolve(self, address: str) -> str | None:
        name = _canonical(address, self._aliases)
        return name if name in self._lists or name in self._people else None

    def _ids(self, addresses: Iterable[str]) -> list[int]:
        names = (self._resolve(address) for address in addresses)
        return [self._people[name] for name in names if name is not None and name in self._people]

    def _closure(self, name: str) -> _Closure:
        if name not in self._closures:
            self._closures[name] = self._close(name)
        return self._closures[name]

    def _close(self, name: str) -> _Closure:
        reached, waiting = {name}, [name]
        direct: list[BitMap] = []
        sized: list[Count] = []
        has_unknown = False
        while waiting:
            current = waiting.pop()
            inside = self._lists.nested.get(current, ())
            own = self._lists.direct.get(current)
            if own:
                direct.append(own)
            elif not inside:
                size = self._lists.sizes.get(current)
                if size is not None and size.people > 0:
                    sized.append(Count.exact(size.people, self._source, size.at))
                else:
                    has_unknown = True
            fresh = [each for each in inside if each not in reached]
            reached.update(fresh)
            waiting += fresh
        people = BitMap.union(*direct) if direct else BitMap()
        return _Closure(people, len(reached), tuple(sized), has_unknown or not (people or sized))

    def _path(self, name: str) -> tuple[str, ...]:
        path = [name]
        while inside := [each for each in self._lists.nested.get(path[-1], ()) if each not in path]:
            largest = max(inside, key=lambda each: len(self._closure(each).people))
            if len(self._closure(largest).people) < DOMINATES * max(1, len(self._closure(path[-1]).people)):
                break
            path.append(largest)
        return tuple(path)

    def _outsiders(self, home: frozenset[str]) -> BitMap:
        if self._outside[0] != home:
            away = [ids for domain, ids in self._by_domain.items() if not in_domains(f"@{domain}", home)]
            self._outside = (home, BitMap.union(*away) if away and home else BitMap())
        return self._outside[1]


def _only(sets: Mapping[str, BitMap]) -> dict[str, int]:
    """For each set, how many of its people are in no other."""
    once, twice = BitMap(), BitMap()
    for people in sets.values():
        twice |= once & people
        once |= people
    return {name: len(people - twice) for name, people in sets.items()}


def build(
    members: Iterable[tuple[str, str]],
    sizes: Mapping[str, Seen],
    aliases: Mapping[str, str],
    *,
    is_foreign_list: Callable[[str], bool] = lambda member: False,
    source: str = "",
    as_of: datetime | None = None,
) -> Membership:
    """Make a directory of (list, member) pairs, published sizes and aliases, all normalised.

    A member that is a list itself is nested; cycles are allowed. ``is_foreign_list`` tells members that are lists
    elsewhere: they make the lists they are in unknown. Everybody an alias leads to is a person too.
    """
    pairs = [(_canonical(group, aliases), _canonical(member, aliases)) for group, member in members]
    groups = {group for group, _ in pairs} | {_canonical(name, aliases) for name in sizes}
    people: dict[str, int] = {}
    direct: dict[str, list[int]] = {group: [] for group, _ in pairs}
    nested: dict[str, dict[str, None]] = {}
    for group, member in pairs:
        if member in groups or is_foreign_list(member):
            if member != group:
                nested.setdefault(group, {})[member] = None
        elif member:
            direct[group].append(people.setdefault(member, len(people)))
    for target in aliases.values():
        name = _canonical(target, aliases)
        if name not in groups:
            people.setdefault(name, len(people))
    by_domain: dict[str, list[int]] = {}
    for person, number in people.items():
        by_domain.setdefault(domain_of(person), []).append(number)
    lists = Lists(
        {group: BitMap(ids) for group, ids in direct.items()},
        {group: tuple(inside) for group, inside in nested.items()},
        {_canonical(name, aliases): seen for name, seen in sizes.items()},
    )
    domains = {domain: BitMap(ids) for domain, ids in by_domain.items()}
    return Membership(lists, people, domains, aliases=aliases, source=source, as_of=as_of)


def _canonical(name: str, aliases: Mapping[str, str]) -> str:
    """Where the aliases lead; of names that lead in a circle, the first in the alphabet stands for all."""
    way = [name]
    while (target := aliases.get(way[-1])) is not None:
        if target in way:
            return min(way[way.index(target) :])
        way.append(target)
    return way[-1]
