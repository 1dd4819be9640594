"""zstd, with an end to what may come out of it."""

import sys
from typing import Any

from sendguard.audience.source import SourceFailed

LEVEL = 19
WINDOW = 25
"""The window (as a power of two) that may be asked for: 32 MB of memory; level 19 needs 8 MB."""


class Unpackable(SourceFailed):
    """These octets are not what was packed."""


def pack(octets: bytes | memoryview, level: int = LEVEL) -> bytes:
    """Compress: some ten seconds for 30 MB at level 19."""
    packed: bytes = _zstd().compress(octets, level=level)
    return packed


def unpack(octets: bytes, size: int) -> bytes:
    """What has exactly ``size`` octets unpacked: not one more is ever made. Raises Unpackable."""
    zstd = _zstd()
    decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW})
    pieces: list[bytes] = []
    left = size + 1
    try:
        while left and not decompressor.eof:
            pieces.append(decompressor.decompress(octets, max_length=left))
            left -= len(pieces[-1])
            octets = b""
            if decompressor.needs_input or not pieces[-1]:
                break
    except zstd.ZstdError as error:
        raise Unpackable("it is damaged") from error
    if left != 1 or not decompressor.eof or decompressor.unused_data:
        raise Unpackable("it is not of the size it should have")
    return b"".join(pieces)  # mostly one piece, and then not copied


def _zstd() -> Any:
    """The module, once it is needed: part of Python from 3.14 on, and the same one from elsewhere before."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
