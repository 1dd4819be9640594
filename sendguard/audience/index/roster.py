"""A draft with everything in it numbered: the people, and the lists with what is directly in them."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from pyroaring import BitMap

from sendguard.audience.draft import Draft, Group, ListKind
from sendguard.audience.index.contents import LIST, MAYBE, NONE
from sendguard.mail.address import domain_of


@dataclass(slots=True)
class Roster:
    """Lists and people by number. ``own`` holds each list's own people, ``nested`` the lists directly in it.

    ``targets`` pairs addresses with numbers, those of lists with the bit LIST; ``ids`` is the size of the numbers'
    space. A group that is None was deleted.
    """

    names: list[str] = field(default_factory=list)
    groups: list[Group | None] = field(default_factory=list)
    own: list[BitMap] = field(default_factory=list)
    nested: list[list[int]] = field(default_factory=list)
    targets: list[tuple[str, int]] = field(default_factory=list)
    by_domain: dict[str, BitMap] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    people: int = 0
    ids: int = 0


@dataclass(frozen=True, slots=True)
class Numbering:
    """The numbers an earlier index gave: of people and of lists, by address; and how many of each it had given."""

    of: Callable[[str], int | None] = lambda address: None
    ids: int = 0
    lists: int = 0


def number_all(draft: Draft, before: Numbering | None = None) -> Roster:
    """Give numbers to everything in a draft: those it had in an index before, or new ones behind them."""
    return _Numberer(draft, before or Numbering()).roster()


class _Numberer:
    def __init__(self, draft: Draft, before: Numbering) -> None:
        self._draft = draft
        self._before = before
        self._addresses: dict[int, list[str]] = {}
        self._targets: array[int] = array("I", [NONE]) * len(draft.addresses)
        self._roster = Roster(domains=frozenset(draft.domains))

    def roster(self) -> Roster:
        draft, resolve = self._draft, self._draft.resolve
        groups, listed = self._merged_groups()
        unknown = {number for _, number in draft.undeclared()}
        for number in sorted(unknown - groups.keys()):
            groups[number] = Group()
        people = dict.fromkeys(resolve(number) for number in draft.people)
        first = len(draft.addresses)
        shared = {address: first + at for at, address in enumerate(draft.shared)}
        self._targets.extend([NONE] * len(shared))
        for address, number in shared.items():
            groups[number] = Group(ListKind.SHARED)
            listed[number] = array("I", sorted(draft.shared[address]))
        self._collect_addresses(groups)
        self._number_people([number for number in people if number not in groups])
        self._number_lists(groups, {number: address for address, number in shared.items()})
        for at, number in enumerate(sorted(map(resolve, draft.possible))):
            if self._targets[number] == NONE:
                self._targets[number] = MAYBE | at
        self._list_targets(shared, unknown)
        self._fill(groups, listed)
        return self._roster

    def _merged_groups(self) -> tuple[dict[int, Group], dict[int, "array[int]"]]:
        draft = self._draft
        groups: dict[int, Group] = {}
        for number, group in draft.groups.items():
            known = groups.setdefault(draft.resolve(number), group)
            if known is not group:
                known.hidden |= group.hidden
                known.incomplete |= group.incomplete
                known.size = known.size or group.size
        listed: dict[int, array[int]] = {}
        for number, members in draft.listed.items():
            main = draft.resolve(number)
            listed[main] = listed[main] + members if main in listed else members
        return groups, listed

    def _collect_addresses(self, groups: dict[int, Group]) -> None:
        """Keep the addresses of each list, and of people only where earlier numbers are to be found again."""
        draft = self._draft
        for key, number in draft.numbers.items():
            known = draft.resolve(number)
            if known in groups or (self._before.ids and key not in draft.foreign):
                self._addresses.setdefault(known, []).append(key)

    def _number_people(self, people: list[int]) -> None:
        roster, before = self._roster, self._before
        taken = BitMap()
        fresh: list[int] = []
        domains: dict[str, array[int]] = {}
        for number in people:
            if not self._draft.addresses[number]:
                continue
            roster.people += 1
            old = self._earlier(number, is_list=False)
            if old is None or old in taken:
                fresh.append(number)
            else:
                taken.add(old)
                self._targets[number] = old
        for at, number in enumerate(fresh, before.ids):
            self._targets[number] = at
        roster.ids = before.ids + len(fresh)
        for number in people:
            if self._targets[number] != NONE:
                domain = domain_of(self._draft.addresses[number])
                domains.setdefault(domain, array("I")).append(self._targets[number])
        roster.by_domain = {domain: BitMap(ids) for domain, ids in sorted(domains.items())}

    def _number_lists(self, groups: dict[int, Group], shared: dict[int, str]) -> None:
        roster, fresh = self._roster, []
        roster.names = [""] * self._before.lists
        roster.groups = [None] * self._before.lists
        for number in groups:
            old = self._earlier(number, is_list=True)
            if old is None or roster.groups[old] is not None:
                fresh.append(number)
            else:
                self._put(old, number, groups[number], shared)
        fresh.sort(key=lambda number: self._name_of(number, shared).rpartition("@")[::-1])
        roster.names += [""] * len(fresh)
        roster.groups += [None] * len(fresh)
        for at, number in enumerate(fresh, self._before.lists):
            self._put(at, number, groups[number], shared)

    def _put(self, at: int, number: int, group: Group, shared: dict[int, str]) -> None:
        self._roster.names[at] = self._name_of(number, shared)
        self._roster.groups[at] = group
        self._targets[number] = LIST | at

    def _name_of(self, number: int, shared: dict[int, str]) -> str:
        if number in shared:
            return shared[number]
        return self._draft.addresses[number] or next(iter(self._addresses.get(number, ())), "")

    def _earlier(self, number: int, *, is_list: bool) -> int | None:
        for address in self._addresses.get(number, ()):
            old = self._before.of(address)
            if old is not None and bool(old & LIST) == is_list:
                return old & ~LIST
        return None

    def _list_targets(self, shared: dict[str, int], unknown: set[int]) -> None:
        draft, targets = self._draft, self._targets
        is_simple = not draft.same
        for address, number in draft.numbers.items():
            known = number if is_simple else draft.resolve(number)
            known = shared.get(address, known)
            target = targets[known]
            is_known = target != NONE and not target & MAYBE and known not in unknown
            # A list without an address is found again by its key.
            if is_known and (address not in draft.foreign or target & LIST):
                self._roster.targets.append((address, target))

    def _fill(self, groups: dict[int, Group], listed: dict[int, "array[int]"]) -> None:
        roster, draft = self._roster, self._draft
        roster.own = [BitMap() for _ in roster.groups]
        roster.nested = [[] for _ in roster.groups]
        target_of = self._targets
        if draft.same:
            target_of = array("I", [target_of[draft.resolve(number)] for number in range(len(draft.addresses))])
            target_of.extend(self._targets[len(draft.addresses) :])
        for number in groups:
            at = self._targets[number] & ~LIST
            members = BitMap(map(target_of.__getitem__, listed.get(number, ())))
            members.discard(NONE)
            roster.nested[at] = [each & ~LIST for each in beyond(members, LIST) if each != LIST | at]
            members.remove_range(LIST, NONE)
            roster.own[at] = members


def beyond(numbers: BitMap, first: int) -> list[int]:
    """The numbers from ``first`` on, in their order."""
    return list(numbers.iter_equal_or_larger(first)) if numbers and numbers.max() >= first else []
