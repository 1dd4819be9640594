"""The octets of an index: mapped, never changed, and each block checked before it is first believed."""

import mmap
import os
import zlib
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from sendguard.audience.index.header import BLOCK, IndexRefused, read_header

NUMBERS = BLOCK // 4
"""Numbers in a block."""


class Body:
    """Sections by name. Reading is safe from several threads: what two of them check twice comes out the same."""

    def __init__(self, octets: memoryview, mapped: mmap.mmap | None = None) -> None:
        self._octets = octets
        self._mapped = mapped
        self.header, start = read_header(octets)
        if self.header.end != len(octets) or len(octets) % 4:
            raise IndexRefused("damaged", "the index is cut off, or something was added to it")
        self._places = {name: (offset, length) for name, offset, length in self.header.sections}
        offset, length = self._places["blocks"]
        table = octets[offset : offset + length]
        if blake2b(table, digest_size=32).hexdigest() != self.header.blocks:
            raise IndexRefused("damaged", "the index's table of checksums is damaged")
        self._first = start // BLOCK
        self._sums = table.cast("I")
        # Block by block of the file. Those of the header were checked as it was read.
        self._checked = bytearray(b"\1" * self._first + bytes(len(self._sums)))
        self._numbers = octets.cast("I")
        self._number_places = {name: offset // 4 for name, offset, _ in self.header.sections}

    @classmethod
    def open(cls, path: Path) -> "Body":
        """Map a file. Raises IndexRefused."""
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # ValueError: an empty file
            why = error.strerror if isinstance(error, OSError) else "it is empty"
            raise IndexRefused("unreadable", f"the index cannot be read: {why}") from error
        return cls(memoryview(mapped), mapped)

    @property
    def octets(self) -> memoryview:
        """The whole file, unchecked."""
        return self._octets

    def section(self, name: str) -> memoryview:
        """A whole section, checked."""
        return self.part(name, 0, self._places[name][1])

    def part(self, name: str, start: int, end: int) -> memoryview:
        """The octets from ``start`` to ``end`` of a section, checked."""
        offset = self._places[name][0]
        start += offset
        end += offset
        while (block := self._checked.find(0, start // BLOCK, (end - 1) // BLOCK + 1)) >= 0:
            self._check(block)
        return self._octets[start:end]

    def octet(self, name: str, at: int) -> int:
        """The octet at a place in a section."""
        at += self._places[name][0]
        if not self._checked[at // BLOCK]:
            self._check(at // BLOCK)
        return self._octets[at]

    def number(self, name: str, at: int) -> int:
        """The number at a place in a section of numbers."""
        at += self._number_places[name]
        if not self._checked[at // NUMBERS]:
            self._check(at // NUMBERS)
        return self._numbers[at]

    def row(self, names: Sequence[str], at: int) -> list[int]:
        """The numbers at one place in several sections: in one call, since an answer may need thousands."""
        checked, numbers, found = self._checked, self._numbers, []
        for name in names:
            place = self._number_places[name] + at
            if not checked[place // NUMBERS]:
                self._check(place // NUMBERS)
            found.append(numbers[place])
        return found

    def span(self, name: str, at: int) -> tuple[int, int]:
        """Two numbers that follow one another: where something begins and ends."""
        at += self._number_places[name]
        if not self._checked[at // NUMBERS]:
            self._check(at // NUMBERS)
        if not self._checked[(at + 1) // NUMBERS]:
            self._check((at + 1) // NUMBERS)
        return self._numbers[at], self._numbers[at + 1]

    def verify(self) -> None:
        """Check every block that was not read yet: some ten milliseconds. Raises IndexRefused."""
        for block, known in enumerate(self._checked):
            if not known:
                self._check(block)

    def same_length(self) -> bool:
        """Whether the file still has its length; to read beyond the end of a mapped file would end the process."""
        return self._mapped is None or self._mapped.size() == self.header.end

    def prefault(self) -> None:
        """Check every block: the system then has the file in memory, and this process lets go of it again.

        Raises IndexRefused.
        """
        self.verify()
        if self._mapped is not None and hasattr(mmap, "MADV_DONTNEED") and os.name == "posix":
            self._mapped.madvise(mmap.MADV_DONTNEED)

    def _check(self, block: int) -> None:
        start = block * BLOCK
        if zlib.crc32(self._octets[start : start + BLOCK]) != self._sums[block - self._first]:
            raise IndexRefused("damaged", "the index is damaged")
        self._checked[block] = 1
