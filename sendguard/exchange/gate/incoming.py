"""A request's body, read with an eye on what it calls."""

from collections import deque
from collections.abc import AsyncIterator

from sendguard.exchange.gate.calls import Fate
from sendguard.exchange.gate.line import Line
from sendguard.exchange.gate.soap import Document, NotReadable

BODY_SECONDS = 120.0
"""For a request to go on."""
MOST_UNDECIDED = 256 * 1024
"""Octets before a call says what it is."""


class TooLarge(Exception):
    """More octets than a call that sends may have."""


class Incoming:
    """One body. ``octets`` are the pieces that were read and not passed on."""

    def __init__(self, client: Line) -> None:
        self.document = Document()
        self.octets: deque[bytes] = deque()
        self._pieces = client.body(BODY_SECONDS)
        self._is_whole = False

    async def fate(self) -> Fate:
        """Read as far as it takes to know what becomes of the call. No body at all calls nothing.

        Raises NotReadable.
        """
        read = 0
        async for piece in self._pieces:
            self._take(piece)
            read += len(piece)
            if self.document.fate is not Fate.UNDECIDED:
                return self.document.fate
            if read > MOST_UNDECIDED:
                raise NotReadable("undecided")
        if self.octets:
            self._close()
        self._is_whole = True
        decided = self.document.fate
        return Fate.PASS if decided is Fate.UNDECIDED else decided  # nothing was called, or a CreateItem of nothing

    async def passing(self) -> AsyncIterator[bytes]:
        """The body of a call that does not send. The last piece comes when all of it was read and found to be so.

        Raises NotReadable.
        """
        self.document.forget()
        if not self._is_whole:
            async for piece in self._pieces:
                self._take(piece)
                self._check_passing()
                while len(self.octets) > 1:
                    yield self.octets.popleft()
            self._close()
            self._check_passing()
        while self.octets:
            yield self.octets.popleft()

    async def whole(self, most: int) -> bytearray:
        """Read all of a call that sends. Raises NotReadable, TooLarge.

        In one block: pieces as they come leave holes between them that take half as much memory again.
        """
        read = bytearray().join(self.octets)
        self.octets.clear()
        if not self._is_whole:
            async for piece in self._pieces:
                self.document.feed(piece)
                read += piece
                if len(read) > most:
                    raise TooLarge
            self._close()
        return read

    def _check_passing(self) -> None:
        if self.document.fate is not Fate.PASS:
            raise NotReadable("sends_after_all")

    def _take(self, piece: bytes) -> None:
        self.octets.append(piece)
        self.document.feed(piece)

    def _close(self) -> None:
        """What expat has put off is read now: since 2.6 (and in Debian's 2.5) it waits with the end of a long token."""
        self.document.close()
        self._is_whole = True
