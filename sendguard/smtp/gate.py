"""The SMTP gate of one account: a submission server on loopback, on a thread of its own."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from socket import socket
from typing import Any

from sendguard.gate.limits import GateLimits
from sendguard.gate.loopback import GateNotStarted, listen
from sendguard.gate.peers import Peers, peers_here
from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.smtp import replies
from sendguard.smtp.dialogue import Dialogue, Service
from sendguard.smtp.passage import Passage
from sendguard.smtp.server import Busy, GateProtocol, silence_aiosmtpd
from sendguard.wording.sentences import Sentences

log = logging.getLogger(__name__)

MOST_CLIENTS = 8
THREADS = MOST_CLIENTS
"""For the gatekeeper, who may wait for a directory and for the disk."""
LAST_WAIT = 3.0
"""Seconds a stopping gate gives upstream to answer a final dot that is out; then the message is *unknown*."""


class GateState(StrEnum):
    """Whether mail passes."""

    STOPPED = "stopped"
    RUNNING = "running"
    FAILED = "failed"
    """It ended by a fault of its own. Nothing passes: mail clients are told that the server cannot be reached."""


class SmtpGate:
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
        self.account = account
        self.port = account.gate_port
        self.state = GateState.STOPPED
        self._gatekeeper = gatekeeper
        self._peers = peers or peers_here()
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="smtp-gate")
        self._service = Service(
            account=account,
            server=account.smtp,
            context=context,
            passage=Passage(gatekeeper, intake, sentences, limits, self._executor),
            sentences=sentences,
            limits=limits,
            peers=self._peers,
        )
        self._clients: set[GateProtocol] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def start(self) -> None:
        """Listen and serve. Raises GateNotStarted: the gate never takes another port than the account's."""
        silence_aiosmtpd()
        listening = listen(self.port, self._peers)
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening, ready), name="smtp-gate", daemon=True)
        self._thread.start()
        ready.wait()
        if self.state is not GateState.RUNNING:
            raise GateNotStarted("gate_failed", self.port)

    def stop(self) -> None:
        """Close every connection. Open questions are withdrawn; a final dot that is out gets a short wait."""
        if self._loop is not None and self._thread is not None:
            with suppress(RuntimeError):  # it has ended before
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._executor.shutdown()

    def _run(self, listening: list[socket], ready: threading.Event) -> None:
        """The gate's thread."""
        try:
            asyncio.run(self._serve(listening, ready))
            self.state = GateState.STOPPED
        except Exception as error:
            log.error("gate ended by %s", type(error).__name__)  # noqa: TRY400
            self.state = GateState.FAILED
            self._gatekeeper.trouble("gate_failed", self.account.name)
        finally:
            for each in listening:
                each.close()
            ready.set()

    async def _serve(self, listening: list[socket], ready: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_type_only)
        servers = [await loop.create_server(self._client, sock=each) for each in listening]
        self._loop = loop
        self.state = GateState.RUNNING
        ready.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
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


def _log_type_only(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What goes wrong outside a dialogue; a connection that ends in the middle of a reply is nothing wrong."""
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        log.error("gate: %s", type(error).__name__)
