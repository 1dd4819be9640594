"""What sources say of people and lists, put together before an index is made of it."""

from array import array
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sendguard.audience.audience import Seen


class ListKind(StrEnum):
    """What sort of list it is."""

    STATIC = "static"
    DYNAMIC = "dynamic"
    """Its members are worked out by a rule of the server's."""
    MAILING_LIST = "mailing_list"
    ADDRESS_BOOK = "address_book"
    SHARED = "shared"
    """One address that several people have."""


@dataclass(slots=True)
class Group:
    """A declared list. ``incomplete``: somebody is in it whom no source lists, and nobody knows how many."""

    kind: ListKind = ListKind.STATIC
    hidden: bool = False
    size: Seen | None = None
    incomplete: bool = False


class Draft:
    """Collects statements of one or more sources, in any order.

    A *key* is whatever a source calls a thing by: a normalised address, a distinguished name. A key, and every address
    of the thing, name it from then on, for all sources. Keys that begin to matter as a member only are *undeclared*
    until somebody says what they are; left so, they stand for one person or list nobody can look into.
    """

    def __init__(self) -> None:
        self.domains: set[str] = set()
        self.numbers: dict[str, int] = {}
        """Keys and addresses, to the number of what they name."""
        self.addresses: list[str] = []
        """By number: the first address, empty where it has none."""
        self.people: dict[int, None] = {}
        """The numbers of declared people, in the order in which they were declared."""
        self.groups: dict[int, Group] = {}
        self.listed: dict[int, array[int]] = {}
        """By list: the numbers of its members."""
        self.possible: set[int] = set()
        self.same: dict[int, int] = {}
        """Numbers that turned out to name what another number names already."""
        self.shared: dict[str, set[int]] = {}
        """Addresses that several declared people have."""
        self.foreign: set[str] = set()
        """Keys that are no address."""

    def speaks_for(self, domains: Iterable[str]) -> None:
        """The directory is complete for these domain patterns: an address in them that it does not know is a doubt."""
        self.domains.update(domains)

    def person(self, key: str, addresses: Iterable[str] = ()) -> None:
        """Declare one mailbox, its main address first. Without any address it gets no mail and counts nowhere.

        People declared one after another should belong together (organisation, unit): the file gets smaller.
        """
        number = self._declare(key, addresses, self.people)
        self.people.setdefault(number)

    def group(
        self,
        key: str,
        addresses: Iterable[str] = (),
        *,
        kind: ListKind = ListKind.STATIC,
        hidden: bool = False,
        size: Seen | None = None,
        incomplete: bool = False,
    ) -> None:
        """Declare a list, its main address first. Said again, what is new is added.

        ``hidden``: its members must not be published; it is known by its size only. ``size``: a published number of
        people; for a list whose members are listed, a larger one says that not all of them are, a smaller one is the
        size of another day.
        """
        group = self.groups.setdefault(self._declare(key, addresses, ()), Group(kind))
        group.kind = kind if group.kind is ListKind.STATIC else group.kind
        group.hidden |= hidden
        group.incomplete |= incomplete
        group.size = size or group.size

    def members(self, key: str, members: Iterable[str]) -> None:
        """Say that these keys are in a list. May be said in several pieces; what is a list itself is nested."""
        number = self._number(key)
        self.groups.setdefault(number, Group())
        listed = self.listed.get(number)
        if listed is None:
            listed = self.listed[number] = array("I")
        known = self.numbers
        for member in members:
            found = known.get(member)
            listed.append(self._number(member) if found is None else found)

    def alias(self, alias: str, address: str) -> None:
        """Say that two addresses are one mailbox, or one list."""
        number = self.resolve(self._number(address))
        self.addresses[number] = self.addresses[number] or address
        self._name(alias, number, certain=True)

    def maybe(self, key: str) -> None:
        """Say that an undeclared key is at most one person, and perhaps nobody: a name nothing was found under."""
        self.possible.add(self._number(key))

    def take_for_people(self, is_list: Callable[[str], bool] = lambda key: False) -> None:
        """Declare every undeclared key one person with this address, except where ``is_list`` says that it is a list.

        Those of the smallest lists come first: people of one team then stand together, whatever order the lists had.
        """
        unknown = {number: self.addresses[number] or key for key, number in self.undeclared()}
        for group in sorted(self.listed.values(), key=len):
            for number in group:
                key = unknown.pop(number, None)
                if key is not None and not is_list(key):
                    self.person(key, (key,))
        for key in unknown.values():
            self.person(key, (key,))

    def undeclared(self) -> Iterator[tuple[str, int]]:
        """The keys of which nobody has said what they are, with their numbers."""
        for key, number in self.numbers.items():
            known = self.resolve(number)
            if known not in self.people and known not in self.groups and known not in self.possible:
                yield key, known

    def resolve(self, number: int) -> int:
        """The number that stands for all numbers of one thing."""
        while (other := self.same.get(number)) is not None:
            number = other
        return number

    def _number(self, key: str) -> int:
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.addresses)
            self.addresses.append("")
        return number

    def _declare(self, key: str, addresses: Iterable[str], alike: Container[int]) -> int:
        """Name a thing. One of ``alike`` that has the same main address, as another source said, is the same."""
        number = self.resolve(self._number(key))
        named = tuple(addresses)
        if key not in named:
            self.foreign.add(key)
        for address in named:
            other = self.resolve(self.numbers.get(address, number))
            is_main = address == named[0] == self.addresses[other]
            self._name(address, number, certain=is_main and other in alike)
        return self.resolve(number)

    def _name(self, address: str, number: int, *, certain: bool) -> None:
        number = self.resolve(number)
        other = self.resolve(self.numbers.setdefault(address, number))
        if other == number:
            self.addresses[number] = self.addresses[number] or address
        elif certain or not (other in self.people or other in self.groups):
            self.same[other] = number
            self.addresses[number] = self.addresses[number] or self.addresses[other] or address
        else:
            self.shared.setdefault(address, {other}).add(number)
