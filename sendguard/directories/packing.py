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
    found = bytearray()
    try:
        while not decompressor.eof and len(found) <= size:
            piece = decompressor.decompress(octets, max_length=size + 1 - len(found))
            if not piece and decompressor.needs_input:
                break
            found += piece
            octets = b""
    except zstd.ZstdError as error:
        raise Unpackable("it is damaged") from error
    if len(found) != size or not decompressor.eof or decompressor.unused_data:
        raise Unpackable("it is not of the size it should have")
    return bytes(found)


def _zstd() -> Any:
    """The module, once it is needed: part of Python from 3.14 on, and the same one from elsewhere before."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
