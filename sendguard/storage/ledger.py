"""The ledger in SQLite."""

import sqlite3
from dataclasses import astuple, fields
from datetime import datetime, timedelta

from sendguard.audience.count import Basis
from sendguard.guard.ledger import MOVES, UNHEARD, IllegalMove, LedgerFailed, Outcome, Record, Remembered, State
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.policy.action import Action
from sendguard.storage.database import Database

_COLUMNS = tuple(each.name for each in fields(Record))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM submissions"  # noqa: S608 - our own column names
_INSERT = f"INSERT INTO submissions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608


class SqliteLedger:
    """``guard.ledger.Ledger`` on a database file. Times are kept as ISO 8601 with their offset."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, record: Record) -> None:
        """Write a new row."""
        with self._database.transaction() as connection:
            connection.execute(_INSERT, _to_row(record))

    def move(self, id: str, to: State, at: datetime, *, outcome: Outcome | None = None, detail: str = "") -> Record:
        """Move a row to another state; raises IllegalMove where there is no such move, LedgerFailed without the row."""
        with self._database.transaction() as connection:
            found = connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
            if found is None:
                raise LedgerFailed("no_such_row")
            before = _from_row(found)
            if to not in MOVES[before.state]:
                raise IllegalMove(f"{before.state} to {to}")
            connection.execute(
                "UPDATE submissions SET state = ?, changed_at = ?, outcome = coalesce(?, outcome),"
                " detail = CASE WHEN ? = '' THEN detail ELSE ? END WHERE id = ?",
                (to, at.isoformat(), outcome, detail, detail, id),
            )
            return _from_row(connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone())

    def get(self, id: str) -> Record | None:
        """One row."""
        return self._one("WHERE id = ?", id)

    def in_states(self, *states: State) -> tuple[Record, ...]:
        """The rows in those states, oldest first."""
        marks = ", ".join("?" * len(states))
        return self._many(f"WHERE state IN ({marks}) ORDER BY received_at, rowid", *states)

    def by_binding(self, binding: bytes) -> Record | None:
        """The row with this binding that says most: one that was SENT, else SENDING or UNKNOWN, else the latest."""
        return self._one(
            "WHERE binding = ? ORDER BY state = 'sent' DESC, state IN ('sending', 'unknown') DESC,"
            " changed_at DESC, rowid DESC LIMIT 1",
            binding,
        )

    def perhaps_sent(self, since: datetime, retry_key: bytes | None = None) -> Record | None:
        """The latest row, with this retry key where one is given, of which the person may not know that it was sent."""
        with_key, key = ("", ()) if retry_key is None else (" AND retry_key = ?", (retry_key,))
        unknown = self._one(f"WHERE state = 'unknown'{with_key} ORDER BY changed_at DESC LIMIT 1", *key)
        if unknown is not None:
            return unknown
        unheard = f"WHERE detail = '{UNHEARD}' AND state = 'sent' AND changed_at >= ?{with_key}"
        return self._one(f"{unheard} ORDER BY changed_at DESC LIMIT 1", since.isoformat(), *key)

    def history(self, limit: int = 200) -> tuple[Record, ...]:
        """The latest rows, newest first."""
        return self._many("ORDER BY changed_at DESC, rowid DESC LIMIT ?", limit)

    def received_since(self, at: datetime) -> tuple[Record, ...]:
        """Every row received since then."""
        day_before = (at - timedelta(days=1)).isoformat()  # the text of a time in another zone may be a day off
        return tuple(row for row in self._many("WHERE received_at >= ?", day_before) if row.received_at >= at)

    def remember(self, answer: Remembered) -> None:
        """Keep an answer for the next try, in place of an earlier one with the same key."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
                (*astuple(answer)[:4], answer.expires.isoformat()),
            )

    def recall(self, retry_key: bytes, now: datetime) -> Remembered | None:
        """Take out the answer kept for a key: it is gone afterwards."""
        with self._database.transaction() as connection:
            row = connection.execute("DELETE FROM answers WHERE retry_key = ? RETURNING *", (retry_key,)).fetchone()
        if row is None:
            return None
        answer = Remembered(row[0], Outcome(row[1]), row[2], row[3], datetime.fromisoformat(row[4]))
        return answer if now < answer.expires else None

    def spend(self, code: str, at: datetime) -> bool:
        """Put down that an override code was used; False when it had been used before."""
        with self._database.transaction() as connection:
            added = connection.execute("INSERT OR IGNORE INTO spent VALUES (?, ?)", (code, at.isoformat()))
            return added.rowcount == 1

    def purge(self, before: datetime) -> int:
        """Delete final rows last changed before then, and answers that have expired; returns how many rows."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM answers WHERE expires < ?", (before.isoformat(),))
            return connection.execute(
                "DELETE FROM submissions WHERE state IN ('sent', 'refused', 'cancelled') AND changed_at < ?",
                (before.isoformat(),),
            ).rowcount

    def _one(self, where: str, *values: object) -> Record | None:
        found = self._many(where, *values)
        return found[0] if found else None

    def _many(self, where: str, *values: object) -> tuple[Record, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT} {where}", values).fetchall()
        return tuple(map(_from_row, rows))  # a month of them takes longer than a decision should wait


def _to_row(record: Record) -> tuple[object, ...]:
    row: list[object] = []
    for name in _COLUMNS:
        value = getattr(record, name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = ",".join(value)
        row.append(value)
    return tuple(row)


def _from_row(row: "sqlite3.Row | tuple[object, ...]") -> Record:
    value = dict(zip(_COLUMNS, row, strict=True))
    try:
        return Record(
            id=str(value["id"]),
            hook=Hook(value["hook"]),
            account=str(value["account"]),
            state=State(value["state"]),
            kind=Kind(value["kind"]),
            typed=int(value["typed"]),
            low=int(value["low"]),
            high=None if value["high"] is None else int(value["high"]),
            basis=Basis(value["basis"]),
            action=Action(value["action"]),
            reasons=tuple(filter(None, value["reasons"].split(","))),
            rules_version=value["rules_version"],
            received_at=datetime.fromisoformat(value["received_at"]),
            changed_at=datetime.fromisoformat(value["changed_at"]),
            binding=value["binding"],
            retry_key=value["retry_key"],
            message_id=value["message_id"],
            asked=bool(value["asked"]),
            outcome=Outcome(value["outcome"]) if value["outcome"] else None,
            detail=value["detail"],
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise LedgerFailed("damaged_row") from error
