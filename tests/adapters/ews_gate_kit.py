"""An EWS gate between a client and the test Exchange, or an upstream of our own making."""

import contextlib
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import h11
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
BASIC_LOGIN = "Basic " + b64encode(f"{ME}:{PASSWORD}".encode()).decode()
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"


def envelope(call: str) -> bytes:
    """A call in SOAP 1.1; ``m:`` and ``t:`` are EWS's namespaces."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        f' xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><s:Header><t:RequestServerVersion Version="Exchange2013"/></s:Header>'
        f"<s:Body>{call}</s:Body></s:Envelope>"
    ).encode()


def send_only(mime: bytes, more: str = "", disposition: str = "SendOnly") -> bytes:
    """The call by which Thunderbird sends."""
    content = f"<t:MimeContent>{b64encode(mime).decode()}</t:MimeContent>{more}"
    items = f"<m:Items><t:Message>{content}</t:Message></m:Items>"
    return envelope(f'<m:CreateItem MessageDisposition="{disposition}">{items}</m:CreateItem>')


def mime(*lines: str, to: str = "big@lists.test", subject: str = "test", sender: str = ME) -> bytes:
    head = [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    return "\r\n".join((*head, "", *(lines or ("Hello",)), "")).encode()


FIND = envelope('<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>'
                '<t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>')  # fmt: skip


def message_answer(operation: str, *codes: str) -> bytes:
    """What a server says to a call: one message each, NoError for one that worked."""
    messages = "".join(
        f'<m:{operation}ResponseMessage ResponseClass="{"Success" if code == "NoError" else "Error"}">'
        f"<m:ResponseCode>{code}</m:ResponseCode></m:{operation}ResponseMessage>"
        for code in codes
    )
    return envelope(
        f"<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"
    )


CUT = b""
"""An answer that is none: the connection is closed."""


@dataclass
class Asked:
    """A request as the upstream got it."""

    connection: int
    head: h11.Request
    body: bytes

    def first(self, name: str) -> str:
        return dict(self.head.headers).get(name.encode(), b"").decode()


@dataclass
class Upstream:
    """A web server that does as it is told: ``answers`` (heads and bodies as octets, or CUT) are given in turn.

    Once none is left, a send has worked. It reads nothing while ``reading`` is clear, and answers nothing while
    ``answering`` is.
    """

    answers: list[bytes] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    octets: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{PATH}"
        self.changed = threading.Condition()
        self.connections: list[socket.socket] = []
        self.reading, self.answering = threading.Event(), threading.Event()
        self.reading.set()
        self.answering.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_for(self, condition: Any, seconds: float = 10) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), self.asked

    def hang_up(self, *, reset: bool = False) -> None:
        """Close every connection."""
        for each in self.connections:
            with contextlib.suppress(OSError):
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reading.set()
        self.answering.set()
        self.hang_up()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections.append(client)
                threading.Thread(target=self._serve, args=(client, len(self.connections)), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with client, contextlib.suppress(OSError, h11.RemoteProtocolError):
            http = h11.Connection(h11.SERVER)
            while (request := self._request(client, http, number)) is not None:
                with self.changed:
                    self.asked.append(request)
                    self.changed.notify_all()
                self.answering.wait(10)
                answer = self.answers.pop(0) if self.answers else answered(message_answer("CreateItem", "NoError"))
                client.sendall(answer)
                if answer is CUT or b"Connection: close" in answer:
                    return
                http = h11.Connection(h11.SERVER)

    def _request(self, client: socket.socket, http: h11.Connection, number: int) -> Asked | None:
        head, body = None, bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                self.reading.wait(10)
                http.receive_data(client.recv(1 << 16))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                with self.changed:
                    self.octets += len(event.data)
                    self.changed.notify_all()
            else:
                return Asked(number, head, bytes(body)) if head is not None else None


def answered(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    """An answer's octets."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join((*lines, "", "")).encode() + body


class Client:
    """Speaks HTTP octet by octet."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.http = h11.Connection(h11.CLIENT)
        self.port = port

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def head(
        self, octets: int | None, *fields: str, start: str = f"POST {PATH} HTTP/1.1", login: str = BASIC_LOGIN
    ) -> bytes:
        lines = [
            start,
            *([] if any(each.lower().startswith("host:") for each in fields) else [f"Host: 127.0.0.1:{self.port}"]),
        ]
        lines += [f"Authorization: {login}"] if login else []
        if octets is not None:
            kind = (
                []
                if any(each.lower().startswith("content-type:") for each in fields)
                else ["Content-Type: text/xml; charset=utf-8"]
            )
            lines += [*kind, f"Content-Length: {octets}"]
        return "\r\n".join((*lines, *fields, "", "")).encode()

    def post(self, body: bytes, *fields: str, login: str = BASIC_LOGIN) -> tuple[int, bytes]:
        """A whole call and its answer."""
        self.socket.sendall(self.head(len(body), *fields, login=login) + body)
        return self.answer()

    def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body; 0 where the gate has closed instead."""
        self.http = h11.Connection(h11.CLIENT)
        self.http.send(h11.Request(method="POST", target="/", headers=[("Host", "x")]))
        self.http.send(h11.EndOfMessage())
        self.fields: list[tuple[bytes, bytes]] = []
        status, body = 0, bytearray()
        with contextlib.suppress(ConnectionResetError, h11.RemoteProtocolError):
            while not isinstance(event := self.http.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
                if event is h11.NEED_DATA:
                    self.http.receive_data(self.socket.recv(1 << 16))
                elif isinstance(event, h11.Response):
                    status, self.fields = event.status_code, event.headers.raw_items()
                elif isinstance(event, h11.Data):
                    body += event.data
        return status, bytes(body)

    def is_closed(self) -> bool:
        """Wait for the gate to close."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


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

    def client(self) -> Client:
        return Client(self.gate.port)

    def post(self, body: bytes, *fields: str, login: str = BASIC_LOGIN) -> tuple[int, bytes]:
        """One call on a connection of its own."""
        with self.client() as client:
            return client.post(body, *fields, login=login)

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
    intake = Intake(account, Hook.EWS_GATE)
    gate = EwsGate(account, guard.gatekeeper, intake, SENTENCES, lambda: made[0].limits, peers=peers, context=context)
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


def boxes(*addresses: str) -> list[Mailbox]:
    return [Mailbox(email_address=address) for address in addresses]


def message(box: Box, *to: str, subject: str = "test", body: str = "Hello", **fields: Any) -> Message:
    """A new message of this account, written nowhere yet."""
    return Message(account=box, subject=subject, body=body, to_recipients=boxes(*to or ("big@lists.test",)), **fields)
