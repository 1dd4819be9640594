"""One HTTP/1.1 connection, from either side: h11 over a pair of asyncio streams."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import h11

from sendguard.gate.loopback import has_ended

HEAD_OCTETS = 64 * 1024
"""Of a request's or an answer's head."""
AT_ONCE = 64 * 1024
"""Octets read from a connection at once."""
WRITE_SECONDS = 120.0
"""For the other end to take what it is sent."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer. Its header holds cookies, its body mail: never to be logged."""

    status: int
    headers: Headers = field(default_factory=list, repr=False)
    body: tuple[bytes, ...] = field(default=(), repr=False)
    reason: bytes = b""

    def first(self, name: bytes) -> bytes:
        """The first field of this (lower-case) name; empty where there is none."""
        return next((value for each, value in self.headers if each.lower() == name), b"")


class Ends(asyncio.StreamReaderProtocol):
    """Says at once, whoever is or is not reading, that the other end has closed; closing its sending half counts."""

    def __init__(self, reader: asyncio.StreamReader, ended: Callable[[], None]) -> None:
        super().__init__(reader)
        self.reader = reader  # the protocol itself keeps no hold of it
        self._ended = ended

    def eof_received(self) -> bool | None:
        """Nothing more will come."""
        stays_open = super().eof_received()
        self._ended()
        return stays_open

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is closed, whoever closed it."""
        super().connection_lost(error)
        self._ended()


class Line:
    """``role`` is h11.SERVER towards the client, h11.CLIENT towards the server.

    Whatever is not HTTP raises h11.RemoteProtocolError; a connection that ends raises ConnectionError, or
    RemoteProtocolError in the middle of something; silence raises TimeoutError.
    """

    def __init__(self, role: type[h11.SERVER] | type[h11.CLIENT], protocol: Ends, transport: asyncio.Transport) -> None:
        self._http = h11.Connection(role, max_incomplete_event_size=HEAD_OCTETS)
        self._reader = protocol.reader
        self._writer = asyncio.StreamWriter(transport, protocol, protocol.reader, asyncio.get_running_loop())
        self.transport = transport
        if hasattr(transport, "max_size"):
            transport.max_size = AT_ONCE

    async def receive(self, seconds: float) -> h11.Event | type[h11.PAUSED]:
        """The next event of the other end. ``seconds`` are for each silence."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            async with asyncio.timeout(seconds):
                self._http.receive_data(await self._reader.read(AT_ONCE))
        return event  # type: ignore[return-value]

    async def body(self, seconds: float) -> AsyncIterator[bytes]:
        """What is left of the other end's body, piece by piece."""
        while not isinstance(event := await self.receive(seconds), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise ConnectionAbortedError("no body")
            yield bytes(event.data)

    async def send(self, *events: h11.Event) -> None:
        """Send at once, and wait until the other end takes it."""
        pieces = [piece for event in events for piece in self._http.send_with_data_passthrough(event) or []]
        self._writer.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        async with asyncio.timeout(WRITE_SECONDS):
            await self._writer.drain()

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer. The client's side of the gate only."""
        head = h11.Response(status_code=answer.status, headers=answer.headers, reason=answer.reason)
        await self.send(head, *(h11.Data(data=piece) for piece in answer.body), h11.EndOfMessage())

    @property
    def is_unanswered(self) -> bool:
        """Whether an answer can still be begun."""
        return self._http.our_state in {h11.SEND_RESPONSE, h11.IDLE}

    @property
    def is_heard_out(self) -> bool:
        """Whether the other end's message was read to its end."""
        return self._http.their_state is not h11.SEND_BODY

    def next_cycle(self) -> bool:
        """Be ready for the next request; False when the connection cannot bear one."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Whether either end has closed."""
        return self._reader.at_eof() or self._reader._eof or self._writer.is_closing()  # type: ignore[attr-defined]

    @property
    def is_gone(self) -> bool:
        """Whether either end has closed; asks the system, which knows it before the gate's loop is told."""
        return self.has_ended or has_ended(self.transport.get_extra_info("socket").fileno())

    def close(self) -> None:
        """Close once everything is sent."""
        self._writer.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()
