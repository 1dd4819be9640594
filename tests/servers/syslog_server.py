"""A syslog server over TLS (RFC 5425) that can go away, stall, and be somebody else."""

import contextlib
import socket
import ssl
import threading

from tests.servers.certificates import ServerCertificate
from tests.servers.processes import LOOPBACK, free_port


class SyslogServer:
    """``messages`` are the syslog messages that came, without their frames."""

    def __init__(self, certificate: ServerCertificate) -> None:
        """Listen from ``start`` on, always on the same ``port``."""
        self.port = free_port()
        self.messages: list[bytes] = []
        self.connections = 0
        self.goodbyes = 0
        """Connections that ended as TLS ends them."""
        self.reads = threading.Event()
        """Cleared, nothing is read any more: what comes stays in the system's buffers."""
        self.reads.set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._listener: socket.socket | None = None
        self._peers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen."""
        listener = socket.create_server((LOOPBACK, self.port))
        self._listener = listener
        thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """End the listening and every connection."""
        self.reads.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._peers, self._threads = [], []

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(plain,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, plain: socket.socket) -> None:
        self._peers.append(plain)
        with contextlib.suppress(OSError, ValueError), plain:
            peer = self._context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
            self._peers.append(peer)
            self.connections += 1
            with peer:
                self._read(peer)
                self.goodbyes += 1

    def _read(self, peer: ssl.SSLSocket) -> None:
        waiting = b""
        while self.reads.wait() and (octets := peer.recv(65536)):
            waiting += octets
            while b" " in waiting:
                length, _, rest = waiting.partition(b" ")
                if len(rest) < int(length):
                    break
                self.messages.append(rest[: int(length)])
                waiting = rest[int(length) :]

    def __enter__(self) -> "SyslogServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
