"""The message inside a call: base64 read as it comes, its beginning kept, the rest digested."""

import binascii
import hashlib

from sendguard.mail.body import MAX_SCANNED
from sendguard.mail.digest import boundaries

KEPT = MAX_SCANNED + 1
"""Octets of a message that are kept. One longer than what is scanned for words is not scanned, whole or not."""
_SPACES = b" \t\r\n"


class BadBase64(Exception):
    """What cannot be decoded in one way only."""


class Mime:
    """A message whose base64 is added piece by piece.

    ``raw`` stands for it when an answer is recognised at the next try (``digest.retry_key``): itself, or its beginning
    and a digest of the rest with its MIME boundaries made alike.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._rest = hashlib.blake2b(digest_size=32)
        self._has_rest = False
        self._alike: list[bytes] = []
        self._line = b""
        self._undecoded = b""
        self._ended = False

    def add(self, text: str) -> None:
        """Read on. Raises BadBase64."""
        try:
            octets = self._undecoded + text.encode("ascii").translate(None, _SPACES)
            whole = len(octets) // 4 * 4
            self._undecoded = octets[whole:]
            if whole:
                self._decoded(binascii.a2b_base64(octets[:whole], strict_mode=True), whole)
        except ValueError as error:  # binascii.Error and UnicodeEncodeError are
            raise BadBase64 from error

    def close(self) -> None:
        """The last piece was added. Raises BadBase64."""
        if self._undecoded:
            raise BadBase64
        self._digest(self._line)

    @property
    def raw(self) -> bytes:
        """The message, or what stands for it."""
        return bytes(self._kept) + (self._rest.hexdigest().encode() if self._has_rest else b"")

    def _decoded(self, octets: bytes, characters: int) -> None:
        if self._ended:
            raise BadBase64  # more after the padding
        self._ended = len(octets) * 4 != characters * 3
        room = KEPT - len(self._kept)
        if room > 0:
            self._kept += octets[:room]
        if len(octets) > room:
            self._add_rest(octets[max(room, 0) :])

    def _add_rest(self, octets: bytes) -> None:
        if not self._has_rest:
            self._has_rest, self._alike = True, boundaries(bytes(self._kept))
        lines, end, self._line = (self._line + octets).rpartition(b"\n")
        self._digest(lines + end)

    def _digest(self, lines: bytes) -> None:
        for boundary in self._alike:
            lines = lines.replace(b"--" + boundary, b"--")
        self._rest.update(lines)
