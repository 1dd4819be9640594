"""What is remembered of lists: their last size, and what the person said they are. Addresses only as keyed hashes."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from sendguard.audience.audience import AddressKind, Part, Seen
from sendguard.audience.count import Basis, Count, together
from sendguard.audience.source import Query, Reach, SourceFailed
from sendguard.guard.ledger import LedgerFailed
from sendguard.storage.database import Database


class Pseudonyms:
    """Keyed hashes of addresses: who has the file and not the key cannot tell whom it speaks of."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, address: str) -> bytes:
        """Sixteen octets that stand for a normalised address on this computer."""
        return hmac.new(self._key, address.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()[:16]


class RememberedSizes:
    """``guard.judge.SizeMemory``: a database that cannot be read remembers nothing, and growth is then not seen."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    def last(self, addresses: tuple[str, ...]) -> Mapping[str, Seen]:
        """The remembered sizes of those addresses that have one."""
        found: dict[str, Seen] = {}
        with self._database.reading() as connection:
            for address in addresses:
                row = connection.execute(
                    "SELECT people, at FROM sizes WHERE list = ?", (self._pseudonyms.of(address),)
                ).fetchone()
                if row is not None:
                    found[address] = Seen(row[0], datetime.fromisoformat(row[1]))
        return found

    def remember(self, sizes: Mapping[str, int], at: datetime) -> None:
        """Put down the sizes of lists as they are now; a size put down today already is not written again."""
        known = self.last(tuple(sizes))
        news = {
            address: people
            for address, people in sizes.items()
            if (seen := known.get(address)) is None
            or seen.people != people
            or seen.at is None
            or seen.at.date() != at.date()
        }
        if news:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO sizes VALUES (?, ?, ?)",
                    [(self._pseudonyms.of(address), people, at.isoformat()) for address, people in news.items()],
                )


class Taught:
    """An ``audience.source.Source``: what the person said an address is, a list of so many people or one person."""

    name = "taught"
    instant = True
    domains: frozenset[str] = frozenset()

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    def teach_list(self, address: str, people: int, at: datetime) -> None:
        """From now on the address is a list of about so many people; raises ValueError for fewer than two."""
        if people < 2:
            raise ValueError("a list has two people or more")
        self._teach(address, AddressKind.LIST, people, at)

    def teach_person(self, address: str, at: datetime) -> None:
        """From now on the address is one person, whatever its name looks like."""
        self._teach(address, AddressKind.PERSON, None, at)

    def forget(self, address: str) -> None:
        """What was taught about the address no longer holds."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM taught WHERE address = ?", (self._pseudonyms.of(address),))

    def reach(self, query: Query) -> Reach:
        """Answer for the addresses something was taught about."""
        parts: dict[str, Part] = {}
        try:
            with self._database.reading() as connection:
                for address in query.addresses:
                    row = connection.execute(
                        "SELECT kind, people, at FROM taught WHERE address = ?",
                        (self._pseudonyms.of(address),),
                    ).fetchone()
                    if row is not None:
                        parts[address] = self._part(address, query, *row)
        except LedgerFailed as error:
            raise SourceFailed("unreadable") from error
        union = together((part.count for part in parts.values()), disjoint=False)
        return Reach(parts, union, sum(part.outsiders for part in parts.values()))

    def _part(self, address: str, query: Query, kind: str, people: int | None, at: str) -> Part:
        outside = query.is_outside(address)
        if people is None:
            return Part(address, AddressKind.PERSON, Count(1, 1, Basis.ASSUMED, self.name), outsiders=int(outside))
        count = Count(people, people, Basis.ESTIMATE, self.name, datetime.fromisoformat(at))
        return Part(address, AddressKind(kind), count, outsiders=people if outside else 0)

    def _teach(self, address: str, kind: AddressKind, people: int | None, at: datetime) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO taught VALUES (?, ?, ?, ?)",
                (self._pseudonyms.of(address), kind, people, at.isoformat()),
            )
