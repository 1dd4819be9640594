"""The octets between DATA and the final dot (RFC 5321 §4.5.2). Pure, and sparing with copies."""

from collections.abc import Iterator
from enum import StrEnum

END = b"\r\n.\r\n"
"""What ends the content: nothing else does, whatever a weaker server would take for it."""
LONGEST_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""
CHUNK = 256 * 1024


class Problem(StrEnum):
    """What makes content unfit to be passed on.

    Servers read such content differently, and one of them may see a second message in it (SMTP smuggling). Mending it
    would break signatures, so it is refused.
    """

    BARE_CR_OR_LF = "bare_cr_or_lf"
    NUL = "nul"
    LONG_LINE = "long_line"


def problem_in(raw: bytes) -> Problem | None:
    """The first thing that makes ``raw`` unfit, None when every server reads it alike."""
    line_ends = raw.count(b"\r\n")
    if raw.count(b"\r") != line_ends or raw.count(b"\n") != line_ends:
        return Problem.BARE_CR_OR_LF
    if b"\0" in raw:
        return Problem.NUL
    return Problem.LONG_LINE if _has_long_line(raw) else None


def _has_long_line(raw: bytes) -> bool:
    """Look at one line end in about every thousand octets only."""
    start = 0
    while len(raw) - start > LONGEST_LINE:
        last = raw.rfind(b"\r\n", start, start + LONGEST_LINE + 2)
        if last < 0:
            return True
        start = last + 2
    return False


def stuffed(raw: bytes) -> Iterator[bytes]:
    """``raw`` in pieces as they go over the wire, a dot added to every line that begins with one."""
    start = 0
    while start < len(raw):
        line_end = raw.find(b"\r\n", start + CHUNK)
        end = line_end + 2 if line_end >= 0 else len(raw)
        piece = raw[start:end].replace(b"\r\n.", b"\r\n..")
        yield b"." + piece if piece.startswith(b".") else piece
        start = end


def final_dot(raw: bytes) -> bytes:
    """What ends ``raw`` on the wire; a last line without its CRLF is given one."""
    return b".\r\n" if not raw or raw.endswith(b"\r\n") else END


class Wire:
    """Content as it arrives from a client, until its end is seen. Kept in pieces: a buffer that grows is copied."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[bytes] = []
        self._octets = 0
        self._tail = b"\r\n"  # what the end may begin in; the line before content has ended
        self._rest = b""
        self.too_large = False

    def add(self, piece: bytes) -> bool:
        """Take what arrived; returns whether the end has been seen."""
        window = self._tail + piece
        self._tail = window[-len(END) + 1 :]
        self._pieces.append(piece)
        self._octets += len(piece)
        if self.too_large or self._octets > self._most * 4 // 3 + len(END):  # every third octet may be a stuffed dot
            self.too_large = True
            del self._pieces[:-1]
        end = window.find(END)
        if end < 0:
            return False
        self._rest = window[end + len(END) :]
        self._cut(len(window) - end - 2)
        return True

    def take(self) -> tuple[bytes, bytes]:
        """The content, its dots unstuffed, and what came after its end. To be called once, after the end was seen."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        content = content.removeprefix(b".")
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        self.too_large = self.too_large or len(content) > self._most
        return content, self._rest

    def _cut(self, octets: int) -> None:
        """Drop so many from the end; where too much was thrown away already there may be less."""
        while octets and self._pieces:
            last = self._pieces.pop()
            if len(last) > octets:
                self._pieces.append(last[:-octets])
                return
            octets -= len(last)
