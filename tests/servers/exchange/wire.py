"""HTTP for the test Exchange: one connection's requests, who makes them, and answers that may be cut short."""

import base64
import binascii
import contextlib
import http.server
import itertools
import logging
import socket
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.servers.exchange import autodiscover
from tests.servers.exchange.answers import Fault, fault, whole
from tests.servers.exchange.faults import Trouble
from tests.servers.exchange.listener import Listener
from tests.servers.exchange.ntlm import Handshake
from tests.servers.exchange.site import Person
from tests.servers.exchange.streams import Stream, envelopes
from tests.servers.exchange.xml import BadXml, Node, parse

if TYPE_CHECKING:
    from tests.servers.exchange.server import Exchange

_connections = itertools.count(1)
_log = logging.getLogger(__name__)
_LARGE = 1 << 20
"""Answers with more octets are sent in chunks, as IIS does when it does not know their end yet."""


class Answers(http.server.BaseHTTPRequestHandler):
    """One connection. ``site`` is set in a class of each server's own."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-IIS/10.0"
    sys_version = ""
    site: "Exchange"
    timeout = 300
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        self.number = next(_connections)
        self.known: Person | None = None
        """Who this connection belongs to, once it was logged in as one (NTLM)."""
        self._ntlm = Handshake(self.site.people)
        self._challenged = b""
        """The answer to a first NTLM token, to be given with the 401."""
        self._listener.open[self.number] = self.connection

    def finish(self) -> None:
        """Count the connection out."""
        self._listener.open.pop(self.number, None)
        with contextlib.suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        """Answer one call."""
        raw, path = self._body(), self.path.lower()
        if path not in ("/ews/exchange.asmx", *autodiscover.PATHS):
            self.respond(404, [])
            return
        if self.headers.get_content_type() != "text/xml":
            self.respond(415, [])
            return
        if self.site.record:
            self.site.requests.append(raw)
        document, operation = _opened(raw)
        try:
            if path in autodiscover.PATHS:
                self._answer_where(path, raw)
            else:
                self._answer_call(document, operation, self.site.faults.take(operation))
        except Fault as error:
            self.respond(error.status, fault(error))
        except OSError:
            self.close_connection = True  # the client has gone
        except Exception:
            _log.exception("The test Exchange failed in %s", operation)
            self.respond(500, fault(Fault("ErrorInternalServerError", "An internal server error occurred.")))

    def do_GET(self) -> None:
        """Say that there is nothing to get."""
        self.respond(404, [])

    def respond(self, status: int, body: Iterable[bytes], headers: dict[str, str] | None = None) -> None:
        """Write an answer; a large one in chunks."""
        pieces = list(body)
        length = sum(len(piece) for piece in pieces)
        self.send_response(status)
        for name, value in ({"Content-Type": "text/xml; charset=utf-8"} | (headers or {})).items():
            self.send_header(name, value)
        if length > _LARGE:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                for start in range(0, len(piece), 1 << 16):
                    self.chunk(piece[start : start + (1 << 16)])
            self.chunk(b"")
        else:
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(b"".join(pieces))
        self.wfile.flush()

    def chunk(self, octets: bytes) -> None:
        """Write one chunk; the empty one is the last."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(octets), octets))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    @property
    def _listener(self) -> Listener:
        assert isinstance(self.server, Listener)
        return self.server

    def _answer_where(self, path: str, raw: bytes) -> None:
        if self._who() is None:
            self._challenge()
            return
        try:
            self.respond(200, autodiscover.answer(path, raw, self.site.people, self.site.url))
        except BadXml:
            self.respond(400, [])

    def _answer_call(self, document: Node | BadXml, operation: str, troubles: list[Trouble]) -> None:
        for trouble in troubles:
            if trouble.status:
                self.respond(trouble.status, [trouble.body], trouble.headers)
                return
        person = self._who()
        if person is None:
            self._challenge()
            return
        self.site.count(operation, person, self.number)
        with self.site.entering(person):
            for trouble in troubles:
                if trouble.until is not None:
                    self.site.hold(trouble.until, trouble.seconds)
            if any(trouble.cut_before for trouble in troubles):
                self.cut("no_answer")
                return
            answer = self.site.answer(document, operation, person, troubles)
        cut = next((trouble.cut_after for trouble in troubles if trouble.cut_after), None)
        if isinstance(answer, Stream):
            self._stream(answer)
        elif cut == "wrong_element":
            for node in answer.children:
                node.name = "m:Responses"
            self.respond(200, whole(answer))
        elif cut is not None:
            self.cut(cut)
        else:
            self.respond(200, whole(answer))

    def cut(self, how: str) -> None:
        """End the connection without an answer: closed, or reset."""
        if how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def _stream(self, stream: Stream) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for body in envelopes(stream, self.connection, self.site.notifications.heartbeat, self.site.stream_seconds):
                # An envelope need not be one chunk.
                octets = b"".join(whole(body))
                self.chunk(octets[: len(octets) // 2])
                self.chunk(octets[len(octets) // 2 :])
                self.wfile.flush()
            if stream.ending == "cut":
                self.wfile.write(b"400\r\n<s:Envel")
            elif stream.ending == "closed":
                self.chunk(b"")
            self.close_connection = stream.ending != "closed"
        finally:
            self.site.notifications.close(stream)

    def _who(self) -> Person | None:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        self._challenged = b""
        if scheme not in self.site.schemes:
            return self.known
        if scheme == "NTLM":
            return self._handshake(credentials)
        if scheme == "Bearer":
            return self.site.bearer(credentials.strip())
        if scheme == "Basic":
            with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                user, _, password = base64.b64decode(credentials).decode().partition(":")
                return self.site.login(user, password)
        return None

    def _handshake(self, token: str) -> Person | None:
        self.known = None
        with contextlib.suppress(binascii.Error):
            found = self._ntlm.step(base64.b64decode(token))
            if isinstance(found, str):
                self.known = self.site.people.get(found.lower())
            self._challenged = found if isinstance(found, bytes) else b""
        return self.known

    def _challenge(self) -> None:
        self.send_response(401)
        if self._challenged:
            self.send_header("WWW-Authenticate", f"NTLM {base64.b64encode(self._challenged).decode()}")
        for scheme in self.site.schemes if not self._challenged else ():
            realm = {
                "Basic": ' realm="exchange.example.test"',
                "Bearer": ' client_id="00000002-0000-0ff1-ce00-000000000000"',
            }
            self.send_header("WWW-Authenticate", scheme + realm.get(scheme, ""))
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)


def _opened(raw: bytes) -> tuple[Node | BadXml, str]:
    """A request's document, or why there is none, and its operation's name, or nothing."""
    try:
        document = parse(raw)
    except BadXml as error:
        return error, ""
    body = document.get("s:Body")
    return document, body.children[0].local if body and body.children else ""
