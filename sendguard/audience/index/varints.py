"""Numbers as octets, small ones short: seven bits an octet, the last one without the high bit (LEB128)."""

from collections.abc import Iterable, Iterator

from sendguard.audience.index.header import IndexRefused


class Writer:
    """Puts numbers and octets one behind the other."""

    def __init__(self) -> None:
        self.octets = bytearray()

    def number(self, number: int) -> None:
        """A number from 0 on."""
        while number > 0x7F:
            self.octets.append(number & 0x7F | 0x80)
            number >>= 7
        self.octets.append(number)

    def signed(self, number: int) -> None:
        """A number of either sign; near 0 is short."""
        self.number(number << 1 if number >= 0 else (-number << 1) - 1)

    def ascending(self, numbers: Iterable[int], count: int) -> None:
        """So many numbers, each larger than the one before."""
        self.number(count)
        last = -1
        for number in numbers:
            self.number(number - last - 1)
            last = number

    def text(self, octets: bytes) -> None:
        """Octets, with their length before them."""
        self.number(len(octets))
        self.octets += octets


class Reader:
    """Takes them out again. Raises IndexRefused where there are none left, or one that no number can be."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def number(self) -> int:
        """A number from 0 on."""
        found = shift = 0
        while True:
            self.check(self._at < len(self._octets) and shift < 64)
            octet = self._octets[self._at]
            self._at += 1
            found |= (octet & 0x7F) << shift
            if octet < 0x80:
                return found
            shift += 7

    def signed(self) -> int:
        """A number of either sign."""
        number = self.number()
        return number >> 1 if not number & 1 else -(number + 1 >> 1)

    def ascending(self) -> Iterator[int]:
        """Numbers, each larger than the one before. To be taken whole before anything else is read."""
        last = -1
        for _ in range(self.number()):
            last += self.number() + 1
            yield last

    def octets(self, length: int) -> bytes:
        """So many octets."""
        self.check(length <= len(self._octets) - self._at)
        self._at += length
        return self._octets[self._at - length : self._at]

    def text(self) -> bytes:
        """Octets that have their length before them."""
        return self.octets(self.number())

    def end(self) -> None:
        """Nothing may be left."""
        self.check(self._at == len(self._octets))

    def check(self, holds: bool) -> None:
        """Refuse what cannot be."""
        if not holds:
            raise IndexRefused("damaged", "the changes to the index are cut off or damaged")
