"""One SQLite file for everything durable: write-ahead log, every commit synced."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sendguard.guard.ledger import LedgerFailed

BUSY_SECONDS = 5.0

_VERSION_1 = """
CREATE TABLE submissions (
    id TEXT PRIMARY KEY, hook TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL,
    typed INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER, basis TEXT NOT NULL, action INTEGER NOT NULL,
    reasons TEXT NOT NULL, rules_version TEXT NOT NULL, received_at TEXT NOT NULL, changed_at TEXT NOT NULL,
    binding BLOB NOT NULL, retry_key BLOB NOT NULL, message_id TEXT NOT NULL, asked INTEGER NOT NULL,
    outcome TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX submissions_unknown ON submissions (changed_at) WHERE state = 'unknown';
CREATE INDEX submissions_unheard ON submissions (changed_at) WHERE detail = 'unheard';
CREATE INDEX submissions_by_binding ON submissions (binding);
CREATE TABLE answers (
    retry_key BLOB PRIMARY KEY, outcome TEXT NOT NULL, audience_key TEXT NOT NULL, rules_version TEXT NOT NULL,
    expires TEXT NOT NULL
) STRICT;
CREATE TABLE sizes (list BLOB PRIMARY KEY, people INTEGER NOT NULL, at TEXT NOT NULL) STRICT;
"""
_VERSION_2 = """
ALTER TABLE sizes RENAME TO sizes_1;
CREATE TABLE sizes (
    list BLOB NOT NULL, day INTEGER NOT NULL, people INTEGER NOT NULL, at INTEGER NOT NULL, answered INTEGER,
    PRIMARY KEY (list, day)
) STRICT, WITHOUT ROWID;
INSERT INTO sizes SELECT list, seconds / 86400, people, seconds, seconds
    FROM (SELECT list, people, CAST(strftime('%s', at) AS INTEGER) AS seconds FROM sizes_1) WHERE seconds > 0;
DROP TABLE sizes_1;
"""
_VERSION_3 = "CREATE TABLE spent (code TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT"
_STEPS = (_VERSION_1, _VERSION_2, _VERSION_3)
"""What makes a file of each version out of one of the version before, in statements that hold no semicolon."""

SCHEMA_VERSION = len(_STEPS)


class Database:
    """A connection shared by all threads of this process, one statement at a time.

    Raises LedgerFailed when the file cannot be opened, is damaged, or was made by a newer SendGuard: nothing is ever
    thrown away to get going again.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        with failing():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            path.chmod(0o600)
            self._prepare()

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._version() != SCHEMA_VERSION:
            self._bring_up()

    def _bring_up(self) -> None:
        """Make this version's tables out of an older version's, or of none: all of it or nothing."""
        with self.transaction() as connection:
            version = self._version()  # asked again: another process may have been faster
            if version > SCHEMA_VERSION:
                raise LedgerFailed("made_by_a_newer_version")
            for step in _STEPS[version:]:
                for statement in step.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write that is on disk when the block has ended, or not there at all."""
        with self._lock, failing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A look at what is there."""
        with self._lock, failing():
            yield self._connection

    def close(self) -> None:
        """Close the file. Nothing can be recorded afterwards."""
        with self._lock:
            self._connection.close()


@contextmanager
def failing() -> Iterator[None]:
    """Make every failure of SQLite or the file system a LedgerFailed that names no address."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerFailed(type(error).__name__) from error
