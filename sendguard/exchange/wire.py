"""HTTP to an Exchange server: verified by the system's authorities, and ended from any thread."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ContentDecodingError, ReadTimeout
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sendguard.authorities import HTTP, verifying_context

MOST_OCTETS = 750_000_000
"""Of an answer that is read whole: the largest message that the settings can let through takes less, in base64."""
LONGEST_SECONDS = 600.0
"""For all of such an answer; requests' own limits are for each silence in it."""


class Whole(Response):
    """An answer that is read whole, and so must have an end."""

    def iter_content(self, *how: Any, **more: Any) -> Iterator[Any]:
        """Its octets. Raises requests' errors, for one that is too large or too slow as well."""
        octets, until = 0, time.monotonic() + LONGEST_SECONDS
        for piece in super().iter_content(*how, **more):
            octets += len(piece)
            if octets > MOST_OCTETS:
                raise ContentDecodingError("too large")
            if time.monotonic() > until:
                raise ReadTimeout("too slow")
            yield piece


class Wire(HTTPAdapter):
    """One kept connection, for one thread at a time; ``hang_up`` is for the others.

    ``context`` verifies the server; None for the system's authorities. An answer that is not
    streamed has an end.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context or verifying_context(HTTP)  # urllib3 sets it on whatever it is given
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._hung_up = False
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send. Raises requests' errors."""
        answer = super().send(request, stream, timeout, verify, cert, proxies)
        if not stream:
            answer.__class__ = Whole
        return answer

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
            sock.close()
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


def proxies_to(url: str) -> dict[str, str]:
    """The system's proxies to an address. What is not encrypted goes to this computer only, and so past them."""
    return get_environ_proxies(url) if url.startswith("https:") else {}


def _told_of(wire: Wire) -> tuple[type[HTTPConnectionPool], type[HTTPSConnectionPool]]:
    # TLS makes another socket of the first, on which a proxy was talked to before; the handshake between the two has
    # a time limit of its own, as a whole.
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            wire.connected(sock)
            return sock

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            wire.connected(sock)
            return sock

        def connect(self) -> None:
            super().connect()
            wire.connected(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return PlainPool, EncryptedPool
