"""A gate as a server: it listens on its one loopback port, on a thread and a loop of its own, until it is stopped."""

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from socket import socket
from typing import Any

from sendguard.gate.loopback import GateNotStarted, listen
from sendguard.gate.peers import Peers
from sendguard.guard.gatekeeper import Gatekeeper

log = logging.getLogger(__name__)


class GateState(StrEnum):
    """Whether mail passes."""

    STOPPED = "stopped"
    RUNNING = "running"
    FAILED = "failed"
    """It ended by a fault of its own. Nothing passes: mail clients are told that the server cannot be reached."""


class Gate(ABC):
    """What every gate does alike. Not to be started twice. ``executor`` is for the gatekeeper, who may wait."""

    def __init__(self, name: str, account: str, port: int, gatekeeper: Gatekeeper, peers: Peers, threads: int) -> None:
        self.port = port
        self.state = GateState.STOPPED
        self._name = name
        self._account = account
        self._gatekeeper = gatekeeper
        self._peers = peers
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    @abstractmethod
    def _client(self) -> asyncio.Protocol:
        """Serve another client; on the gate's loop."""

    @abstractmethod
    async def _end_clients(self) -> None:
        """Close every connection; what is out upstream gets a short wait."""

    def start(self) -> None:
        """Listen and serve. Raises GateNotStarted: the gate never takes another port than the account's."""
        listening = listen(self.port, self._peers)
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening, ready), name=self._name, daemon=True)
        self._thread.start()
        ready.wait()
        if self.state is not GateState.RUNNING:
            raise GateNotStarted("gate_failed", self.port)

    def stop(self) -> None:
        """Close every connection. Open questions are withdrawn; what is out upstream gets a short wait."""
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
            self._gatekeeper.trouble("gate_failed", self._account)
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
        await self._end_clients()


def _log_type_only(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What goes wrong outside a client's dialogue; a connection that ends in the middle of a reply is nothing wrong."""
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        log.error("gate: %s", type(error).__name__)
