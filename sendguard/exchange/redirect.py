"""Where a browser brings the answer of a login page: a port on loopback, open for one login (RFC 8252 §7.3)."""

import html
import http.server
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

LARGEST = 65_536
"""Octets of an answer; Microsoft's have some 2,000."""
_LOOK_AGAIN_SECONDS = 0.2


class Redirect(http.server.ThreadingHTTPServer):
    """Listens until it is closed. ``words`` are shown in the browser when the answer is there."""

    daemon_threads = True
    block_on_close = False
    timeout = _LOOK_AGAIN_SECONDS

    def __init__(self, words: str) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.words = words
        self.state = ""
        self.answers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        """Where the browser is sent. Microsoft takes any port for the name ``localhost``, not for its address."""
        return f"http://localhost:{self.server_address[1]}"

    def wait(self, cancelled: Callable[[], bool], seconds: float) -> dict[str, str] | None:
        """The answer for ``state``; None when the login was cancelled or took longer than ``seconds``."""
        until = time.monotonic() + seconds
        while not self.answers and not cancelled() and time.monotonic() < until:
            self.handle_request()
        return self.answers[0] if self.answers else None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away, or something that is none: the login is waited for still."""


class _Page(http.server.BaseHTTPRequestHandler):
    """Takes the answer from a form (``response_mode=form_post``), never from an address: histories keep those."""

    timeout = 10
    server_version, sys_version = "SendGuard", ""
    server: Redirect

    def do_POST(self) -> None:
        """Take an answer that knows our state; refuse any other (RFC 6749 §10.12)."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self._say(400, "")
            return
        form = {
            name: values[0]
            for name, values in parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace")).items()
        }
        if not self.server.state or form.get("state") != self.server.state:
            self._say(400, "")
            return
        self._say(200, self.server.words)
        self.server.answers.append(form)

    def do_GET(self) -> None:
        """There is nothing to see here."""
        self._say(404, "")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: answers hold secrets."""

    def _say(self, status: int, words: str) -> None:
        page = f'<!doctype html><meta charset="utf-8"><title>SendGuard</title><p>{html.escape(words)}</p>'.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(page)
