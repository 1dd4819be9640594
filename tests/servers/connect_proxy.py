"""An HTTP proxy that knows where names lie: tests reach servers on loopback by the names they have elsewhere."""

import contextlib
import http.server
import select
import socket
import threading

from tests.servers.processes import LOOPBACK


class ConnectProxy:
    """CONNECT (RFC 9110 §9.3.6) to the loopback ports in ``ports``, by host name; any other name is refused.
    ``asked`` are the names asked for, in their order."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self.asked: list[str] = []

    def __enter__(self) -> "ConnectProxy":
        """Serve."""
        self._listener = http.server.ThreadingHTTPServer((LOOPBACK, 0), type("Bound", (_Tunnel,), {"proxy": self}))
        self.url = f"http://{LOOPBACK}:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), name="test proxy")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join(10)


class _Tunnel(http.server.BaseHTTPRequestHandler):
    proxy: ConnectProxy
    timeout = 20

    def do_CONNECT(self) -> None:
        """Join the client with the server of that name, until one of them goes."""
        host = self.path.rpartition(":")[0]
        self.proxy.asked.append(host)
        port = self.proxy.ports.get(host)
        if port is None:
            self.send_error(502)
            return
        with socket.create_connection((LOOPBACK, port), timeout=10) as server:
            self.send_response(200)
            self.end_headers()
            ways = {self.connection: server, server: self.connection}
            with contextlib.suppress(OSError):
                while all([self._pass_on(each, ways[each]) for each in select.select(list(ways), [], [], 20)[0]]):
                    pass
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _pass_on(self, source: socket.socket, target: socket.socket) -> bool:
        octets = source.recv(65536)
        target.sendall(octets)
        return bool(octets)
