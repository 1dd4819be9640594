"""A directory as a folder of CSV files: the simplest thing IT can publish."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from io import TextIOWrapper
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from sendguard.audience.audience import Seen
from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft
from sendguard.audience.signs import DEFAULT_PATTERNS, has_list_name
from sendguard.audience.source import SourceFailed, in_domains
from sendguard.mail.address import normalise

FILES = {
    "members.csv": ("list", "member"),
    "sizes.csv": ("list", "people", "as_of"),
    "aliases.csv": ("alias", "address"),
    "domains.csv": ("domain",),
}
"""The files and their columns. ``members.csv`` or ``sizes.csv`` must be there; a line of column names may be."""

TELL = 10_000
"""Lines after which it is told how far the reading is."""


class FolderUnreadable(SourceFailed):
    """The folder, or a line in it, could not be read. The message names file and line, never an address."""


class FolderCrawl:
    """An ``audience.crawl.Crawl`` over the folder."""

    name = "directory"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> tuple[Path, ...]:
        """The files that are there. Raises FolderUnreadable where none could name a list."""
        found = tuple(path for name in FILES if (path := self._folder / name).exists())
        if not {"members.csv", "sizes.csv"} & {path.name for path in found}:
            raise FolderUnreadable("neither members.csv nor sizes.csv is there")
        return found

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say everything: two or three seconds for a million lines. Raises FolderUnreadable."""
        for path in self.files():
            progress.begin(path.name, path.stat().st_size, "octets")
            if path.name == "members.csv":
                self._members(draft, progress)
            elif path.name == "sizes.csv":
                self._sizes(draft)
            elif path.name == "aliases.csv":
                for _, (alias, address) in self._rows("aliases.csv"):
                    draft.alias(normalise(alias), normalise(address))
            else:
                draft.speaks_for(row[0].strip().lstrip("@").lower() for _, row in self._rows("domains.csv"))
        domains = frozenset(draft.domains)
        # A list's name in a domain this directory does not speak for: nobody here knows how many people it has.
        draft.take_for_people(lambda key: not in_domains(key, domains) and has_list_name(key, DEFAULT_PATTERNS))

    def _members(self, draft: Draft, progress: Progress) -> None:
        rows = intern_addresses(self._rows("members.csv", progress))
        for group, pairs in groupby(rows, key=itemgetter(0)):
            draft.members(group, [member for _, member in pairs if member])

    def _sizes(self, draft: Draft) -> None:
        for line, (name, people, as_of) in self._rows("sizes.csv"):
            if not people.strip().isdecimal():
                raise FolderUnreadable(f"sizes.csv, line {line}: people is not a whole number")
            try:
                at = moment(as_of) if as_of.strip() else None
            except ValueError as error:
                raise FolderUnreadable(f"sizes.csv, line {line}: as_of is not a date like 2026-11-24") from error
            address = normalise(name)
            draft.group(address, (address,), size=Seen(int(people), at))

    def _rows(self, name: str, progress: Progress | None = None) -> Iterator[tuple[int, list[str]]]:
        columns = FILES[name]
        told = 0
        try:
            with (self._folder / name).open("rb") as octets, TextIOWrapper(octets, "utf-8-sig", newline="") as file:
                first = file.readline()
                file.seek(0)
                reader = csv.reader(file, delimiter=";" if ";" in first and "," not in first else ",")
                for row in reader:
                    if progress is not None and not reader.line_num % TELL:
                        progress.advance(octets.tell() - told)
                        told = octets.tell()
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
