"""A TCP proxy between a client and a server that breaks the connection at a moment a test chooses.

Knows nothing of TLS: to choose a stage of SMTP, the connection through it has to be in plain text.
"""

import asyncio
import contextlib
import enum
import re
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from tests.servers.processes import LOOPBACK, free_port

Result = TypeVar("Result")

_CHUNK = 65536
# How much of what was said before is kept, so that a pattern is found across two chunks.
_TAIL = 4096


class Break(enum.Enum):
    """What happens to the connection, as the client sees it."""

    CLOSE = "closed in good order (FIN)"
    RESET = "reset (RST)"
    HALF_CLOSE = "the server side says nothing more, but still listens"
    STALL = "open, but nothing passes any more"
    GARBAGE = "bytes that belong to no protocol come instead of the reply; then closed"
    TRUNCATE = "the first half of the reply comes; then closed"
    DELAY = "the reply comes, later"


@dataclass(frozen=True)
class ClientSays:
    """The moment after the client's words matching ``pattern`` reached the server.

    The server's reply to them is waited for and never passed on, so what was asked has been done. With
    ``at_once`` the break does not wait for a reply, and nothing after the matching words reaches the server.
    """

    pattern: bytes
    at_once: bool = False


@dataclass(frozen=True)
class ServerSays:
    """The moment when the server says something that matches ``pattern``; none of that chunk is passed on."""

    pattern: bytes


@dataclass(frozen=True)
class ClientBytes:
    """The moment after this many bytes from the client reached the server."""

    count: int


_Moment: TypeAlias = ClientSays | ServerSays | ClientBytes


class Stage(enum.Enum):
    """The stages of one SMTP submission; the command has reached the server, its reply does not come back."""

    CONNECT = None  # before the server has been asked at all
    BANNER = ServerSays(rb"^220")
    EHLO = ClientSays(rb"(?im)^(EHLO|HELO) [^\n]*\n")
    AUTH = ClientSays(rb"(?im)^AUTH [^\n]*\n")
    MAIL = ClientSays(rb"(?im)^MAIL FROM:[^\n]*\n")
    RCPT = ClientSays(rb"(?im)^RCPT TO:[^\n]*\n")
    DATA = ClientSays(rb"(?im)^DATA\r\n")
    MIDDLE_OF_DATA = ClientSays(rb"(?im)^DATA\r\n(?s:.{64})", at_once=True)
    FINAL_DOT = ClientSays(rb"\r\n\.\r\n")  # the server has taken the message over


@dataclass(frozen=True)
class Fault:
    """``how`` the connection breaks and ``when``, for the first ``times`` connections that come so far (None: all).

    ``seconds`` is how long a DELAY lasts.
    """

    when: Stage | _Moment
    how: Break = Break.CLOSE
    times: int | None = 1
    seconds: float = 0.5


