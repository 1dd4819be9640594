"""The octets of an index: mapped, never changed, and each block checked before it is first believed."""

import mmap
import os
import zlib
from hashlib import blake2b
from pathlib import Path
from struct import Struct

from sendguard.audience.index.header import BLOCK, IndexRefused, read_header

NUMBER = Struct("<I")
PAIR = Struct("<II")


class Body:
    """Sections by name. Reading is safe from several threads: what two of them check twice comes out the same."""

    def __init__(self, octets: memoryview, mapped: mmap.mmap | None = None) -> None:
        self._octets = octets
        self._mapped = mapped
        self.header, start = read_header(octets)
        if self.header.end != len(octets):
            raise IndexRefused("damaged", "the index is cut off, or something was added to it")
        self._places = {name: (offset, length) for name, offset, length in self.header.sections}
        offset, length = self._places["blocks"]
        table = octets[offset : offset + length]
        if blake2b(table, digest_size=32).hexdigest() != self.header.blocks:
            raise IndexRefused("damaged", "the index's table of checksums is damaged")
        self._first = start // BLOCK
        self._sums = table.cast("I")
        self._checked = bytearray(len(self._sums))

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
        start, end = offset + start, offset + end
        for block in range(start // BLOCK - self._first, (end - 1) // BLOCK - self._first + 1):
            if not self._checked[block]:
                self._check(block)
        return self._octets[start:end]

    def number(self, name: str, at: int) -> int:
        """The number at a place in a section of numbers."""
        start = self._places[name][0] + 4 * at
        block = start // BLOCK - self._first
        if not self._checked[block]:
            self._check(block)
        found: int = NUMBER.unpack_from(self._octets, start)[0]
        return found

    def span(self, name: str, at: int) -> tuple[int, int]:
        """Two numbers that follow one another: where something begins and ends."""
        return self.number(name, at), self.number(name, at + 1)

    def verify(self) -> None:
        """Check every block that was not read yet: some ten milliseconds. Raises IndexRefused."""
        for block, known in enumerate(self._checked):
            if not known:
                self._check(block)

    def same_length(self) -> bool:
        """Whether the file still has its length; to read beyond the end of a mapped file would end the process."""
        return self._mapped is None or self._mapped.size() == self.header.end

    def prefault(self) -> None:
        """Ask the system to read the file ahead, where it can be asked."""
        if self._mapped is not None and hasattr(mmap, "MADV_WILLNEED") and os.name == "posix":
            self._mapped.madvise(mmap.MADV_WILLNEED)

    def _check(self, block: int) -> None:
        start = (block + self._first) * BLOCK
        if zlib.crc32(self._octets[start : start + BLOCK]) != self._sums[block]:
            raise IndexRefused("damaged", "the index is damaged")
        self._checked[block] = 1
