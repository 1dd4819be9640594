"""Who is at the other end of a loopback connection, and who holds a port. Linux tells; other systems do not."""

import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from sendguard.gate.sockdiag import Endpoint, owner_of


class Peers(Protocol):
    """What this system tells about other processes' sockets."""

    def is_own(self, near: Endpoint, far: Endpoint) -> bool:
        """Whether the process at the ``far`` end of a connection may be this user's. True where nobody can know."""
        ...

    def holder_of(self, port: int) -> int | None:
        """The uid of whoever listens on a port; None where that cannot be known."""
        ...


class UnknownPeers:
    """For systems that do not say cheaply who is at the other end: there the login is the only defence."""

    def is_own(self, near: Endpoint, far: Endpoint) -> bool:
        """Nobody is known to be a stranger."""
        return True

    def holder_of(self, port: int) -> int | None:
        """Nobody is known."""
        return None


class LinuxPeers:
    """Asks the kernel for the one socket, or where it does not answer reads its tables (``/proc/net/tcp``, proc(5))."""

    def __init__(self, tables: Path = Path("/proc/net"), uid: int | None = None) -> None:
        self._tables = tables
        self._uid = os.getuid() if uid is None else uid

    def is_own(self, near: Endpoint, far: Endpoint) -> bool:
        """Whether the socket at the far end is this user's. One that is not there (any more) is not."""
        owner = owner_of(far, near)
        return self._owns_in_tables(near, far) if owner is None else owner == self._uid

    def _owns_in_tables(self, near: Endpoint, far: Endpoint) -> bool:
        ends = {(_kernel_form(far, mapped), _kernel_form(near, mapped)) for mapped in (False, True)}
        return any(row.uid == self._uid for row in self._rows() if (row.local, row.remote) in ends)

    def holder_of(self, port: int) -> int | None:
        """The uid of a socket that listens on the port, at whatever address."""
        ending = f":{port:04X}"
        return next((row.uid for row in self._rows() if row.listens and row.local.endswith(ending)), None)

    def _rows(self) -> "Iterator[_Row]":
        for name in ("tcp", "tcp6"):
            table = self._tables / name
            if table.exists():
                for line in table.read_text().splitlines()[1:]:
                    cells = line.split()
                    yield _Row(cells[1], cells[2], cells[3] == "0A", int(cells[7]))


class _Row(NamedTuple):
    local: str
    remote: str
    listens: bool
    uid: int


def _kernel_form(end: Endpoint, mapped: bool) -> str:
    """An endpoint as the tables write it: 32-bit words in the machine's order; ``mapped`` is IPv4 within IPv6."""
    if ":" in end.host:
        packed = socket.inet_pton(socket.AF_INET6, end.host.partition("%")[0])
    else:
        packed = (bytes(10) + b"\xff\xff" if mapped else b"") + socket.inet_pton(socket.AF_INET, end.host)
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{end.port:04X}"


def peers_here() -> Peers:
    """What this system can tell."""
    return LinuxPeers() if sys.platform == "linux" else UnknownPeers()
