"""One SQLite file for everything durable: write-ahead log, every commit synced."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sendguard.guard.ledger import LedgerFailed

SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0

_SCHEMA = """
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
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise LedgerFailed("made_by_a_newer_version")
        if version == 0:
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )

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