class FaultProxy:
    """Listens on ``port`` and passes everything on to ``upstream_port``, until a fault is injected.

    ``connections`` counts what clients opened, ``struck`` how often a fault happened. With ``record``, what clients
    said lies in ``said_by_clients``, a connection after the other, in the order of their opening.
    """

    def __init__(self, upstream_port: int, *, record: bool = False) -> None:
        """Prepare; ``start`` or a with-block opens the port."""
        self.upstream_port = upstream_port
        self.port = free_port()
        self.connections = 0
        self.struck = 0
        self.said_by_clients: list[bytearray] = []
        self.record = record
        self.fault: Fault | None = None
        self._left: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self.links: set[_Link] = set()
        self.healed = asyncio.Event()

    def __enter__(self) -> "FaultProxy":
        """Open the port."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        self.stop()

    def start(self) -> None:
        """Open the port."""
        self._thread.start()
        self.accept()

    def stop(self) -> None:
        """Close the port and every connection, and end the proxy's thread."""
        self._run(self._shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def inject(
        self,
        when: Stage | _Moment,
        how: Break = Break.CLOSE,
        *,
        times: int | None = 1,
        seconds: float = 0.5,
    ) -> None:
        """Let the next connection that comes so far break; replaces the fault injected before."""

        async def set_fault() -> None:
            self.fault, self._left = Fault(when, how, times, seconds), times
            self.healed.clear()

        self._run(set_fault())

    def heal(self) -> None:
        """Inject nothing more, and let stalled connections go on."""

        async def unset() -> None:
            self.fault = None
            self.healed.set()

        self._run(unset())

    def refuse(self) -> None:
        """Close the port: new connections are refused, open ones live on."""
        self._run(self._stop_listening())

    def accept(self) -> None:
        """Open the port again."""
        self._run(self._listen())

    def cut(self, how: Break = Break.CLOSE) -> None:
        """Break every open connection now, by CLOSE or RESET."""

        async def cut_all() -> None:
            for link in list(self.links):
                link.drop(how)

        self._run(cut_all())

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port, limit=_CHUNK)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _shut_down(self) -> None:
        await self._stop_listening()
        self.healed.set()
        links = list(self.links)
        for link in links:
            link.drop(Break.CLOSE)
        # Not cancelled: Python before 3.11.8 logs an error for every connection's task that is.
        tasks: set[asyncio.Future[Any]] = {t for t in asyncio.all_tasks() if t is not asyncio.current_task()}
        tasks |= {asyncio.ensure_future(link.closed()) for link in links}
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        self.connections += 1
        said = bytearray()
        self.said_by_clients.append(said)
        if self.fault is not None and self.fault.when is Stage.CONNECT and self.take(self.fault):
            link = _Link(self, client_in, client_out, None, None, said)
            self.links.add(link)
            await link.run(link.break_at_once(self.fault))
            return
        try:
            server_in, server_out = await asyncio.open_connection(LOOPBACK, self.upstream_port, limit=_CHUNK)
        except OSError:
            client_out.close()
            return
        link = _Link(self, client_in, client_out, server_in, server_out, said)
        self.links.add(link)
        await link.run(link.client_to_server(), link.server_to_client())

    def take(self, fault: Fault) -> bool:
        """Use one of the fault's times up; tell whether there was one."""
        if self.fault is not fault or self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        self.struck += 1
        return True


