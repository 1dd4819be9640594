"""An EWS gate between a client and the test Exchange, or an upstream of our own making."""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from exchangelib import BASIC, DELEGATE, UTC, Build, Configuration, Credentials, Mailbox, Message, Version
from exchangelib import Account as Box
from exchangelib.protocol import CachingProtocol

from sendguard.exchange.gate.gate import EwsGate
from sendguard.gate.limits import GateLimits
from sendguard.gate.loopback import choose_port
from sendguard.gate.peers import Peers
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Answer
from sendguard.mail.submission import Hook
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.fakes import Guard

ME = "anna@practice.test"
PASSWORD = "pass word"
SENTENCES = Sentences(Catalogue.for_language("en"))
PATH = "/EWS/Exchange.asmx"


@dataclass
class Rig:
    """A gate with its guard; ``limits`` are read anew at every call."""

    guard: Guard
    account: Account
    gate: EwsGate
    limits: GateLimits = field(default_factory=GateLimits)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gate.port}{PATH}"

    def doing(self, act: Any, *arguments: Any, **keywords: Any) -> "Future[Any]":
        """Do something on another thread."""
        return self.pool.submit(act, *arguments, **keywords)

    def answer(self, answer: Answer = Answer.SEND) -> None:
        """Answer the question on the screen, once there is one."""
        question = self.guard.asker.question()
        self.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)

    def states(self) -> list[str]:
        """The states of the ledger's rows, oldest first."""
        return [row.state.value for row in reversed(self.guard.ledger.history())]  # type: ignore[attr-defined]


@contextlib.contextmanager
def rig(
    url: str,
    guard: Guard | None = None,
    *,
    limits: GateLimits | None = None,
    peers: Peers | None = None,
    context: Any = None,
) -> Iterator[Rig]:
    guard = guard or Guard()
    account = Account("Practice", (ME,), exchange=ExchangeServer(url, Login.BASIC, ME), ews_gate_port=choose_port())
    made: list[Rig] = []
    gate = EwsGate(
        account,
        guard.gatekeeper,
        Intake(account, Hook.EWS_GATE),
        SENTENCES,
        lambda: made[0].limits,
        peers=peers,
        context=context,
    )
    made.append(Rig(guard, account, gate, limits or GateLimits()))
    gate.start()
    try:
        yield made[0]
    finally:
        gate.stop()
        made[0].pool.shutdown()


@contextlib.contextmanager
def program(url: str, address: str = ME, password: str = PASSWORD, auth_type: str = BASIC) -> Iterator[Box]:
    """A mail program with this account: exchangelib's, which knows nothing of any gate."""
    configuration = Configuration(
        service_endpoint=url,
        credentials=Credentials(address, password),
        auth_type=auth_type,
        version=Version(build=Build(15, 2)),
        max_connections=4,
    )
    box = Box(address, config=configuration, access_type=DELEGATE, default_timezone=UTC, locale="en_US")
    try:
        yield box
    finally:
        box.protocol.close()
        CachingProtocol.clear_cache()


def message(box: Box, *to: str, subject: str = "test", body: str = "Hello", **fields: Any) -> Message:
    """A new message of this account, written nowhere yet."""
    boxes = [Mailbox(email_address=address) for address in to or ("big@lists.test",)]
    return Message(account=box, subject=subject, body=body, to_recipients=boxes, **fields)


class Client:
    """Speaks HTTP octet by octet."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.port = port

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
