"""One held call and its way to the server."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from xml.etree.ElementTree import Element

import h11

from sendguard.exchange.gate.heads import forwarded
from sendguard.exchange.gate.line import AT_ONCE, Answer, Line
from sendguard.exchange.gate.lookup import NOT_OURS, found_in, request_for
from sendguard.exchange.gate.soap import Document
from sendguard.exchange.gate.upstream import Upstream
from sendguard.exchange.gate.way import Way
from sendguard.guard.ports import ReplyLost, UpstreamUnreachable

AWAKE_SECONDS = 45.0
FINAL_SECONDS = 600.0
"""For the answer to a call that sends: giving up earlier means not knowing."""
_NOT_COMPRESSED = frozenset({b"accept-encoding"})
_LOGIN = frozenset({b"authorization"})
_IN_EVERY_REQUEST = (b"basic ", b"bearer ")
"""Logins that are said in each request and can be said again; the others (NTLM, Negotiate) bind to a connection."""


class ClientGone(Exception):
    """The client's connection has ended: nothing more is relayed for it."""


class Relay:
    """A held call: its request, its octets as they came, and what is asked of the server around it."""

    def __init__(self, way: Way, request: h11.Request, document: Document, octets: bytearray, client: Line) -> None:
        self._way = way
        self._request = request
        self._document = document
        self._octets = memoryview(octets)
        self._client: Line | None = client
        self._is_out = False
        scheme = dict(request.headers).get(b"authorization", b"").lower()
        self._repeats_login = scheme.startswith(_IN_EVERY_REQUEST)
        self._opened_for_login = b""

    @property
    def is_wanted(self) -> bool:
        """Whether there is somebody to relay for."""
        return self._client is not None and not self._client.is_gone

    def abandon(self) -> None:
        """The client has gone. What is under way ends at once, unless the whole call is out: then its answer counts."""
        self._client = None
        if not self._is_out:
            self._way.cut()

    def settle(self) -> None:
        """Nothing more is sent: where the client has gone, its way to the server goes too."""
        if self._client is None:
            self._way.cut()

    def cut(self) -> None:
        """End whatever is under way, a wait for the answer to the whole call included."""
        self._client = None
        self._way.cut()

    def check_wanted(self) -> None:
        """Raise ClientGone when there is nobody to relay for."""
        if not self.is_wanted:
            raise ClientGone

    async def log_in(self) -> Answer | None:
        """Take the step of a login that binds to the connection, with an empty body: nothing is called by it.

        Returns the server's answer where the login is not complete by it; None where the connection is logged in, or
        each request says its own login. Raises UpstreamUnreachable.
        """
        if self._repeats_login:
            return None
        answer = await (await self._way.open()).ask(forwarded(self._request, self._way.target, octets=0))
        if answer.status == 401:
            return answer
        self._opened_for_login = answer.first(b"www-authenticate")
        return None

    async def look_up(self, ids: Sequence[Element]) -> list[Element | None]:
        """The items with these ids, None for those that cannot be seen."""
        body = request_for(ids, self._document, bytes(self._octets[: self._document.before]))
        head = self._own_request(len(body))
        try:
            return found_in(await (await self._way.open()).ask(head, (body,)), len(ids))
        except UpstreamUnreachable:
            self._way.cut()
            return [None] * len(ids)

    def _own_request(self, octets: int) -> h11.Request:
        head = forwarded(self._request, self._way.target, octets=octets, without=self._unsaid | NOT_OURS)
        kind = (b"Content-Type", b"text/xml; charset=utf-8")
        return h11.Request(method=head.method, target=head.target, headers=[*head.headers.raw_items(), kind])

    @property
    def _unsaid(self) -> frozenset[bytes]:
        return frozenset() if self._repeats_login else _LOGIN

    async def revive(self, *, waited: bool) -> None:
        """Before a release: make sure of the connection, after a wait by a new one where the login allows it.

        Raises UpstreamUnreachable; ``login`` where a login was lost with its connection.
        """
        if self._repeats_login:
            is_stale = waited or not self._way.is_ready()
            await (self._way.reopen() if is_stale else self._way.open())
            return
        if waited and (await (await self._way.open()).ask(self._empty())).status == 401:
            raise UpstreamUnreachable("login")

    def _empty(self) -> h11.Request:
        return forwarded(self._request, self._way.target, octets=0, without=_LOGIN)

    async def keep_awake(self, until: asyncio.Event) -> None:
        """While a person decides: IIS closes a connection that is silent for two minutes, and a login with it."""
        while not (self._repeats_login or until.is_set()):
            with suppress(TimeoutError):
                async with asyncio.timeout(AWAKE_SECONDS):
                    await until.wait()
            if not until.is_set():
                with suppress(UpstreamUnreachable):  # which will be found out before the call is sent
                    await (await self._way.open()).ask(self._empty())

    async def send(self) -> Answer:
        """The call, octet for octet, and its answer.

        Raises ReplyLost once the last octet is out, before that UpstreamUnreachable and ClientGone.
        """
        length, last = len(self._octets), max(0, len(self._octets) - AT_ONCE)
        upstream = await self._way.open()
        if not upstream.line.next_cycle():
            raise UpstreamUnreachable("unreachable")
        without = self._unsaid | _NOT_COMPRESSED
        await upstream.send(forwarded(self._request, self._way.target, octets=length, without=without))
        for start in range(0, last, AT_ONCE):
            self.check_wanted()
            await upstream.send(h11.Data(data=bytes(self._octets[start : min(start + AT_ONCE, last)])))
        self.check_wanted()
        self._is_out = True
        try:
            return self._with_login(await self._finish(upstream, bytes(self._octets[last:])))
        except (UpstreamUnreachable, TimeoutError) as error:
            raise ReplyLost from error
        finally:
            self._is_out = False

    async def _finish(self, upstream: Upstream, last: bytes) -> Answer:
        async with asyncio.timeout(FINAL_SECONDS):
            await upstream.send(h11.Data(data=last), h11.EndOfMessage())
            return await upstream.whole()

    def _with_login(self, answer: Answer) -> Answer:
        """Kerberos has the server prove itself in the answer: it did so when it was asked with an empty body."""
        if not self._opened_for_login or answer.first(b"www-authenticate"):
            return answer
        said = (b"WWW-Authenticate", self._opened_for_login)
        return Answer(answer.status, [*answer.headers, said], answer.body, answer.reason)
