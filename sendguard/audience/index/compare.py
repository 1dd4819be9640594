"""What changed from one index to the next, and what of it IT should look at before it goes out."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyroaring import BitMap

from sendguard.audience.index.header import Mode
from sendguard.audience.index.reader import Index, ListRecord
from sendguard.audience.patterns import matches


@dataclass(frozen=True, slots=True)
class Change:
    """One list in both: ``before`` is None for a new one, ``after`` for one that has gone.

    ``joined`` and ``left`` are people; None where only sizes are known.
    """

    before: ListRecord | None
    after: ListRecord | None
    joined: int | None = None
    left: int | None = None

    @property
    def name(self) -> str:
        """The list's main address."""
        found = self.after or self.before
        return found.name if found is not None else ""

    @property
    def growth(self) -> int:
        """How many more people it has, at the most; below 0 where it has shrunk."""
        return _most(self.after) - _most(self.before)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every list that is not as it was, the one that has grown most first.

    ``joined`` and ``left`` are people of the whole directory; None where that cannot be told: between indexes with
    other keys, and where only sizes are known. ``people`` is how many there are now.
    """

    changes: tuple[Change, ...]
    joined: int | None
    left: int | None
    people: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What is worth a warning: growth by a factor and by so many people; a share of everybody, if that is as many.

    ``known`` are patterns of lists that may be as large as they like.
    """

    factor: float = 3
    by: int = 100
    share: float = 0.25
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Noticed:
    """A list that has grown past the limits (``share`` is then 0), or now reaches this share of everybody.

    ``after`` is None for a size that nobody knows any more.
    """

    name: str
    before: int | None
    after: int | None
    share: float = 0.0


def compare(old: Index | None, new: Index) -> Comparison:
    """Compare two indexes; without an old one every list is new. Raises IndexRefused for damage met on the way."""
    before = {record.name: record for record in old.lists()} if old is not None else {}
    after = {record.name: record for record in new.lists()}
    exact = old is not None and old.header.key == new.header.key and _is_exact(old) and _is_exact(new)
    same_people = exact and old is not None and new.header.ids >= old.header.ids
    changes = [
        change
        for name in before.keys() | after.keys()
        if (change := _change(old if same_people else None, new, before.get(name), after.get(name))) is not None
    ]
    joined = left = None
    if same_people and old is not None:
        was, now = _everybody(old), _everybody(new)
        joined, left = now.difference_cardinality(was), was.difference_cardinality(now)
    changes.sort(key=lambda change: (-change.growth, change.name))
    return Comparison(tuple(changes), joined, left, new.header.people)


def warnings(comparison: Comparison, limits: Limits) -> Iterator[Noticed]:
    """What IT should look at, the worst first."""
    crowd = limits.share * comparison.people
    for change in comparison.changes:
        if change.after is None or any(matches(change.name, pattern) for pattern in limits.known):
            continue
        before = _known(change.before)
        after = change.after.high
        many = _most(change.after)
        if before is not None and (after is None or _has_grown(before, many, limits)):
            yield Noticed(change.name, before, after)
        elif after is not None and after >= max(crowd, limits.by) and not (before is not None and before >= crowd):
            yield Noticed(change.name, before, after, after / max(1, comparison.people))


def _has_grown(before: int, now: int, limits: Limits) -> bool:
    return now >= limits.factor * before and now - before >= limits.by


def _change(old: Index | None, new: Index, before: ListRecord | None, after: ListRecord | None) -> Change | None:
    if before is None or after is None or old is None:
        same = before is not None and after is not None and _facts(before) == _facts(after)
        return None if same else Change(before, after)
    was, now = old.people(before.number), new.people(after.number)
    joined, left = now.difference_cardinality(was), was.difference_cardinality(now)
    return Change(before, after, joined, left) if joined or left or _facts(before) != _facts(after) else None


def _facts(record: ListRecord) -> tuple[object, ...]:
    return record.kind, record.hidden, record.low, record.high, record.outsiders


def _known(record: ListRecord | None) -> int | None:
    return record.high if record is not None else None


def _most(record: ListRecord | None) -> int:
    """How many people a list has at the most; of an unknown one, how many it has for sure."""
    if record is None:
        return 0
    return record.low if record.high is None else record.high


def _is_exact(index: Index) -> bool:
    return index.header.mode is Mode.EXACT


def _everybody(index: Index) -> BitMap:
    return BitMap.union(BitMap(), *(people for _, people in index.by_domain()))
