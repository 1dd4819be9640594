"""An index that can be asked: what an address stands for, and what is known of a list."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyroaring import BitMap

from sendguard.audience.draft import ListKind
from sendguard.audience.index.addresses import Hasher, find
from sendguard.audience.index.body import Body
from sendguard.audience.index.contents import COLUMNS, GONE, HIDDEN, KIND, KINDS, OPEN, Row
from sendguard.audience.index.header import Header, IndexRefused
from sendguard.audience.source import in_domains

CACHED = 4 * 1024 * 1024
"""Octets of sets, as they are in the file, that are kept unpacked."""


@dataclass(frozen=True, slots=True)
class ListRecord:
    """What is known of one list: people for sure (``low``) and at most (``high``, None: nobody knows)."""

    number: int
    name: str
    kind: ListKind
    hidden: bool
    low: int
    high: int | None
    outsiders: int


def away_from(home: frozenset[str], by_domain: Iterable[tuple[str, BitMap]]) -> BitMap:
    """Everybody whose main address is in none of these domains; nobody where there are none."""
    away = [ids for domain, ids in by_domain if home and not in_domains(f"@{domain}", home)]
    return BitMap.union(*away) if away else BitMap()


def unpacked(octets: memoryview) -> BitMap:
    """A set, from its octets in the portable Roaring format."""
    # It takes any buffer, and is typed for bytes only.
    return BitMap.deserialize(octets)  # type: ignore[arg-type]


class Index:
    """Reads only; may be asked from several threads. Every method raises IndexRefused for damage it meets."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.column: Callable[[str, int], int] = body.number
        """What a column says of a list, by the column's name and the list's number."""
        self._hasher = Hasher(bytes.fromhex(body.header.key))
        self._sets: dict[int, BitMap] = {}
        self._cached = 0
        self._outside: tuple[frozenset[str], BitMap] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> "Index":
        """Map a file: half a millisecond, whatever its size. Raises IndexRefused."""
        return cls(Body.open(path))

    @classmethod
    def of(cls, octets: bytes) -> "Index":
        """An index in memory. Raises IndexRefused."""
        return cls(Body(memoryview(octets)))

    @property
    def header(self) -> Header:
        """What it says of itself."""
        return self._body.header

    @property
    def body(self) -> Body:
        """Its octets, for what takes it apart."""
        return self._body

    @property
    def list_count(self) -> int:
        """How many numbers lists have, those of deleted ones included."""
        return len(self._body.section("flags"))

    def verify(self) -> None:
        """Check every octet. Raises IndexRefused."""
        self._body.verify()

    def check_length(self) -> None:
        """Refuse a file that was cut off after it had been opened: reading on would end the process."""
        if not self._body.same_length():
            raise IndexRefused("damaged", "the index was changed while it was in use")

    def target(self, address: str) -> int | None:
        """The number of a normalised address, with the bit LIST for a list; None where it is not known."""
        return find(self._body, self._hasher.of(address))

    def row(self, number: int) -> Row:
        """What every column says of a list."""
        return Row._make(self._body.row(COLUMNS, number))

    def flags(self, number: int) -> int:
        """The bits of a list's flags."""
        return self._body.octet("flags", number)

    def name(self, number: int) -> str:
        """A list's main address."""
        start, end = self._body.span("name_starts", number)
        return str(self._body.part("names", start, end), "utf-8", "surrogateescape")

    def nested(self, number: int) -> tuple[int, ...]:
        """The numbers of the lists directly in a list."""
        start, end = self._body.span("nested_starts", number)
        return tuple(self._body.part("nested", 4 * start, 4 * end).cast("I"))

    def people(self, number: int) -> BitMap:
        """The set of a list: not to be changed. Only of an exact index."""
        at = self._body.number("set_of", number)
        known = self._sets.get(at)
        if known is None:
            start, end = self._body.span("set_starts", at)
            known = unpacked(self._body.part("sets", start, end))
            with self._lock:
                if self._cached > CACHED:
                    self._sets.clear()
                    self._cached = 0
                self._sets[at] = known
                self._cached += end - start
        return known

    def outside(self, home: frozenset[str]) -> BitMap:
        """Everybody whose main address is in none of these domains; nobody where there are none."""
        if home == frozenset(self.header.domains):
            home = frozenset()
        known = self._outside
        if known is None or known[0] != home:
            away = away_from(home, self.by_domain()) if home else unpacked(self._body.section("outside"))
            known = self._outside = (home, away)
        return known[1]

    def lists(self) -> Iterator["ListRecord"]:
        """Every list there is, in the order of their numbers."""
        for number, flags in enumerate(self._body.section("flags")):
            if not flags & GONE:
                low = self.column("low", number)
                yield ListRecord(
                    number,
                    self.name(number),
                    KINDS[flags & KIND],
                    bool(flags & HIDDEN),
                    low,
                    None if flags & OPEN else low + self.column("more", number),
                    self.column("outsiders", number),
                )

    def by_domain(self) -> Iterator[tuple[str, BitMap]]:
        """Who has a main address in which domain; domains in their order. Only of an exact index."""
        names, sets = self._body.section("domain_names"), self._body.section("domain_sets")
        for at in range(len(self._body.section("domain_starts")) // 4 - 1):
            start, end = self._body.span("domain_starts", at)
            domain = str(names[start:end], "utf-8", "surrogateescape")
            start, end = self._body.span("domain_set_starts", at)
            yield domain, unpacked(sets[start:end])
