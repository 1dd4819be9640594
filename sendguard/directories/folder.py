"""A directory as a folder of CSV files: the simplest thing IT can publish."""

import csv
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from sendguard.audience.audience import Seen
from sendguard.audience.membership import Membership, build
from sendguard.audience.signs import DEFAULT_PATTERNS, has_list_name
from sendguard.audience.source import Query, Reach, SourceFailed, in_domains
from sendguard.mail.address import normalise

FILES = {
    "members.csv": ("list", "member"),
    "sizes.csv": ("list", "people", "as_of"),
    "aliases.csv": ("alias", "address"),
    "domains.csv": ("domain",),
}
"""The files and their columns. ``members.csv`` or ``sizes.csv`` must be there; a line of column names may be."""


class FolderUnreadable(SourceFailed):
    """The folder, or a line in it, could not be read. The message names file and line, never an address."""


class FolderDirectory:
    """An ``audience.source.Source`` that reads a folder, and reads it again when a file in it changes."""

    name = "directory"
    instant = False
    """It may have to read the folder anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._membership: Membership | None = None
        self._domains: frozenset[str] = frozenset()
        self._reading = threading.Lock()

    @property
    def domains(self) -> frozenset[str]:
        """The domains it speaks for, as of the last reading."""
        return self._domains

    def reach(self, query: Query) -> Reach:
        """Answer from the files; raises FolderUnreadable."""
        return self.load().reach(query)

    def load(self) -> Membership:
        """Read the folder where that is needed: two or three seconds for a million lines. Raises FolderUnreadable."""
        with self._reading:
            return self._load()

    def _load(self) -> Membership:
        stamp = self._look()
        if self._membership is None or stamp != self._stamp:
            self._membership = None
            self._domains = frozenset(row[0].strip().lstrip("@").lower() for _, row in self._rows("domains.csv"))
            members = intern_addresses(self._rows("members.csv"))
            as_of = max(
                (datetime.fromtimestamp(time / 1e9, UTC) for name, time, _ in stamp if name == "members.csv"),
                default=None,
            )
            self._membership = build(
                members,
                dict(self._sizes()),
                dict(self._aliases()),
                is_foreign_list=self._is_foreign_list,
                source=self.name,
                as_of=as_of,
            )
            self._stamp = stamp
        return self._membership

    def _is_foreign_list(self, member: str) -> bool:
        """A list's name in a domain this directory does not speak for: nobody here knows how many people it has."""
        return not in_domains(member, self._domains) and has_list_name(member, DEFAULT_PATTERNS)

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        found = []
        for name in FILES:
            try:
                status = (self._folder / name).stat()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise FolderUnreadable(f"{name}: {error.strerror}") from error
            found.append((name, status.st_mtime_ns, status.st_size))
        if not {"members.csv", "sizes.csv"} & {name for name, _, _ in found}:
            raise FolderUnreadable("neither members.csv nor sizes.csv is there")
        return tuple(found)

    def _sizes(self) -> Iterator[tuple[str, Seen]]:
        for line, (name, people, as_of) in self._rows("sizes.csv"):
            if not people.strip().isdecimal():
                raise FolderUnreadable(f"sizes.csv, line {line}: people is not a whole number")
            try:
                at = moment(as_of) if as_of.strip() else None
            except ValueError as error:
                raise FolderUnreadable(f"sizes.csv, line {line}: as_of is not a date like 2026-11-24") from error
            yield normalise(name), Seen(int(people), at)

    def _aliases(self) -> Iterator[tuple[str, str]]:
        for _, (alias, address) in self._rows("aliases.csv"):
            yield normalise(alias), normalise(address)

    def _rows(self, name: str) -> Iterator[tuple[int, list[str]]]:
        columns = FILES[name]
        try:
            with (self._folder / name).open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
                file.seek(0)
                reader = csv.reader(file, delimiter=";" if ";" in first and "," not in first else ",")
                for row in reader:
                    if not any(row) or (reader.line_num == 1 and row[0].strip().lower() == columns[0]):
                        continue
                    if len(row) < min(2, len(columns)):
                        raise FolderUnreadable(f"{name}, line {reader.line_num}: not {', '.join(columns)}")
                    yield reader.line_num, [*row, *[""] * len(columns)][: len(columns)]
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise FolderUnreadable(f"{name}: {type(error).__name__}") from error


def intern_addresses(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[str, str]]:
    """Normalise (list, member) rows; an address that comes again is not worked out again."""
    known: dict[str, str] = {}
    for _, (group, member) in rows:
        pair = []
        for raw in (group, member):
            address = known.get(raw)
            if address is None:
                address = known[raw] = normalise(raw)
            pair.append(address)
        yield pair[0], pair[1]


def moment(text: str) -> datetime:
    """A date or a time in ISO 8601, in UTC where it names no zone; raises ValueError."""
    text = text.strip()
    if len(text) == len("2026-11-24"):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
