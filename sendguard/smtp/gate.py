"""The SMTP gate of one account: a submission server on loopback, on a thread of its own."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

from sendguard.gate.limits import GateLimits
from sendguard.gate.peers import Peers, peers_here
from sendguard.gate.serving import Gate
from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.smtp import replies
from sendguard.smtp.dialogue import Dialogue, Service
from sendguard.smtp.passage import Passage
from sendguard.smtp.server import Busy, GateProtocol, silence_aiosmtpd
from sendguard.wording.sentences import Sentences

MOST_CLIENTS = 8
THREADS = MOST_CLIENTS
"""For the gatekeeper, who may wait for a directory and for the disk."""
LAST_WAIT = 3.0
"""Seconds a stopping gate gives upstream to answer a final dot that is out; then the message is *unknown*."""


class SmtpGate(Gate):
    """Stands between mail clients and an account's submission server.

    Not to be started twice. ``account.smtp`` and ``account.gate_port`` are needed; ValueError without them.
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
        if account.smtp is None or not account.gate_port:
            raise ValueError("a gate needs a submission server and a port")
        peers = peers or peers_here()
        super().__init__("smtp-gate", account.name, account.gate_port, gatekeeper, peers, THREADS)
        self.account = account
        self._service = Service(
            account=account,
            server=account.smtp,
            context=context,
            passage=Passage(gatekeeper, intake, sentences, limits, self._executor),
            sentences=sentences,
            limits=limits,
            peers=peers,
        )
        self._clients: set[GateProtocol] = set()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def start(self) -> None:
        """Listen and serve. Raises GateNotStarted: the gate never takes another port than the account's."""
        silence_aiosmtpd()
        super().start()

    async def _end_clients(self) -> None:
        await self._service.passage.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WAIT):
                while any(client.waits for client in self._clients):
                    await asyncio.sleep(0.01)
        for client in tuple(self._clients):
            client.drop()
        while self._clients:  # each says goodbye to its dialogue in the loop's next round
            await asyncio.sleep(0)
        sending = self._service.passage.sending
        if sending:
            await asyncio.wait(sending, timeout=LAST_WAIT)
        for relay in list(self._service.relays):
            relay.cut()
        if sending:
            await asyncio.wait(sending)

    def _client(self) -> asyncio.Protocol:
        if len(self._clients) >= MOST_CLIENTS:
            return Busy(replies.too_many_connections(self._service.sentences.catalogue))
        client = GateProtocol(Dialogue(self._service), self._clients.discard, asyncio.get_running_loop())
        self._clients.add(client)
        return client
