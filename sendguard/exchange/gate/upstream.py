"""The connection to the Exchange server that belongs to one client connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence

import h11
from h11 import ProtocolError

from sendguard.authorities import HTTP, verifying_context
from sendguard.exchange.gate.heads import Target, returned
from sendguard.exchange.gate.line import Answer, Ends, Line
from sendguard.gate.reaching import mapping_errors
from sendguard.guard.ports import UpstreamUnreachable

CONNECT_SECONDS = 10.0
ASK_SECONDS = 20.0
SILENCE_SECONDS = 1_900.0
"""For an answer to go on: a streaming subscription may be silent for its 30 minutes."""
MOST_ANSWER = 8_000_000
"""Octets of an answer that is read whole: a send's is short, and an item without its attachments is not long."""


class Upstream:
    """An open connection, one request at a time. Raises UpstreamUnreachable wherever it fails."""

    def __init__(self, line: Line) -> None:
        self.line = line

    @classmethod
    async def connect(cls, target: Target, context: ssl.SSLContext | None, ended: Callable[[], None]) -> "Upstream":
        """Connect; ``ended`` is called, once or twice, when the connection has ended."""
        loop = asyncio.get_running_loop()
        verifying = (context or verifying_context(HTTP)) if target.is_tls else None

        def made() -> Ends:
            return Ends(asyncio.StreamReader(loop=loop), ended)

        with mapping_errors(ProtocolError):
            async with asyncio.timeout(CONNECT_SECONDS):
                transport, protocol = await loop.create_connection(made, target.host, target.port, ssl=verifying)
        return cls(Line(h11.CLIENT, protocol, transport))

    async def send(self, *events: h11.Event) -> None:
        """Send a part of a request, or several at once."""
        with mapping_errors(ProtocolError):
            await self.line.send(*events)

    async def head(self) -> h11.Response:
        """The head of the answer, as the client is to get it."""
        with mapping_errors(ProtocolError):
            while not isinstance(event := await self.line.receive(SILENCE_SECONDS), h11.Response):
                if not isinstance(event, h11.InformationalResponse):
                    raise ConnectionResetError("no answer")
            return returned(event)

    async def body(self) -> AsyncIterator[bytes]:
        """The body of the answer."""
        with mapping_errors(ProtocolError):
            async for piece in self.line.body(SILENCE_SECONDS):
                yield piece

    async def whole(self) -> Answer:
        """The answer, read to its end and ready for the next request where the server is."""
        head, pieces, octets = await self.head(), [], 0
        async for piece in self.body():
            pieces.append(piece)
            octets += len(piece)
            if octets > MOST_ANSWER:
                raise UpstreamUnreachable("answer_too_large")
        return Answer(head.status_code, head.headers.raw_items(), tuple(pieces), head.reason)

    async def ask(self, request: h11.Request, body: Sequence[bytes] = ()) -> Answer:
        """A small request of our own and its whole answer."""
        if not self.line.next_cycle():
            raise UpstreamUnreachable("unreachable")
        with mapping_errors(ProtocolError):
            async with asyncio.timeout(ASK_SECONDS):
                await self.send(request, *(h11.Data(data=piece) for piece in body), h11.EndOfMessage())
                return await self.whole()

    def abort(self) -> None:
        """Close without a word."""
        self.line.abort()
