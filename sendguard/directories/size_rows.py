"""Sizes as they are written in CSV and in JSON, checked one by one."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sendguard.audience.source import SourceFailed
from sendguard.directories.folder import moment
from sendguard.mail.address import is_addr_spec, normalise

COLUMNS = ("list", "people", "as_of")
MAX_PEOPLE = 2**31 - 1
"""A larger number is no number of people."""


class SizeFileUnreadable(SourceFailed):
    """The file, or something in it, cannot be read. The message names the file and the line or element, no address."""


@dataclass(frozen=True, slots=True)
class Size:
    """What the file says of one list."""

    address: str
    people: int
    at: datetime | None
    hidden: bool = False


def read_sizes(octets: bytes, name: str) -> Iterator[Size]:
    """Read CSV, or JSON where the first character is ``[`` or ``{``. Raises SizeFileUnreadable."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SizeFileUnreadable(f"{name}, octet {error.start + 1}: this is not UTF-8") from None
    rows = _from_json(text, name) if text.lstrip()[:1] in {"[", "{"} else _from_csv(text, name)
    seen: dict[str, int] = {}
    for where, size in rows:
        if seen.setdefault(size.address, size.people) != size.people:
            raise SizeFileUnreadable(f"{where}: another number was given for this list before")
        yield size


def _from_csv(text: str, name: str) -> Iterator[tuple[str, Size]]:
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ",", strict=True
    )
    places = {column: at for at, column in enumerate(COLUMNS)}
    try:
        for at, row in enumerate(filter(any, reader)):
            where = f"{name}, line {reader.line_num}"
            cells = [cell.strip() for cell in row]
            if at == 0 and "list" in (titles := [cell.lower() for cell in cells]):
                places = _places(titles, where)
                continue
            found = {column: cells[place] for column, place in places.items() if place < len(cells)}
            if not {"list", "people"} <= found.keys():
                raise SizeFileUnreadable(f"{where}: not {', '.join(COLUMNS)}")
            yield where, _size(where, found["list"], _number(found["people"]), found.get("as_of"))
    except csv.Error as error:
        raise SizeFileUnreadable(f"{name}, line {reader.line_num}: this is not CSV") from error


def _places(titles: list[str], where: str) -> dict[str, int]:
    if "people" not in titles:
        raise SizeFileUnreadable(f"{where}: there is no column people")
    return {title: titles.index(title) for title in COLUMNS if title in titles}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PEOPLE)) else None


def _from_json(text: str, name: str) -> Iterator[tuple[str, Size]]:
    try:
        said = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        raise SizeFileUnreadable(f"{name}, line {error.lineno}: this is not JSON") from None
    except (ValueError, RecursionError):
        raise SizeFileUnreadable(f"{name}: this is not JSON that can be read") from None
    for at, each in enumerate(_elements(said), 1):
        where = f"{name}, element {at}"
        if not isinstance(each, dict) or not {"list", "people"} <= each.keys():
            raise SizeFileUnreadable(f"{where}: not an object with list and people")
        hidden = each.get("hidden", False)
        if not isinstance(hidden, bool):
            raise SizeFileUnreadable(f"{where}: hidden is neither true nor false")
        yield where, _size(where, each["list"], each["people"], each.get("as_of"), hidden)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its names, those that come twice as well."""


def _elements(said: Any) -> Iterable[Any]:
    if isinstance(said, _Pairs):
        return ({"list": name, "people": people} for name, people in said)
    return (dict(each) if isinstance(each, _Pairs) else None for each in said)


def _size(where: str, name: Any, people: Any, as_of: Any, hidden: bool = False) -> Size:
    address = normalise(name) if isinstance(name, str) else ""
    if not is_addr_spec(address):
        raise SizeFileUnreadable(f"{where}: list is not an address")
    if type(people) is not int or not 1 <= people <= MAX_PEOPLE:
        raise SizeFileUnreadable(f"{where}: people is not a whole number of 1 or more")
    return Size(address, people, _moment(where, as_of), hidden)


def _moment(where: str, as_of: Any) -> datetime | None:
    if as_of is None or as_of == "":
        return None
    try:
        at = moment(as_of)
        if not 1970 <= at.year < 2100:
            raise ValueError  # noqa: TRY301  # one answer to every date that is none
    except (ValueError, TypeError, AttributeError):
        raise SizeFileUnreadable(f"{where}: as_of is not a date like 2026-11-24") from None
    return at
