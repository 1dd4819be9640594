"""Listening on loopback, on one port that stays the same, and on nothing else."""

import contextlib
import errno
import random
import socket
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sendguard.gate.peers import Peers

if TYPE_CHECKING:
    from asyncio import BaseTransport
    from asyncio.trsock import TransportSocket

PORTS = range(20_000, 32_000)
"""Below every system's range for outgoing connections, so that none of them can take a port that is ours."""
BACKLOG = 32

_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
_TAKEN = {errno.EADDRINUSE, errno.EACCES}


class GateNotStarted(Exception):
    """The gate cannot listen. ``code`` is ``port_taken``, ``no_socket`` or ``gate_failed``.

    ``holder`` is the uid of who has the port, where that is known. Another port is never taken
    instead: the mail client would go on sending to whoever holds this one.
    """

    def __init__(self, code: str, port: int, holder: int | None = None) -> None:
        super().__init__(f"{code} {port} uid {holder}")
        self.code = code
        self.port = port
        self.holder = holder


def listen(port: int, peers: Peers) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where there is IPv6, on ::1. Raises GateNotStarted."""
    listening: list[socket.socket] = []
    try:
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with _where_there_is(family):
                listening.append(_bound(family, host, port))
        for each in listening:
            each.listen(BACKLOG)
    except OSError as error:
        for each in listening:
            each.close()
        if error.errno in _TAKEN:
            raise GateNotStarted("port_taken", port, peers.holder_of(port)) from error
        raise GateNotStarted("no_socket", port) from error
    return listening


def choose_port() -> int:
    """A loopback port that nobody holds, chosen at random: once for an account, and then kept."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 - not a secret: the login is
        with contextlib.suppress(OSError), _bound(socket.AF_INET, "127.0.0.1", port):
            with _where_there_is(socket.AF_INET6):
                _bound(socket.AF_INET6, "::1", port).close()
            return port


def has_ended(descriptor: int) -> bool:
    """Whether the other end of an open connection has closed it, known before anybody reads from it again."""
    connection = socket.socket(fileno=descriptor)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.detach()


@contextlib.contextmanager
def resetting(transport: "BaseTransport | None") -> Iterator[None]:
    """While the other end waits, a death of ours resets the connection instead of closing it.

    Thunderbird takes a connection that was closed for one that is still going to answer, and waits for ever
    (``SmtpClient``, tried with 153); of a reset it tells its person.
    """
    connection = transport.get_extra_info("socket") if transport is not None else None
    _linger(connection, 1)
    try:
        yield
    finally:
        _linger(connection, 0)


def _linger(connection: "TransportSocket | None", on: int) -> None:
    shape = "hh" if sys.platform == "win32" else "ii"
    with contextlib.suppress(OSError):  # it may have gone
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(shape, on, 0))


@contextlib.contextmanager
def _where_there_is(family: socket.AddressFamily) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if family is not socket.AF_INET6 or error.errno not in _NO_IPV6:
            raise


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off; else an answer in two pieces takes 40 ms more.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a restart; does not share a listener
        if family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
