"""The way upstream that belongs to one client connection, and what is needed to walk it once more."""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field

from sendguard.gate.loopback import has_ended
from sendguard.guard.account import Server
from sendguard.guard.ports import SubmissionRefused, UpstreamUnreachable
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
    """One upstream connection behind one client connection. Everything on the gate's loop, one call at a time.

    Where upstream gives no reply, a method raises UpstreamUnreachable; where the client has gone, ClientGone.
    """

    def __init__(self, server: Server, context: ssl.SSLContext | None) -> None:
        self._server = server
        self._context = context
        self._said = Said()
        self._upstream: Upstream | None = None
        self._client: int | None = None
        self._wanted = True
        self._in_content = False
        self._committed = False

    def serve(self, client: int) -> None:
        """Name the client's socket, which stays open until ``abandon``."""
        self._client = client

    async def greet(self, name: str) -> Capabilities:
        """Open the connection, or take back what was begun on it. A login that was lost with it is forgotten.

        Raises SubmissionRefused when upstream does not want to talk to us.
        """
        self._said.name = name
        if self._upstream is not None:
            await self.reset()
        if self._upstream is None:
            self._said.login.clear()
            await self._connect()
        return self._open().capabilities

    @property
    def is_logged_in(self) -> bool:
        """Whether upstream accepted the client's login on the connection there is."""
        return bool(self._said.login)

    async def log_in(self, line: str, earlier: list[str]) -> Reply:
        """Pass on one line of an AUTH exchange, after the ``earlier`` ones; all are kept once it succeeded."""
        reply = await self._open().command(line)
        if reply.code == 235:
            self._said.login = [*earlier, line]
        return reply

    async def say(self, line: str) -> Reply:
        """Pass on MAIL or RCPT."""
        reply = await self._open().command(line)
        if reply.is_positive:
            self._said.transaction.append(line)
        return reply

    async def reset(self) -> None:
        """Take back the transaction. Does not fail: the next command will tell when upstream has gone."""
        self._said.transaction.clear()
        with suppress(UpstreamUnreachable):
            if (await self._open().command("RSET")).is_positive:
                return
        self._drop()

    async def revive(self) -> None:
        """After a wait: when upstream has gone meanwhile, do everything up to the accepted recipients once more.

        Raises SubmissionRefused when it does not agree to all of it any more.
        """
        with suppress(UpstreamUnreachable):
            if (await self._open().command("NOOP")).is_positive:
                return
        self._drop()
        self.check_wanted()
        await self._connect()
        await self._repeat(self._said.login, UpstreamUnreachable("login"))
        await self._repeat(self._said.transaction)

    async def _repeat(self, lines: list[str], otherwise: Exception | None = None) -> None:
        for line in lines:
            reply = await self._open().command(line)
            if not reply.is_positive and reply.code != 334:
                raise otherwise or SubmissionRefused(reply.code, reply.text)

    async def send(self, raw: bytes) -> Reply:
        """DATA, the content, the final dot. Ends the transaction, whatever comes of it.

        Raises SubmissionRefused, and ReplyLost when the answer to the final dot was lost.
        """
        self._said.transaction.clear()
        self._in_content, whole = True, False
        try:
            upstream = self._open()
            self.check_wanted()
            await upstream.content(raw)
            self.check_wanted()
            self._committed = True
            reply = await upstream.finish(raw)
            whole = True
        except SubmissionRefused:
            whole = True
            raise
        except UpstreamUnreachable:
            self.check_wanted()  # it was we who ended the connection
            raise
        else:
            return reply
        finally:
            self._in_content = self._committed = False
            if not (whole and self._wanted):
                self._drop()

    @property
    def is_wanted(self) -> bool:
        """Whether there is somebody to relay for.

        Asks the system as well: it knows that the client has closed before the gate's loop gets to hear it.
        """
        return self._wanted and not (self._client is not None and has_ended(self._client))

    def check_wanted(self) -> None:
        """Raise ClientGone when there is nobody to relay for."""
        if not self.is_wanted:
            raise ClientGone

    def abandon(self) -> None:
        """The client has gone. What is under way ends at once, unless the final dot is out: then its answer counts."""
        self._wanted, self._client = False, None
        if self._committed or self._upstream is None:
            return
        if self._in_content:
            self._upstream.abort()
        else:
            self._upstream.leave()

    def cut(self) -> None:
        """End whatever is under way, a wait for the answer to the final dot included."""
        self._wanted, self._client = False, None
        self._drop()

    def _open(self) -> Upstream:
        if self._upstream is None:
            raise UpstreamUnreachable("unreachable")
        return self._upstream

    async def _connect(self) -> None:
        upstream = await Upstream.connect(self._server, self._said.name, self._context)
        if not self._wanted:
            upstream.abort()
            raise ClientGone
        self._upstream = upstream

    def _drop(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None
