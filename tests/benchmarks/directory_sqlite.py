"""The same memberships in SQLite, asked with a recursive common table expression: what one would do without an index.

In its favour: addresses and memberships lie in the order of their keys, nested lists in a table of their own, so that
the recursion meets no person; statistics are there, the file is mapped, and nothing has to be written.
"""

import csv
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sendguard.audience.source import Query
from tests.benchmarks.directory_questions import questions

TABLES = """
CREATE TABLE addresses (address TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE nested (list INTEGER, inside INTEGER, PRIMARY KEY (list, inside)) WITHOUT ROWID;
CREATE TABLE members (list INTEGER, person INTEGER, PRIMARY KEY (list, person)) WITHOUT ROWID;
"""
ASK = """
WITH RECURSIVE
typed (id) AS (SELECT addresses.id FROM json_each(?) JOIN addresses ON addresses.address = json_each.value),
reached (list) AS (
    SELECT id FROM typed
    UNION SELECT inside FROM reached JOIN nested ON nested.list = reached.list
)
SELECT count(DISTINCT person) FROM reached JOIN members ON members.list = reached.list
WHERE person NOT IN (SELECT id FROM addresses WHERE address = ?)
"""
TIMES = {"all-staff": 15, "5 lists": 100}
"""The first so many of the questions the index gets."""


def make(folder: Path, file: Path) -> None:
    """Load the CSV files."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLES)
    ids: dict[str, int] = {}
    pairs = [(ids.setdefault(name, len(ids)), ids.setdefault(member, len(ids))) for name, member in _rows(folder)]
    lists = {name for name, _ in pairs}
    pairs.sort()
    connection.executemany("INSERT INTO nested VALUES (?, ?)", (pair for pair in pairs if pair[1] in lists))
    connection.executemany("INSERT INTO members VALUES (?, ?)", (pair for pair in pairs if pair[1] not in lists))
    with (folder / "aliases.csv").open(newline="") as aliases:
        ids |= {alias: ids[address] for alias, address in csv.reader(aliases) if address in ids}
    connection.executemany("INSERT INTO addresses VALUES (?, ?)", sorted(ids.items()))
    connection.commit()
    connection.executescript("ANALYZE")
    connection.close()
    partial.rename(file)


def _rows(folder: Path) -> Iterator[list[str]]:
    with (folder / "members.csv").open(newline="") as members:
        rows = csv.reader(members)
        next(rows)
        yield from rows


def ask(file: Path, asked: Path) -> dict[str, object]:
    """For each kind the milliseconds and the numbers of people."""
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    connection.executescript("PRAGMA mmap_size = 1000000000; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -64000")
    found: dict[str, object] = {}
    for kind, times in TIMES.items():
        milliseconds, people = [], []
        for query in questions(asked, kind, times):
            began = time.perf_counter()
            people.append(_answer(connection, query))
            milliseconds.append((time.perf_counter() - began) * 1000)
        found[kind] = {"milliseconds": milliseconds, "people": people}
    return found


def _answer(connection: sqlite3.Connection, query: Query) -> int:
    (people,) = connection.execute(ASK, (json.dumps(query.addresses), *query.originators)).fetchone()
    return int(people)


if __name__ == "__main__":
    work = {"make": make, "ask": ask}[sys.argv[1]]
    print(json.dumps(work(Path(sys.argv[2]), Path(sys.argv[3]))))
