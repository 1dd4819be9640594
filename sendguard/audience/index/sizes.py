"""From who is directly in a list to everybody it reaches: sets, and the numbers that are known."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from sendguard.audience.closure import close
from sendguard.audience.draft import Group
from sendguard.audience.index.contents import GONE, HIDDEN, KINDS, LIST, MAYBE, NONE, OPEN, PARTLY_HIDDEN
from sendguard.audience.index.roster import Roster, beyond

LEADS = 0.9
"""A nested list that brings this share of a list's people is named in the path through it."""


@dataclass(slots=True)
class Sizes:
    """For each list: the set that may be published, and the columns of ``contents``."""

    sets: list[BitMap]
    columns: dict[str, "array[int]"]
    flags: bytearray


def size_up(roster: Roster, outside: BitMap) -> Sizes:
    """Close every list and count it.

    A list whose members are hidden, or not listed at all, stands in the sets of the lists around it as one bit of its
    own, which weighs as many people as are known to be behind it: a union can then be above the truth, never below.
    """
    return _Sizer(roster, outside).sizes()


class _Sizer:
    def __init__(self, roster: Roster, outside: BitMap) -> None:
        self._roster = roster
        self._outside = outside
        count = len(roster.groups)
        self._columns = {name: array("I", [0]) * count for name in ("low", "more", "outsiders", "weight", "as_of")}
        self._before = array("I", [0]) * count
        self._before_at = array("I", [0]) * count
        self._flags = bytearray(map(_flags, roster.groups))
        self._own = list(roster.own)

    def sizes(self) -> Sizes:
        roster = self._roster
        for at, group in enumerate(roster.groups):
            if group is not None and not (roster.own[at] or roster.nested[at]):
                self._stand_for_itself(at, group)
            elif group is not None and group.incomplete:
                self._open(at)
        closed = close(roster.nested, self._own)
        if self._add_unlisted(closed):
            closed = close(roster.nested, self._own)
        for at, group in enumerate(roster.groups):
            if group is not None:
                self._count(at, group, closed[at])
        sets = self._published(closed)
        columns = self._columns | {
            "before": self._before,
            "before_at": self._before_at,
            "inside": self._inside(),
            "lead": array("I", [self._lead(at, inside) for at, inside in enumerate(roster.nested)]),
        }
        return Sizes(sets, columns, self._flags)

    def _stand_for_itself(self, at: int, group: Group) -> None:
        """A list of which no member is known: of its published size, or of unknown size."""
        if group.size is None or group.size.people <= 0 or group.incomplete:
            self._open(at)
        else:
            self._weigh(at, group.size.people, group)
            self._columns["low"][at] = group.size.people

    def _open(self, at: int) -> None:
        self._flags[at] |= OPEN
        self._own[at] = self._own[at] | BitMap([LIST | at])

    def _weigh(self, at: int, people: int, group: Group) -> None:
        self._columns["weight"][at] = people
        self._columns["as_of"][at] = int(group.size.at.timestamp()) if group.size and group.size.at else 0
        self._own[at] = self._own[at] | BitMap([LIST | at])

    def _add_unlisted(self, closed: Sequence[BitMap]) -> bool:
        """Let a list with a larger published size than it has members stand for the others, too."""
        found = False
        for at, group in enumerate(self._roster.groups):
            if group is not None and not closed[at]:  # lists in a circle, and nobody in any of them
                self._open(at)
                found = True
            listed = self._roster.own[at] or self._roster.nested[at]
            if group is None or group.size is None or not listed:
                continue
            low, more, _ = self._bounds(closed[at])
            if group.size.people > low + more:
                self._weigh(at, group.size.people - low - more, group)
                found = True
            elif group.size.people < low:
                self._before[at] = group.size.people
                self._before_at[at] = int(group.size.at.timestamp()) if group.size.at else 0
        return found

    def _bounds(self, people: BitMap) -> tuple[int, int, bool]:
        """How many people a set is for sure, how many more it may be, and whether nobody knows how many more."""
        if not people or people.max() < MAYBE:
            return len(people), 0, False
        sure = people.range_cardinality(0, MAYBE)
        low, high, is_open = sure, people.range_cardinality(0, LIST), False
        for bit in beyond(people, LIST):
            at = bit & ~LIST
            low = max(low, self._columns["low"][at])
            high += self._columns["weight"][at]
            is_open = is_open or bool(self._flags[at] & OPEN)
        return low, max(high - low, 0), is_open

    def _count(self, at: int, group: Group, people: BitMap) -> None:
        columns = self._columns
        low, more, is_open = self._bounds(people)
        size = group.size.people if group.size else 0
        if columns["weight"][at] and low <= size < low + more:
            more = size - low  # it was said how many there are; sums over the lists inside cannot be better
        columns["low"][at] = low
        columns["more"][at] = 0 if is_open else more
        columns["outsiders"][at] = people.intersection_cardinality(self._outside)
        times = [each for bit in beyond(people, LIST) if (each := columns["as_of"][bit & ~LIST])]
        columns["as_of"][at] = min(times, default=0)
        if is_open or not (low or more):
            self._flags[at] |= OPEN

    def _published(self, closed: list[BitMap]) -> list[BitMap]:
        """The sets that may be given away: without the members of hidden lists."""
        hidden = [at for at, flags in enumerate(self._flags) if flags & HIDDEN]
        if not hidden:
            return closed
        own, nested = list(self._own), list(self._roster.nested)
        for at in hidden:
            own[at], nested[at] = BitMap([LIST | at]), []
            self._columns["weight"][at] = self._columns["low"][at] + self._columns["more"][at]
        published = close(nested, own)
        for at, people in enumerate(published):
            if people != closed[at]:
                self._flags[at] |= PARTLY_HIDDEN
        return published

    def _inside(self) -> "array[int]":
        nested = self._roster.nested
        reached = close(nested, [BitMap([at]) for at in range(len(nested))])
        return array("I", [len(lists) - 1 for lists in reached])

    def _lead(self, at: int, inside: Sequence[int]) -> int:
        low = self._columns["low"]
        largest = max(inside, key=low.__getitem__, default=NONE)
        return largest if inside and low[largest] >= LEADS * max(1, low[at]) else NONE


def _flags(group: Group | None) -> int:
    return GONE if group is None else KINDS.index(group.kind) | (HIDDEN if group.hidden else 0)
