"""A port whose connections all end with it."""

import contextlib
import http.server
import socket
import socketserver
import ssl
from typing import Any

from tests.servers.certificates import ServerCertificate


class Listener(http.server.ThreadingHTTPServer):
    """A port whose connections all end when it is closed."""

    daemon_threads = False  # so that closing waits for them
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answers: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(address, answers)
        self.open: dict[int, socket.socket] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, or did not trust the certificate."""

    def cut(self) -> None:
        """Take no new connection, and end those there are."""
        self.shutdown()
        for client in list(self.open.values()):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def secured(listener: Listener, certificate: ServerCertificate) -> None:
    """Put TLS on a port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
