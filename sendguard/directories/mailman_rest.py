"""The REST interface of Mailman 3 core: pages of JSON, over one connection that is kept."""

import http.client
import json
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode, urlsplit

from sendguard.audience.source import SourceFailed
from sendguard.published.web import check_url

SECONDS = 30.0
"""How long to wait for a connection, and for the next octets."""
ANSWER_SECONDS = 120.0
"""How long one answer may take as a whole: core itself gives up after that, behind most of its set-ups earlier."""
MAX_ANSWER = 16 * 1024 * 1024
"""Octets of one answer: a page of 1,000 members has some 200 kB."""
API = "/3.1"
MAX_PAGES = 10_000
_PIECE = 256 * 1024

Parameter: TypeAlias = str | int | tuple[str, ...]


class MailmanFailed(SourceFailed):
    """Mailman gave no answer, and why. Names no address, no password; ``status`` is that of the answer, if it came."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class MailmanRest:
    """Asks one server as its administrator, one question at a time. Reads only. ``close`` when done.

    ``url`` is where core listens, with or without ``/3.1``. Unless ``plain``, only this computer may be asked over
    plain HTTP. It follows no redirect, so that the password goes nowhere else. Raises MailmanFailed for a bad address.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        plain: bool = False,
        ca_file: Path | None = None,
        seconds: float = SECONDS,
    ) -> None:
        if not (plain and urlsplit(url).scheme == "http"):
            try:
                check_url(url)
            except SourceFailed as error:
                raise MailmanFailed(str(error)) from None
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self._path = parts.path.rstrip("/") or API
        self._authorization = "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
        if parts.scheme == "https":
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.host, parts.port, timeout=seconds, context=_context(ca_file)
            )
        else:
            self._connection = http.client.HTTPConnection(self.host, parts.port, timeout=seconds)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def strange(self) -> MailmanFailed:
        """The error for an answer that is not Mailman's."""
        return MailmanFailed(f"{self.host} does not answer as Mailman does")

    def get(self, path: str, **parameters: Parameter) -> Mapping[str, Any]:
        """The object at ``path``, whose segments are quoted already. Raises MailmanFailed."""
        target = f"{self._path}/{path}" + (f"?{urlencode(parameters, doseq=True)}" if parameters else "")
        with self._in_words():
            status, body = self._ask(target)
            if not http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
                raise MailmanFailed(f"{self.host}: {_refusal(status)}", status)
            answer = json.loads(body)
        if not isinstance(answer, dict):
            raise self.strange()
        return answer

    def entries(self, path: str, count: int, **parameters: Parameter) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
        """The pages of a collection of ``count`` entries at most, each with the length the whole had by then.

        Raises MailmanFailed.
        """
        for page in range(1, MAX_PAGES + 1):
            answer = self.get(path, count=count, page=page, **parameters)
            found, total = answer.get("entries", []), answer.get("total_size")
            if not (isinstance(found, list) and all(isinstance(each, dict) for each in found) and type(total) is int):
                raise self.strange()
            yield total, found
            if len(found) < count:
                return
        raise MailmanFailed(f"{self.host} has more than {MAX_PAGES} pages of one thing")

    def _ask(self, target: str) -> tuple[int, bytes]:
        kept = self._connection.sock is not None
        try:
            return self._ask_once(target)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()
            if not kept:
                raise
        return self._ask_once(target)  # the server had closed a connection it kept for a while

    def _ask_once(self, target: str) -> tuple[int, bytes]:
        headers = {"Authorization": self._authorization, "Accept": "application/json", "User-Agent": "SendGuard"}
        self._connection.request("GET", target, headers=headers)
        deadline = time.monotonic() + ANSWER_SECONDS
        with self._connection.getresponse() as answer:
            body = bytearray()
            while piece := answer.read1(_PIECE):
                body += piece
                if len(body) > MAX_ANSWER:
                    raise MailmanFailed(f"{self.host}: an answer is larger than {MAX_ANSWER} octets")
                if time.monotonic() > deadline:
                    raise TimeoutError
            if answer.length:
                raise http.client.IncompleteRead(b"")
            return answer.status, bytes(body)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except MailmanFailed:
            self._connection.close()
            raise
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            self._connection.close()
            raise MailmanFailed(f"{self.host}: {_why(error)}") from None


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError:
            raise MailmanFailed(f"the certificates in {ca_file.name} cannot be read") from None
    return context


def _refusal(status: int) -> str:
    match status:
        case http.HTTPStatus.UNAUTHORIZED | http.HTTPStatus.FORBIDDEN:
            return "the server does not accept this user and password"
        case http.HTTPStatus.NOT_FOUND:
            return "there is no such thing here; is this the address of Mailman's REST interface?"
        case _ if http.HTTPStatus.MULTIPLE_CHOICES <= status < http.HTTPStatus.BAD_REQUEST:
            return "the server sends us to another address, which is not followed"
    return f"the server answered {status}"


def _why(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return "no safe connection could be made, or it was cut"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nobody answers there"
        case ConnectionError() | http.client.IncompleteRead():
            return "the connection was cut"
        case http.client.HTTPException():
            return "the answer is not HTTP"
        case OSError():
            return error.strerror or "no connection could be made"
    return "does not answer as Mailman does"
