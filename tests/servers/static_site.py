"""A web server for static files on loopback, with ETags and ranges, over HTTP or HTTPS.

It does wrong what a test wants it to do wrong.
"""

import contextlib
import hashlib
import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tests.servers.certificates import ServerCertificate
from tests.servers.processes import LOOPBACK


@dataclass
class Misbehaviour:
    """What the server does to a path instead of serving it well; all that is set happens together."""

    status: int | None = None
    """Answer with this and no body."""
    headers: dict[str, str] = field(default_factory=dict)
    """Said instead of, or beside, the server's own."""
    body: bytes | None = None
    """Sent instead of the file."""
    cut_after: int | None = None
    """Octets of the body after which the connection ends."""
    stall_after: int | None = None
    """Octets of the body after which nothing comes any more, until ``heal``."""
    ignore_range: bool = False
    chunked: bool = False
    endless: bool = False
    """Zeros for as long as somebody listens."""
    drip: bool = False
    """The body comes octet by octet, one in ten milliseconds."""


@dataclass(frozen=True)
class Seen:
    """A request that was answered, and the octets of body sent."""

    path: str
    headers: dict[str, str]
    status: int
    sent: int


class StaticSite:
    """Serves ``folder``. ``requests`` are what was asked, ``misbehave`` what goes wrong, by path (``/name``)."""

    def __init__(self, folder: Path, certificate: ServerCertificate | None = None) -> None:
        self.folder = folder
        self.seen: list[Seen] = []
        self.answering = 0
        self.rest = threading.Condition()
        self.misbehave: dict[str, Misbehaviour] = {}
        self.healed = threading.Event()
        self._server = _Quiet((LOOPBACK, 0), type("Bound", (_Answer,), {"site": self}))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{'http' if certificate is None else 'https'}://{LOOPBACK}:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="static site")

    def __enter__(self) -> "StaticSite":
        """Serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port and end every answer that is under way."""
        self.heal()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def heal(self) -> None:
        """Let nothing go wrong any more, and stalled answers go on."""
        self.misbehave.clear()
        self.healed.set()
        self.healed = threading.Event()

    @property
    def requests(self) -> list[Seen]:
        """What was answered. An answer its client has read whole already is waited for; one that stalls is not."""
        with self.rest:
            self.rest.wait_for(lambda: not self.answering, timeout=0.5)
            return list(self.seen)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """While a request is answered."""
        with self.rest:
            self.answering += 1
        try:
            yield
        finally:
            with self.rest:
                self.answering -= 1
                self.rest.notify_all()

    def asked(self, path: str) -> list[Seen]:
        """The answered requests for a path, in their order."""
        return [seen for seen in self.requests if seen.path == path]

    @property
    def sent(self) -> int:
        """Octets of body sent so far."""
        return sum(seen.sent for seen in self.requests)


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, or did not trust the certificate."""


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: StaticSite

    def do_GET(self) -> None:
        """Answer one request."""
        with self.site.at_work():
            self._answer()

    def _answer(self) -> None:
        fault = self.site.misbehave.get(self.path, Misbehaviour())
        status, headers, body = self._found(fault)
        if fault.status is not None:
            status, body = fault.status, b""
        headers = {"Content-Length": str(len(body)), "Date": formatdate(usegmt=True), **headers}
        if fault.chunked:
            del headers["Content-Length"]
            headers["Transfer-Encoding"] = "chunked"
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        headers |= fault.headers
        self.send_response_only(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        sent = 0
        with contextlib.suppress(OSError):
            for piece in self._pieces(fault, body):
                self.wfile.write(piece)
                sent += len(piece)
        self.site.seen.append(Seen(self.path, dict(self.headers), status, sent))
        if fault.cut_after is not None or fault.endless or "Content-Length" not in headers:
            self.close_connection = True

    def _found(self, fault: Misbehaviour) -> tuple[int, dict[str, str], bytes]:
        file = self.site.folder / self.path.lstrip("/")
        if fault.body is None and not file.is_file():
            return 404, {}, b""
        body = file.read_bytes() if fault.body is None else fault.body
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": etag}
        if self.headers.get("If-None-Match") == etag:
            return 304, headers, b""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or fault.ignore_range or self.headers.get("If-Range", etag) != etag:
            return 200, headers, body
        start = int(asked[1])
        if start >= len(body):
            return 416, {"Content-Range": f"bytes */{len(body)}"}, b""
        return 206, headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}, body[start:]

    def _pieces(self, fault: Misbehaviour, body: bytes) -> Iterator[bytes]:
        if fault.endless:
            while True:
                yield bytes(65536)
        if fault.drip:
            for octet in body:
                if self.site.healed.wait(0.01):
                    return
                yield bytes((octet,))
            return
        stop = fault.cut_after if fault.cut_after is not None else fault.stall_after
        yield body[:stop]
        if fault.stall_after is not None:
            self.wfile.flush()
            self.site.healed.wait(30)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
