"""HTTPS as SendGuard speaks it: certificates checked, plain HTTP on this computer only, and an end to every wait."""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import IO, cast
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from sendguard.audience.source import SourceFailed

MAX_PAUSE = 24 * 60 * 60.0
"""The longest Retry-After that is believed, in seconds."""


class DownloadFailed(SourceFailed):
    """Nothing was got, and why. ``status`` is the server's answer, ``retry_after`` the seconds it wants to be left."""

    def __init__(self, why: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a connection, for the next octets, and for all of it."""

    connect: float = 10.0
    read: float = 30.0
    whole: float = 60.0


class Web:
    """Asks one thing at a time, through the system's proxy. ``close`` from another thread ends it at once, for good.

    ``ca_file``: certificates (PEM) to trust beside the system's. It sends no cookie, no language, nothing that tells
    one desktop from another.
    """

    def __init__(self, *, ca_file: Path | None = None, patience: Patience | None = None) -> None:
        self._ca_file = ca_file
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = False
        self._late = False

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], whole: float | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask for ``url``; the answer has a status of 2xx and its body is to be read within the block.

        ``whole`` is a patience for all of it other than this object's. Raises DownloadFailed, in the block as well.
        """
        check_url(url)
        seconds = self._patience.whole if whole is None else whole
        self._late = False
        timer = threading.Timer(seconds, self._be_late)
        timer.daemon = True
        timer.start()
        try:
            with self._in_words(url, seconds), self._open(url, headers) as answer:
                if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise DownloadFailed(f"{shown(url)} came in an encoding nobody asked for")
                yield answer
        finally:
            timer.cancel()
            self._hold(None)

    def close(self) -> None:
        """End what is under way, and refuse everything later."""
        with self._lock:
            self._closed = True
        self._cut()

    @property
    def is_busy(self) -> bool:
        """Whether it is connected to a server."""
        return self._socket is not None

    def connected(self, connection: http.client.HTTPConnection) -> None:
        """A connection was made: from now on it can be cut, and waits as long as a read may."""
        connection.sock.settimeout(self._patience.read)
        self._hold(connection.sock.dup())

    def _open(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        opener = request.OpenerDirector()
        plain = urlsplit(url).scheme == "http"
        for handler in (
            request.ProxyHandler({} if is_loopback(url) else None),
            _Plain(self),
            _Secure(self, self._context()),
            _Redirects(plain),
            request.HTTPDefaultErrorHandler(),
            request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        asked = request.Request(url, headers={"User-Agent": "SendGuard", **headers})  # noqa: S310  # check_url was here
        return cast(http.client.HTTPResponse, opener.open(asked, timeout=self._patience.connect))

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                raise DownloadFailed(f"the certificates in {self._ca_file.name} cannot be read") from error
        return context

    def _hold(self, held: socket.socket | None) -> None:
        with self._lock:
            before, self._socket = self._socket, held
            ended = self._closed or self._late
        if before is not None:
            before.close()
        if ended:
            self._cut()

    def _be_late(self) -> None:
        self._late = True
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # it has ended by itself

    @contextmanager
    def _in_words(self, url: str, seconds: float) -> Iterator[None]:
        try:
            self._go_on(url, seconds)
            yield
            self._go_on(url, seconds)  # a body that was cut here may look whole
        except HTTPError as error:
            error.close()
            raise _refused(url, error) from None
        except (DownloadFailed, OSError, http.client.HTTPException, ValueError) as error:
            self._go_on(url, seconds)
            if isinstance(error, DownloadFailed):
                raise
            raise DownloadFailed(f"{shown(url)}: {_why(error)}") from error

    def _go_on(self, url: str, seconds: float) -> None:
        if self._closed:
            raise DownloadFailed("stopped") from None
        if self._late:
            raise DownloadFailed(f"{shown(url)} was not there within {seconds:g} s") from None


class _Cuttable(http.client.HTTPConnection):
    """Tells the web as soon as it is connected: before TLS begins."""

    web: Web

    def connect(self) -> None:
        super().connect()
        self.web.connected(self)


class _CuttableSecure(http.client.HTTPSConnection, _Cuttable):
    """Its own ``connect`` calls the one above, and then makes TLS of the connection."""


class _Plain(request.HTTPHandler):
    def __init__(self, web: Web) -> None:
        super().__init__()
        self._web = web

    def http_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_of, _Cuttable, self._web), req)


class _Secure(request.HTTPSHandler):
    def __init__(self, web: Web, context: ssl.SSLContext) -> None:
        super().__init__()
        self._web = web
        self._trusted = context

    def https_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_of, partial(_CuttableSecure, context=self._trusted), self._web), req)


def _of(make: Callable[..., _Cuttable], web: Web, host: str, timeout: float) -> _Cuttable:
    connection = make(host, timeout=timeout)
    connection.web = web
    return connection


class _Redirects(request.HTTPRedirectHandler):
    max_redirections = 5

    def __init__(self, plain: bool) -> None:
        self._plain = plain

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> request.Request | None:
        fp.close()  # what comes with a redirect is read by nobody
        try:
            check_url(newurl, plain=self._plain)
        except DownloadFailed as error:
            raise DownloadFailed(f"{shown(req.full_url)} leads to another address: {error}") from None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check_url(url: str, *, plain: bool = True) -> None:
    """Refuse an address that is not encrypted, or holds a secret. Raises DownloadFailed.

    ``plain`` says whether this computer itself may be asked without encryption.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise DownloadFailed("this is not a web address") from None
    if not (host and url.isascii() and url.isprintable()) or " " in url:
        raise DownloadFailed("this is not a web address")
    if parts.username is not None or parts.password is not None:
        raise DownloadFailed(f"{host}: a web address must not hold a user name or a password")
    if parts.scheme != "https" and not (plain and parts.scheme == "http" and is_loopback(url)):
        raise DownloadFailed(f"{host}: only https is allowed")


def is_loopback(url: str) -> bool:
    """Whether an address is on this computer."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def shown(url: str) -> str:
    """An address as it may be shown and logged: without what could be a secret in it."""
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"


def _refused(url: str, error: HTTPError) -> DownloadFailed:
    reason = http.client.responses.get(error.code, "")
    said = f"{error.code} {reason}".strip()
    return DownloadFailed(f"{shown(url)}: the server answered {said}", error.code, _pause(error.headers))


def _pause(headers: Message) -> float | None:
    """The seconds of Retry-After, in either form (RFC 9110 10.2.3); a date is taken by the server's own clock."""
    said = str(headers.get("Retry-After", "")).strip()
    if said.isascii() and said.isdecimal():
        return min(float(said[:9]), MAX_PAUSE)
    try:
        pause = parsedate_to_datetime(said) - parsedate_to_datetime(str(headers.get("Date", "")))
    except (ValueError, TypeError):
        return None
    return min(max(pause.total_seconds(), 0.0), MAX_PAUSE)


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "no safe connection could be made, or it was cut"),
    (TimeoutError, "no answer in time"),
    (socket.gaierror, "the name of the server was not found"),
    (ConnectionRefusedError, "nobody answers there"),
    (ConnectionError, "the connection was cut"),
    (http.client.IncompleteRead, "the connection was cut"),
    (http.client.HTTPException, "the answer is not HTTP"),
)


def _why(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    for kind, words in _WORDS:
        if isinstance(cause, kind):
            if isinstance(cause, ssl.SSLCertVerificationError):
                return f"{words} ({cause.verify_message})"
            return words
    return (cause.strerror if isinstance(cause, OSError) else None) or type(cause).__name__
