"""How much is read from a connection at once."""

import asyncio

AT_ONCE = 64 * 1024
"""Octets. asyncio asks for 256 KiB: more than the C library keeps at hand, so that every short line costs a mapping."""


def read_modestly(transport: asyncio.BaseTransport) -> None:
    """Read ``AT_ONCE`` at the most from a transport whose event loop lets itself be told."""
    if hasattr(transport, "max_size"):
        transport.max_size = AT_ONCE
