"""What the person, or their IT, said an address is: a list of so many people, or one person."""

from collections.abc import Iterable, Mapping

from sendguard.audience.audience import AddressKind, Part
from sendguard.audience.count import SMALLEST_LIST, Basis, Count, together
from sendguard.audience.source import Query, Reach
from sendguard.mail.address import normalise


class Taught:
    """An ``audience.source.Source``. A taught size is an estimate; a taught person is an assumption like any other."""

    name = "taught"
    instant = True
    domains: frozenset[str] = frozenset()

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes

    def reach(self, query: Query) -> Reach:
        """Answer for the addresses something was said about."""
        known = [address for address in query.addresses if address in self._sizes]
        parts = {address: self._part(address, self._sizes[address], query) for address in known}
        union = together((part.count for part in parts.values()), disjoint=False)
        return Reach(parts, union, sum(part.outsiders for part in parts.values()))

    def _part(self, address: str, people: int, query: Query) -> Part:
        outsiders = people if query.is_outside(address) else 0
        if people < SMALLEST_LIST:
            return Part(address, AddressKind.PERSON, Count(1, 1, Basis.ASSUMED, self.name), outsiders=outsiders)
        return Part(address, AddressKind.LIST, Count(people, people, Basis.ESTIMATE, self.name), outsiders=outsiders)


def read_taught(lines: Iterable[str]) -> Taught:
    """Read ``address | number of people`` lines. One that is not of this form, or says nobody, teaches nothing."""
    sizes: dict[str, int] = {}
    for line in lines:
        address, _, people = line.partition("|")
        digits = people.strip().replace(",", "").replace(".", "")
        if "@" in address and digits.isdecimal() and int(digits) > 0:
            sizes[normalise(address)] = int(digits)
    return Taught(sizes)
