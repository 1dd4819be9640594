"""Reads the entries of an LDIF file (RFC 2849) one after another; what cannot be taken at its word is refused."""

import binascii
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, cast
from urllib.parse import unquote, urlsplit

from sendguard.audience.crawl import Progress
from sendguard.audience.source import SourceFailed
from sendguard.directories.ldap.entry import Entry, attribute_name
from sendguard.directories.ldap.wanted import ATTRIBUTES

MAX_RECORD = 1024 * 1024 * 1024
"""Octets of one entry. A list of ten million members is about that large."""
_CHUNK = 1024 * 1024
_READ = frozenset({*(name.lower() for name in ATTRIBUTES), "rfc822mailbox", "dn", "version", "changetype"})


class LdifUnreadable(SourceFailed):
    """The file, or a line in it, could not be read. The message names file and line, never an address."""


class LdifReader:
    """Gives the entries, with those of their attributes that matter. ``references`` are names another server holds."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self.references: list[str] = []
        self._line = 1
        self._names: dict[bytes, str] = {}
        try:
            self._raw = path.open("rb")
        except OSError as error:
            raise LdifUnreadable(f"{path.name}: {type(error).__name__}") from error
        progress.begin(path.name, path.stat().st_size, "bytes")

    def __enter__(self) -> "LdifReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def __iter__(self) -> Iterator[Entry]:
        at_start = True
        for record in self._records():
            lines = record.replace(b"\n ", b"").split(b"\n")
            entry = self._entry(lines, record, at_start)
            if entry is not None:
                at_start = False
                yield entry
            self._line += record.count(b"\n") + 2

    def _entry(self, lines: list[bytes], record: bytes, at_start: bool) -> Entry | None:
        """Read a record; None where it holds no entry."""
        dn: bytes | None = None
        attributes: dict[str, list[bytes]] = {}
        for number, line in enumerate(lines):
            if not line or line.startswith(b"#"):
                continue
            written, colon, value = line.partition(b":")
            if not colon:
                self._refuse(record, number, "not a name, a colon and a value")
            name = self._names.get(written)
            if name is None:
                name = self._names[written] = attribute_name(written.decode("ascii", "replace").strip())
            if name.partition(";")[0] not in _READ and not value.startswith(b"<"):
                if dn is None:
                    self._beside_entries(lines, record, number)
                    return None
                continue
            value = self._value(value, record, number)
            if name == "dn" and dn is None:
                dn = value
            elif name == "dn":
                self._refuse(record, number, "a second entry without an empty line before it")
            elif dn is None:
                if name != "version" or not at_start:
                    self._beside_entries(lines, record, number)
                    return None
                if value != b"1":
                    self._refuse(record, number, "another version of LDIF than 1")
            elif name == "changetype":
                if value.lower() != b"add":
                    self._refuse(record, number, "a change to an entry: only a whole directory can be read")
            else:
                attributes.setdefault(name, []).append(value)
        return Entry(dn, attributes) if dn is not None else None

    def _value(self, value: bytes, record: bytes, number: int) -> bytes:
        if value.startswith(b":"):
            try:
                return binascii.a2b_base64(value[1:].strip(b" "), strict_mode=True)
            except binascii.Error:
                self._refuse(record, number, "a value that is no base64")
        if value.startswith(b"<"):
            self._refuse(record, number, "a value that lies in another file, which is not opened")
        return value.lstrip(b" ")

    def _beside_entries(self, lines: list[bytes], record: bytes, number: int) -> None:
        """Read what ldapsearch writes beside the entries: its result, and references to other servers."""
        said = dict(line.partition(b": ")[::2] for line in lines)
        if b"ref" in said:
            url = said[b"ref"].decode("utf-8", "replace")
            self.references.append(unquote(urlsplit(url).path.lstrip("/")))
        elif b"search" not in said:
            self._refuse(record, number, "an entry without its name (dn)")
        elif (code := said.get(b"result", b"").partition(b" ")[0]) != b"0":
            shown = code.decode("ascii", "replace") if code.isdigit() else "unknown"
            self._refuse(record, number, f"the search that wrote this did not get everything (result {shown})")

    def _records(self) -> Iterator[bytes]:
        """What stands between empty lines; ``_line`` is where it begins, as long as it is dealt with."""
        held: list[bytes] = []
        size = 0
        for chunk in self._chunks():
            if held and held[-1].endswith(b"\n") and chunk.startswith(b"\n"):
                yield b"".join(held)[:-1]
                held, chunk = [], chunk[1:]
            first, *others = chunk.split(b"\n\n")
            held.append(first)
            if others:
                yield b"".join(held)
                yield from others[:-1]
                held = [others[-1]]
                size = 0
            size += len(held[-1])
            if size > MAX_RECORD:
                self._refuse(b"", 0, "an entry without end")
        last = b"".join(held)
        if last and not last.endswith(b"\n"):
            self._refuse(last, last.replace(b"\n ", b"").count(b"\n"), "the file ends within a line: it is not whole")
        yield last[:-1]

    def _chunks(self) -> Iterator[bytes]:
        """The file in pieces, unpacked, its lines ending in LF."""
        packed = self._path.suffix.lower() == ".gz"
        source = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if packed else self._raw
        told = 0
        held = b""
        while chunk := self._read(source):
            chunk = held + chunk
            held = b"\r" if chunk.endswith(b"\r") else b""
            chunk = chunk[: len(chunk) - len(held)]
            if chunk:
                yield chunk.replace(b"\r\n", b"\n") if b"\r" in chunk else chunk
            self._progress.advance(self._raw.tell() - told)
            told = self._raw.tell()
        if held:
            yield held

    def _read(self, source: BinaryIO) -> bytes:
        try:
            return source.read(_CHUNK)
        except (OSError, EOFError, zlib.error) as error:
            raise LdifUnreadable(f"{self._path.name}: it is damaged or cut off ({type(error).__name__})") from error

    def _refuse(self, record: bytes, number: int, why: str) -> NoReturn:
        """Raise for the logical line ``number`` of the record, at its physical place in the file."""
        line = self._line
        for physical in record.split(b"\n")[1:]:
            if number <= 0:
                break
            line += 1
            number -= not physical.startswith(b" ")
        raise LdifUnreadable(f"{self._path.name}, line {line}: {why}")
