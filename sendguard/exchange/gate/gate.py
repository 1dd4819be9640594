"""The EWS gate of one account: an HTTP server on loopback, on a thread of its own."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

import h11

from sendguard.exchange.gate.conversation import Conversation, Service
from sendguard.exchange.gate.heads import Target, plain
from sendguard.exchange.gate.line import Ends, Line
from sendguard.exchange.gate.passage import Passage
from sendguard.gate.limits import GateLimits
from sendguard.gate.peers import Peers, peers_here
from sendguard.gate.serving import Gate
from sendguard.gate.sockdiag import Endpoint
from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.wording.sentences import Sentences

MOST_CLIENTS = 16
THREADS = 8
"""For the gatekeeper, who may wait for a directory and for the disk."""
LAST_WAIT = 3.0
"""Seconds a stopping gate gives the server to answer a call that is out; then its message is *unknown*."""


class EwsGate(Gate):
    """Stands between EWS clients and an account's Exchange server.

    Not to be started twice. ``account.exchange`` and ``account.ews_gate_port`` are needed; ValueError without them.
    """

    def __init__(
        self,
        account: Account,
        gatekeeper: Gatekeeper,
        intake: Intake,
        sentences: Sentences,
        limits: Callable[[], GateLimits] = GateLimits,
        *,
        peers: Peers | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if account.exchange is None or not account.ews_gate_port:
            raise ValueError("a gate needs an Exchange server and a port")
        peers = peers or peers_here()
        super().__init__("ews-gate", account.name, account.ews_gate_port, gatekeeper, peers, THREADS)
        self.account = account
        self._service = Service(
            account=account,
            port=self.port,
            target=Target.of(account.exchange.url),
            context=context,
            passage=Passage(gatekeeper, intake, sentences, limits, self._executor),
            sentences=sentences,
            limits=limits,
        )
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def _end_clients(self) -> None:
        sending, clients = self._service.passage.sending, tuple(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        if sending:
            await asyncio.wait(sending, timeout=LAST_WAIT)
        for relay in list(self._service.relays):
            relay.cut()
        while sending:
            await asyncio.wait(sending)

    def _client(self) -> asyncio.Protocol:
        return Entrance(self._admit)

    def _admit(self, protocol: "Entrance", transport: asyncio.Transport) -> asyncio.Task[None]:
        line = Line(h11.SERVER, protocol, transport)
        near, far = (Endpoint(*transport.get_extra_info(end)[:2]) for end in ("sockname", "peername"))
        if not self._peers.is_own(near, far):
            serving = self._turn_away(line, 403, "SendGuard's gate serves the user who started it, and no other.")
        elif len(self._clients) >= MOST_CLIENTS:
            serving = self._turn_away(line, 503, "SendGuard's gate serves no more connections at once.")
        else:
            serving = Conversation(self._service, line).run()
        task = asyncio.get_running_loop().create_task(serving)
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)
        return task

    async def _turn_away(self, line: Line, status: int, words: str) -> None:
        with suppress(h11.ProtocolError, OSError):
            await line.answer(plain(status, words))
        line.close()


class Entrance(Ends):
    """A client's connection: a task of its own from the first moment, cancelled when the client has gone."""

    def __init__(self, admit: Callable[["Entrance", asyncio.Transport], asyncio.Task[None]]) -> None:
        super().__init__(asyncio.StreamReader(), self._gone)
        self._admit = admit
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            self._task = self._admit(self, transport)

    def _gone(self) -> None:
        if self._task is not None:
            self._task.cancel()
