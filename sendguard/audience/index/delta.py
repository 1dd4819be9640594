"""From one index to the next: only what changed. A delta makes the very octets of the new file, or nothing."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace

from pyroaring import BitMap

from sendguard.audience.index.addresses import starts
from sendguard.audience.index.build import domain_sections, packed_set, shared_sets
from sendguard.audience.index.contents import COLUMNS, pack
from sendguard.audience.index.header import Header, IndexRefused, Mode, read_header
from sendguard.audience.index.reader import Index, away_from, unpacked
from sendguard.audience.index.table_delta import apply_addresses, write_addresses
from sendguard.audience.index.varints import Reader, Writer

MAGIC = b"SendGuard delta\n"
MAX_LISTS = 50_000_000
_WRAP = 1 << 32

Sections = dict[str, "bytes | array[int]"]


class NoDelta(Exception):
    """The two indexes have too little in common: other keys, other modes, or everything numbered anew."""


def make_delta(old: Index, new: Index) -> bytes:
    """What leads from one index to a later one. Deterministic. Raises NoDelta, IndexRefused."""
    a, b = old.header, new.header
    same = (a.key, a.mode, a.bits) == (b.key, b.mode, b.bits)
    if not same or b.sequence <= a.sequence or new.list_count < old.list_count:
        raise NoDelta
    writer = Writer()
    writer.text(a.blocks.encode("ascii"))
    writer.text(replace(b, sections=(), blocks="", end=0).packed().rstrip())
    writer.number(new.list_count)
    write_addresses(writer, old.body, new.body)
    for name in (*COLUMNS, "flags"):
        before, after = _column(old, name, new.list_count), _column(new, name, new.list_count)
        _write_numbers(writer, before, after, _expected(old, name, new.list_count))
    _write_items(writer, _Names(old), _Names(new), lambda before, after: writer.text(after))
    _write_items(writer, _Nested(old), _Nested(new), lambda before, after: _write_set(writer, _numbers(after)))
    if b.mode is Mode.EXACT:
        _write_items(writer, _Sets(old), _Sets(new), lambda before, after: _write_change(writer, before, after))
        _write_domains(writer, _domains(old), _domains(new))
    return MAGIC + bytes(writer.octets)


def apply_delta(old: Index, delta: bytes) -> bytes:
    """The new index. Raises IndexRefused for a delta that is damaged or belongs to another index."""
    try:
        return _applied(old, delta)
    except (ValueError, OverflowError) as error:  # a number, or a text, that none of its kind can be
        raise IndexRefused("damaged", "the changes to the index are damaged") from error


def _applied(old: Index, delta: bytes) -> bytes:
    if not delta.startswith(MAGIC):
        raise IndexRefused("foreign", "these are no changes to an index of SendGuard")
    reader = Reader(delta[len(MAGIC) :])
    if reader.text() != old.header.blocks.encode("ascii"):
        raise IndexRefused("foreign", "these are changes to another index")
    header = _read_header(reader.text())
    count = reader.number()
    reader.check(old.list_count <= count < MAX_LISTS)
    sections: Sections = apply_addresses(reader, old.body)
    for name in (*COLUMNS, "flags"):
        numbers = _read_numbers(reader, _column(old, name, count), _expected(old, name, count))
        sections[name] = numbers
    reader.check(max(sections["flags"], default=0) <= 0xFF)
    sections["flags"] = bytes(list(sections["flags"]))
    names = _read_items(reader, _Names(old), count, lambda before: reader.text())
    nested = _read_items(reader, _Nested(old), count, lambda before: array("I", reader.ascending()).tobytes())
    sections |= {"name_starts": starts(map(len, names)), "names": b"".join(names),
                 "nested_starts": starts(len(each) // 4 for each in nested), "nested": b"".join(nested)}  # fmt: skip
    if header.mode is Mode.EXACT:
        sections |= shared_sets(_read_items(reader, _Sets(old), count, lambda before: _read_change(reader, before)))
        domains = _read_domains(reader, _domains(old))
        sections |= domain_sections(domains)
        sections["outside"] = packed_set(away_from(frozenset(header.domains), domains.items()))
    reader.end()
    return pack(header, sections)


class _Items:
    """One piece of octets a list."""

    starts, octets, unit = "", "", 1

    def __init__(self, index: Index) -> None:
        self._starts = index.body.section(self.starts).cast("I")
        self._octets = bytes(index.body.section(self.octets))
        self._numbers: Sequence[int] = range(len(self._starts) - 1)

    def __len__(self) -> int:
        return len(self._numbers)

    def at(self, at: int) -> bytes:
        """The octets of a list; none of one that is not there yet."""
        if at >= len(self):
            return b""
        number = self._numbers[at]
        return self._octets[self.unit * self._starts[number] : self.unit * self._starts[number + 1]]


class _Names(_Items):
    starts, octets = "name_starts", "names"


class _Nested(_Items):
    starts, octets, unit = "nested_starts", "nested", 4


class _Sets(_Items):
    starts, octets = "set_starts", "sets"

    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self._numbers = index.body.section("set_of").cast("I")


def _column(index: Index, name: str, count: int) -> "array[int]":
    """A column, with zeros for lists that are not there yet."""
    section = index.body.section(name)
    found = array("I", section if name == "flags" else section.cast("I"))
    found.extend([0] * (count - len(found)))
    return found


def _expected(old: Index, name: str, count: int) -> "array[int]":
    """What a number that changed is likely to be: the size before is the old size, as of the old index."""
    if name == "before":
        low, more = _column(old, "low", count), _column(old, "more", count)
        return array("I", [(a + b) % _WRAP for a, b in zip(low, more, strict=True)])
    if name == "before_at":
        return array("I", [int(old.header.made_at.timestamp())]) * count
    return _column(old, name, count)


def _write_numbers(writer: Writer, before: "array[int]", after: "array[int]", expected: "array[int]") -> None:
    changed = [] if before == after else [at for at, number in enumerate(after) if number != before[at]]
    writer.ascending(changed, len(changed))
    for at in changed:
        writer.signed((after[at] - expected[at] + _WRAP // 2) % _WRAP - _WRAP // 2)


def _read_numbers(reader: Reader, before: "array[int]", expected: "array[int]") -> "array[int]":
    changed = list(reader.ascending())
    reader.check(not changed or changed[-1] < len(before))
    for at in changed:
        before[at] = (expected[at] + reader.signed()) % _WRAP
    return before


def _write_items(writer: Writer, old: _Items, new: _Items, write: Callable[[bytes, bytes], None]) -> None:
    changed = [at for at in range(len(new)) if at >= len(old) or old.at(at) != new.at(at)]
    writer.ascending(changed, len(changed))
    for at in changed:
        write(old.at(at), new.at(at))


def _read_items(reader: Reader, old: _Items, count: int, read: Callable[[bytes], bytes]) -> list[bytes]:
    changed = list(reader.ascending())
    reader.check(not changed or changed[-1] < count)
    found = [old.at(at) for at in range(count)]
    for at in changed:
        found[at] = read(found[at])
    return found


def _numbers(octets: bytes) -> Sequence[int]:
    return memoryview(octets).cast("I")


def _write_set(writer: Writer, numbers: Sequence[int] | BitMap) -> None:
    writer.ascending(numbers, len(numbers))


def _set(octets: bytes) -> BitMap:
    return unpacked(memoryview(octets)) if octets else BitMap()


def _write_change(writer: Writer, before: bytes, after: bytes) -> None:
    _write_set(writer, _set(before) ^ _set(after))


def _read_change(reader: Reader, before: bytes) -> bytes:
    numbers = array("Q", reader.ascending())
    reader.check(not numbers or numbers[-1] < _WRAP)
    return packed_set(_set(before) ^ BitMap(array("I", numbers)))


def _domains(index: Index) -> dict[str, BitMap]:
    return dict(index.by_domain())


def _write_domains(writer: Writer, old: dict[str, BitMap], new: dict[str, BitMap]) -> None:
    gone = [at for at, domain in enumerate(old) if domain not in new]
    changed = [domain for domain, ids in new.items() if old.get(domain) != ids]
    writer.ascending(gone, len(gone))
    writer.number(len(changed))
    for domain in changed:
        writer.text(domain.encode("utf-8", "surrogateescape"))
        _write_set(writer, old.get(domain, BitMap()) ^ new[domain])


def _read_domains(reader: Reader, domains: dict[str, BitMap]) -> dict[str, BitMap]:
    names = list(domains)
    for at in list(reader.ascending()):
        reader.check(at < len(names))
        del domains[names[at]]
    for _ in range(reader.number()):
        domain = reader.text().decode("utf-8", "surrogateescape")
        domains[domain] = domains.get(domain, BitMap()) ^ BitMap(array("I", reader.ascending()))
    return dict(sorted(domains.items()))


def _read_header(octets: bytes) -> Header:
    length = int.from_bytes(octets[20:24], "little")
    return read_header(memoryview(octets.ljust(min(length, 1 << 24))))[0]
