"""One address book of Thunderbird's: an SQLite database that Thunderbird keeps locked for as long as it runs."""

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sendguard.audience.source import SourceFailed
from sendguard.mail.address import is_addr_spec, normalise

MAX_OCTETS = 512 * 1024 * 1024
TRIES = 5
"""How often a file is copied that changes while it is copied."""
SECONDS = 20.0
"""How long one book may take to be read."""
MAX_NAME = 1_000
"""Characters of a name that somebody could have typed."""

_LISTS = "SELECT uid, name, description, nickName FROM lists"
_NESTED = "SELECT list, card FROM list_cards JOIN lists ON lists.uid = list_cards.card"
_MEMBERS = """
SELECT list_cards.list, first.value, second.value FROM list_cards
JOIN properties AS first ON first.card = list_cards.card AND first.name = 'PrimaryEmail'
LEFT JOIN properties AS second ON second.card = list_cards.card AND second.name = 'SecondEmail'
"""


class AddressBookUnreadable(SourceFailed):
    """An address book could not be read, and why. Names the file, no person."""


@dataclass(frozen=True, slots=True)
class BookList:
    """A list by Thunderbird's id: what it goes by, the ids of lists inside it, and each member's addresses."""

    names: tuple[str, ...]
    lists: list[str]
    members: list[tuple[str, ...]]


def read_book(file: Path) -> dict[str, BookList]:
    """The lists of one book, by id, in the order they were made. Raises AddressBookUnreadable.

    The schema is version 4, as Thunderbird 153 writes it. Reads a copy: beside a Thunderbird that runs
    the file itself is locked, and it lacks what is still in the write-ahead log.
    """
    with tempfile.TemporaryDirectory(prefix="sendguard-book-") as folder:
        copy = Path(folder) / "book.sqlite"
        try:
            _copy(file, copy)
        except OSError as error:
            raise AddressBookUnreadable(f"{file.name}: {error.strerror}") from None
        try:
            with closing(_open(copy)) as connection:
                return _lists(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite may quote damaged octets in its own message
            raise AddressBookUnreadable(f"{file.name}: {_why(error)}") from None


def _copy(file: Path, copy: Path) -> None:
    """Copy a database with its log as they were at one moment."""
    log, copy_of_log = (each.with_name(each.name + "-wal") for each in (file, copy))
    for _ in range(TRIES):
        before = _stamp(file), _stamp(log)
        if sum(size for size, _ in before) > MAX_OCTETS:
            raise AddressBookUnreadable(f"{file.name} is larger than the {MAX_OCTETS} octets that are allowed")
        shutil.copyfile(file, copy)
        copy_of_log.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(log, copy_of_log)
        if before == (_stamp(file), _stamp(log)):
            return
    raise AddressBookUnreadable(f"{file.name} is being written to; try again, or when Thunderbird is closed")


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _open(copy: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(copy, timeout=0)
    connection.text_factory = lambda octets: octets.decode("utf-8", "replace")
    deadline = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    return connection


def _lists(connection: sqlite3.Connection) -> dict[str, BookList]:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError
    lists = {
        uid: BookList(tuple(dict.fromkeys(filter(None, map(_name, names)))), [], [])
        for uid, *names in connection.execute(_LISTS)
        if isinstance(uid, str)
    }
    for uid, inner in connection.execute(_NESTED):
        if uid in lists:
            lists[uid].lists.append(inner)
    for uid, *values in connection.execute(_MEMBERS):
        if uid in lists and (addresses := tuple(filter(None, map(_address, values)))) and _address(values[0]):
            lists[uid].members.append(addresses)
    return lists


def _name(text: object) -> str:
    """What a list goes by, as it is compared; empty where nobody could type it."""
    if not isinstance(text, str) or len(text) > MAX_NAME:
        return ""
    return normalise("".join(filter(str.isprintable, text)))


def _address(text: object) -> str:
    address = normalise(text) if isinstance(text, str) and len(text) <= MAX_NAME else ""
    return address if is_addr_spec(address) else ""


def _why(error: Exception) -> str:
    match getattr(error, "sqlite_errorcode", None):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "is locked by another program; try again, or when Thunderbird is closed"
        case sqlite3.SQLITE_INTERRUPT:
            return f"could not be read within {SECONDS:g} s"
        case sqlite3.SQLITE_ERROR:
            return "this is no address book of a Thunderbird that is known here"
    return "is damaged, or no address book"
