"""HTTP to an Exchange server: verified by the system's authorities, and ended from any thread."""

import socket
import ssl
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Wire(HTTPAdapter):
    """One kept connection, for one thread at a time; ``hang_up`` is for the others.

    ``context`` verifies the server; None for the system's authorities, private ones included. Proxies are the
    system's own (``requests``).
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context or ssl.create_default_context()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._hung_up = False
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def hang_up(self) -> None:
        """End whatever is waited for. The connection cannot be used afterwards."""
        self._hung_up = True
        for each in list(self._sockets):
            with suppress(OSError):  # it has ended already
                each.shutdown(socket.SHUT_RDWR)

    def connected(self, sock: socket.socket) -> None:
        """A connection was made."""
        self._sockets.add(sock)
        if self._hung_up:
            raise ConnectionAbortedError("hung up")

    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        """Verify with the system's authorities, and learn of every connection."""
        super().init_poolmanager(*arguments, **keywords, ssl_context=self._context)
        self._pools = dict(zip(("http", "https"), _told_of(self), strict=True))
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        """The same for connections that go through a proxy."""
        manager = super().proxy_manager_for(proxy, **keywords)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def build_connection_pool_key_attributes(
        self, request: Any, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """The server's name and port; not the authorities requests brings along, which know no private one."""
        host, _ = super().build_connection_pool_key_attributes(request, True, cert)
        return host, {"ssl_context": self._context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context does it."""


def _told_of(wire: Wire) -> tuple[type[HTTPConnectionPool], type[HTTPSConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            wire.connected(self.sock)

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            wire.connected(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return PlainPool, EncryptedPool