class _Link:
    """One client's connection and the one to the server that belongs to it. Lives on the proxy's loop."""

    def __init__(
        self,
        proxy: FaultProxy,
        client_in: asyncio.StreamReader,
        client_out: asyncio.StreamWriter,
        server_in: asyncio.StreamReader | None,
        server_out: asyncio.StreamWriter | None,
        said: bytearray,
    ) -> None:
        self._proxy = proxy
        self._client_in, self._client_out = client_in, client_out
        self._server_in, self._server_out = server_in, server_out
        self._said = said
        self._tail = b""
        self._sent = 0
        self._awaits_reply: Fault | None = None
        self._muted = self._deaf = False

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Do all of ``work``, and close both sides when the first part of it ends."""
        tasks = [asyncio.ensure_future(part) for part in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.drop(Break.CLOSE)

    def drop(self, how: Break) -> None:
        """Close both sides, the client's with a reset when asked to."""
        self._proxy.links.discard(self)
        if how is Break.RESET:
            linger = struct.pack("ii", 1, 0)
            self._client_out.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._client_out.transport.abort()
        for writer in (self._client_out, self._server_out):
            if writer is not None:
                writer.close()

    async def closed(self) -> None:
        """Wait until both sides are closed."""
        for writer in (self._client_out, self._server_out):
            if writer is not None:
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def break_at_once(self, fault: Fault) -> None:
        """Break a connection whose server was never asked; what the client still says goes nowhere."""
        with contextlib.suppress(ConnectionError):
            if await self.strike(fault):
                await self.client_to_server()

    async def client_to_server(self) -> None:
        """Pass on what the client says, until it ends or the fault's moment has come."""
        with contextlib.suppress(ConnectionError):
            while chunk := await self._client_in.read(_CHUNK):
                if self._proxy.record:
                    self._said += chunk
                if not await self._pass_on(chunk, self._proxy.fault):
                    return
            if self._server_out is not None and not self._server_out.is_closing():
                self._server_out.write_eof()
                await asyncio.Event().wait()  # the server may still have something to say

    async def server_to_client(self) -> None:
        """Pass on what the server says, but for the reply a fault swallows."""
        assert self._server_in is not None
        with contextlib.suppress(ConnectionError):
            while chunk := await self._server_in.read(_CHUNK):
                fault = self._awaits_reply or self._fault_of_server(chunk)
                self._awaits_reply = None
                if fault is not None and self._proxy.take(fault):
                    if not await self.strike(fault, chunk):
                        return
                elif not self._muted:
                    self._client_out.write(chunk)
                    await self._client_out.drain()

    async def strike(self, fault: Fault, reply: bytes = b"") -> bool:
        """Break the connection as ``fault`` says; ``reply`` is what the server had answered.

        Returns whether the connection goes on after that.
        """
        match fault.how:
            case Break.CLOSE | Break.RESET:
                self.drop(fault.how)
                return False
            case Break.HALF_CLOSE:
                self._muted = True
                self._client_out.write_eof()
                return True
            case Break.STALL:
                await self._proxy.healed.wait()
                self._client_out.write(reply)
            case Break.DELAY:
                await asyncio.sleep(fault.seconds)
                self._client_out.write(reply)
            case Break.GARBAGE:
                self._client_out.write(b"\x00\xff\x16\x03garbage\r\n" * 3)
            case Break.TRUNCATE:
                self._client_out.write(reply[: len(reply) // 2])
        await self._client_out.drain()
        return fault.how in (Break.STALL, Break.DELAY)

    async def _pass_on(self, chunk: bytes, fault: Fault | None) -> bool:
        """Give the server ``chunk``, or as much of it as it gets before a fault; tell whether to go on."""
        moment = _moment(fault)
        end = self._end_of_moment(chunk, moment)
        if fault is None or end is None:
            await self._to_server(chunk)
            return True
        if isinstance(moment, ClientSays) and not moment.at_once:
            self._awaits_reply = fault  # before the words go out: the reply may be quick
            await self._to_server(chunk)
            return True
        await self._to_server(chunk[:end])
        if self._proxy.take(fault):
            if not await self.strike(fault):
                return False
            self._deaf = fault.how is Break.HALF_CLOSE
        await self._to_server(chunk[end:])
        return True

    async def _to_server(self, chunk: bytes) -> None:
        self._sent += len(chunk)
        self._tail = (self._tail + chunk)[-_TAIL:]
        if self._server_out is not None and not self._deaf:
            self._server_out.write(chunk)
            await self._server_out.drain()

    def _end_of_moment(self, chunk: bytes, moment: _Moment | None) -> int | None:
        """Return how much of ``chunk`` the server gets before the fault's moment, None when it is not in there."""
        if isinstance(moment, ClientBytes):
            return moment.count - self._sent if self._sent < moment.count <= self._sent + len(chunk) else None
        if isinstance(moment, ClientSays):
            for found in re.finditer(moment.pattern, self._tail + chunk):
                if found.end() > len(self._tail):
                    return found.end() - len(self._tail)
        return None

    def _fault_of_server(self, chunk: bytes) -> Fault | None:
        fault = self._proxy.fault
        moment = _moment(fault)
        return fault if isinstance(moment, ServerSays) and re.search(moment.pattern, chunk) else None


def _moment(fault: Fault | None) -> _Moment | None:
    if fault is None:
        return None
    return fault.when.value if isinstance(fault.when, Stage) else fault.when
