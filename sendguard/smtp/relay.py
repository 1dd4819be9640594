"""The way upstream that belongs to one client connection, and what is needed to walk it once more."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock

from sendguard.guard.account import Server
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.smtp.loopback import has_ended
from sendguard.smtp.replies import Reply
from sendguard.smtp.upstream import Capabilities, Upstream


class ClientGone(Exception):
    """The client's connection has ended: nothing more is relayed for it."""


@dataclass(slots=True)
class Said:
    """What the client said to upstream, kept as long as its connection, to be said again should upstream go away."""

    name: str = ""
    login: list[str] = field(default_factory=list, repr=False)
    transaction: list[str] = field(default_factory=list, repr=False)


class Relay:
    """One upstream connection behind one client connection.

    Blocking; one call at a time, except for ``abandon`` and ``cut``, which any thread may call at any time. Where
    upstream gives no reply, every method raises UpstreamUnreachable; where the client has gone, ClientGone.
    """

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self._server = server
        self._context = context
        self._said = Said()
        self._upstream: Upstream | None = None
        self._lock = Lock()
        self._wanted = True
        self._busy = False
        self._committed = False
        self._client: int | None = None

    def serve(self, client: int) -> None:
        """Name the client's socket. It must stay open until ``abandon`` has returned."""
        self._client = client

    def greet(self, name: str) -> Capabilities:
        """Open the connection, or take back what was begun on it. A login that was lost with it is forgotten.

        Raises SubmissionRefused when upstream does not want to talk to us.
        """
        with self._working():
            self._said.name = name
            self._said.transaction.clear()
            if self._upstream is not None:
                self._take_back()
            if self._upstream is None:
                self._said.login.clear()
                self._connect()
            return self._open().capabilities

    @property
    def is_logged_in(self) -> bool:
        """Whether upstream accepted the client's login on the connection there is."""
        return bool(self._said.login)

    def log_in(self, line: str, earlier: list[str]) -> Reply:
        """Pass on one line of an AUTH exchange, after the ``earlier`` ones; all are kept once it succeeded."""
        with self._working():
            reply = self._open().command(line)
        if reply.code == 235:
            self._said.login = [*earlier, line]
        return reply

    def say(self, line: str) -> Reply:
        """Pass on MAIL or RCPT."""
        with self._working():
            reply = self._open().command(line)
        if reply.is_positive:
            self._said.transaction.append(line)
        return reply

    def reset(self) -> None:
        """Take back the transaction. Does not fail: the next command will tell when upstream has gone."""
        self._said.transaction.clear()
        with suppress(ClientGone), self._working():
            self._take_back()

    def _take_back(self) -> None:
        try:
            if self._upstream is not None and self._upstream.command("RSET").is_positive:
                return
        except UpstreamUnreachable:
            pass
        self._drop()

    def revive(self) -> None:
        """After a wait: when upstream has gone meanwhile, do everything up to the accepted recipients once more.

        Raises SubmissionRefused when it does not agree to all of it any more.
        """
        with self._working():
            try:
                if self._open().command("NOOP").is_positive:
                    return
            except UpstreamUnreachable:
                pass
            self._drop()
            self._connect()
            self._repeat(self._said.login, UpstreamUnreachable("login"))
            self._repeat(self._said.transaction)

    def _repeat(self, lines: list[str], otherwise: Exception | None = None) -> None:
        for line in lines:
            reply = self._open().command(line)
            if not reply.is_positive and reply.code != 334:
                raise otherwise or SubmissionRefused(reply.code, reply.text)

    def send(self, raw: bytes) -> Reply:
        """DATA, the content, the final dot. Ends the transaction, whatever comes of it.

        Raises SubmissionRefused, and ReplyLost when the answer to the final dot was lost.
        """
        self._said.transaction.clear()
        with self._working():
            upstream = self._open()
            reply = upstream.command("DATA")
            if reply.code != 354:
                raise SubmissionRefused(reply.code, reply.text)
            try:
                return upstream.content(raw, self._commit)
            except (ReplyLost, ClientGone, UpstreamUnreachable):
                self._drop()
                raise

    def check_wanted(self) -> None:
        """Raise ClientGone when there is nobody to relay for."""
        with self._lock:
            self._check_wanted()

    def _check_wanted(self) -> None:
        """Ask the system as well: it knows that the client has closed before the gate's loop gets to hear it."""
        if not self._wanted or (self._client is not None and has_ended(self._client)):
            raise ClientGone

    def abandon(self) -> None:
        """The client has gone. What is under way ends at once, unless the final dot is out: then its answer counts."""
        with self._lock:
            self._wanted = False
            if self._busy and not self._committed and self._upstream is not None:
                self._upstream.shut_down()

    def cut(self) -> None:
        """End whatever is under way, a wait for the answer to the final dot included."""
        with self._lock:
            self._wanted = False
            if self._upstream is not None:
                self._upstream.shut_down()

    def close(self) -> None:
        """Take leave of upstream, after ``abandon``. What is still under way closes the connection when it is done."""
        with self._lock:
            upstream = None if self._busy else self._upstream
            if upstream is not None:
                self._upstream = None
        if upstream is not None:
            upstream.quit()

    def _commit(self) -> None:
        with self._lock:
            self._check_wanted()
            self._committed = True

    def _open(self) -> Upstream:
        if self._upstream is None:
            raise UpstreamUnreachable("unreachable")
        return self._upstream

    def _connect(self) -> None:
        upstream = Upstream.connect(self._server, self._said.name, self._context)
        with self._lock:
            self._upstream = upstream
        self.check_wanted()

    def _drop(self) -> None:
        with self._lock:
            upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self._lock:
            if not self._wanted:
                raise ClientGone
            self._busy = True
        try:
            yield
        except UpstreamUnreachable:
            self.check_wanted()  # it was we who ended the connection
            raise
        finally:
            with self._lock:
                self._busy = self._committed = False
                unwanted = not self._wanted
            if unwanted:
                self._drop()
