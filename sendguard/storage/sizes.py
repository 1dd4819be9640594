"""The size each list had on each day of the last year. Addresses only as keyed hashes."""

import hashlib
import hmac
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from sendguard.audience.audience import Seen
from sendguard.audience.history import KEPT, Day, day_number, earlier, put_down
from sendguard.storage.database import Database


class Pseudonyms:
    """Keyed hashes of addresses: who has the file and not the key cannot tell whom it speaks of."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, address: str) -> bytes:
        """Sixteen octets that stand for a normalised address on this computer."""
        return hmac.new(self._key, address.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()[:16]


class RememberedSizes:
    """``guard.judge.SizeMemory`` on a database file. Raises LedgerFailed."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms
        self._purged = 0

    def last(self, addresses: tuple[str, ...], now: datetime) -> Mapping[str, Seen]:
        """What the lists among those addresses that were seen before are measured against."""
        with self._database.reading() as connection:
            found = {address: earlier(_days(connection, self._pseudonyms.of(address)), now) for address in addresses}
        return {address: seen for address, seen in found.items() if seen is not None}

    def remember(self, sizes: Mapping[str, int], at: datetime, *, answered: bool) -> None:
        """Put down the sizes of lists as they are now; where today's row says it already, nothing is written.

        The first write of a day deletes what is older than a year.
        """
        with self._database.transaction() as connection:
            for address, people in sizes.items():
                pseudonym = self._pseudonyms.of(address)
                newest = next(_days(connection, pseudonym), None)
                if day := put_down(newest, people, at, answered=answered):
                    connection.execute("INSERT OR REPLACE INTO sizes VALUES (?, ?, ?, ?, ?)", _to_row(pseudonym, day))
            if self._purged != day_number(at):
                connection.execute("DELETE FROM sizes WHERE day < ?", (day_number(at - KEPT),))
        self._purged = day_number(at)


def _days(connection: sqlite3.Connection, pseudonym: bytes) -> Iterator[Day]:
    """The days of a list, the newest first."""
    rows = connection.execute(
        "SELECT day, people, at, answered FROM sizes WHERE list = ? ORDER BY day DESC", (pseudonym,)
    )
    for number, people, at, answered in rows:
        yield Day(number, people, _moment(at), None if answered is None else _moment(answered))


def _to_row(pseudonym: bytes, day: Day) -> tuple[object, ...]:
    answered = None if day.answered is None else int(day.answered.timestamp())
    return pseudonym, day.number, day.people, int(day.at.timestamp()), answered


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
