"""The size each list had when it was last seen. Addresses only as keyed hashes."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from sendguard.audience.audience import Seen
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
