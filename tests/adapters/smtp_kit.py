"""A gate between a client and an upstream of our own making, for the tests of ``sendguard.smtp``."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from sendguard.gate.limits import GateLimits
from sendguard.gate.loopback import choose_port
from sendguard.gate.peers import Peers
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Answer
from sendguard.mail.submission import Hook
from sendguard.smtp.gate import SmtpGate
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.fakes import Guard

ME = "anna@practice.test"
PASSWORD = "pässword"
CUT = None
FEATURES = ("SIZE 20000000", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "AUTH PLAIN LOGIN CRAM-MD5")
SENTENCES = Sentences(Catalogue.for_language("en"))


def message(*lines: str, subject: str = "test", agent: str = "", to: str = "big@lists.test") -> bytes:
    head = [f"From: {ME}", f"To: {to}", f"Subject: {subject}"]
    head += [f"User-Agent: {agent}"] if agent else []
    return "\r\n".join((*head, "", *(lines or ("Hello",)), "")).encode()


@dataclass
class Delivered:
    mail: str
    rcpts: list[str]
    content: bytes


@dataclass
class Upstream:
    """A submission server that does as it is told. ``answers`` go before the usual ones; CUT closes instead.

    The steps are CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA (the command), BODY (once some of it has come), DOT,
    RSET, NOOP, QUIT.
    """

    features: tuple[str, ...] = FEATURES
    answers: dict[str, str | None] = field(default_factory=dict)
    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    said: list[str] = field(default_factory=list)
    messages: list[Delivered] = field(default_factory=list)
    body_octets: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.changed = threading.Condition()
        self.open_sockets: list[socket.socket] = []
        self.paused = threading.Event()  # set: answers to the final dot flow
        self.paused.set()
        self.reading = threading.Event()  # set: content is read as it comes
        self.reading.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def server(self, security: Security = Security.PLAIN, host: str = "127.0.0.1", user: str = "") -> Server:
        return Server(host, self.port, security, user)

    def wait_for(self, condition: object, seconds: float = 10) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), self.said  # type: ignore[arg-type]

    def verbs(self) -> list[str]:
        return [line.split()[0].upper() for line in self.said]

    def hang_up(self) -> None:
        """Close every connection, as a server does that has waited long enough."""
        for each in self.open_sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.paused.set()
        self.hang_up()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        talk = None
        with contextlib.suppress(OSError, _Closed):
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                client.do_handshake()
            self.open_sockets.append(client)
            talk = _Talk(self, client)
            talk.run()
        (talk.client if talk else client).close()


class _Closed(Exception):
    pass


class _Talk:
    def __init__(self, upstream: Upstream, client: socket.socket) -> None:
        self.upstream = upstream
        self.client = client
        self.stream = client.makefile("rb")
        self.mail = ""
        self.rcpts: list[str] = []

    def run(self) -> None:
        with self.upstream.changed:
            self.upstream.connections += 1
            self.upstream.changed.notify_all()
        self.reply("CONNECT", "220 upstream ESMTP")
        while line := self.stream.readline():
            text = line.decode("utf-8", "replace").strip()
            with self.upstream.changed:
                self.upstream.said.append(text)
                self.upstream.changed.notify_all()
            self.step(text.split()[0].upper() if text else "", text)

    def reply(self, step: str, usual: str) -> str:
        answer = self.upstream.answers.get(step, usual)
        if answer is CUT:
            raise _Closed
        self.client.sendall(answer.replace("\n", "\r\n").encode() + b"\r\n")
        return answer

    def step(self, verb: str, text: str) -> None:
        if verb == "EHLO":
            features = list(self.upstream.features) + (["STARTTLS"] if self.upstream.starttls else [])
            self.reply("EHLO", "\n".join(f"250-{each}" for each in ["upstream", *features]) + "\n250 HELP")
        elif verb == "STARTTLS":
            self.reply("STARTTLS", "220 go")
            if self.upstream.starttls:
                self.client = self.upstream.starttls.wrap_socket(
                    self.client, server_side=True, do_handshake_on_connect=False
                )
                self.upstream.open_sockets.append(self.client)
                self.client.do_handshake()
                self.stream = self.client.makefile("rb")
        elif verb == "AUTH":
            if text.upper() == "AUTH LOGIN":
                for challenge in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
                    self.client.sendall(f"334 {challenge}\r\n".encode())
                    with self.upstream.changed:
                        self.upstream.said.append(f"AUTH+ {self.stream.readline().decode().strip()}")
            self.reply("AUTH", "235 2.7.0 welcome")
        elif verb == "MAIL":
            self.mail, self.rcpts = text, []
            self.reply("MAIL", "250 2.1.0 sender ok")
        elif verb == "RCPT":
            if self.reply(text if text in self.upstream.answers else "RCPT", "250 2.1.5 recipient ok").startswith("2"):
                self.rcpts.append(text)
        elif verb == "DATA":
            if self.reply("DATA", "354 go ahead").startswith("354"):
                self.body()
        elif verb == "QUIT":
            self.reply("QUIT", "221 bye")
            raise _Closed
        else:
            self.reply(verb, "250 2.0.0 ok")

    def body(self) -> None:
        content = bytearray(b"\r\n")
        self.upstream.reading.wait(10)
        while not content.endswith(b"\r\n.\r\n"):
            line = self.stream.readline()
            content += line
            with self.upstream.changed:
                self.upstream.body_octets += len(line)
                self.upstream.changed.notify_all()
            if not line or self.upstream.answers.get("BODY", "") is CUT:
                raise _Closed
        arrived = bytes(content[:-3]).replace(b"\r\n.", b"\r\n")[2:]
        with self.upstream.changed:
            self.upstream.messages.append(Delivered(self.mail, self.rcpts, arrived))
            self.upstream.changed.notify_all()
        self.upstream.paused.wait(10)
        self.reply("DOT", "250 2.0.0 queued as 4711")


class Client:
    """Speaks SMTP octet by octet."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def reply(self) -> tuple[int, str]:
        """The next reply; code 0 when the gate has closed."""
        lines = []
        while line := self.stream.readline():
            lines.append(line.decode()[4:].rstrip("\r\n"))
            if line[3:4] != b"-":
                return int(line[:3]), "\n".join(lines)
        return 0, ""

    def say(self, line: str | bytes) -> tuple[int, str]:
        self.socket.sendall((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def hello(self, *, login: bool = True) -> str:
        assert self.reply()[0] == 220
        code, offered = self.say("EHLO [127.0.0.1]")
        assert code == 250, offered
        if login:
            assert self.say("AUTH PLAIN " + PLAIN)[0] == 235
        return offered

    def envelope(self, *rcpts: str, mail: str = ME) -> None:
        for line in (f"MAIL FROM:<{mail}>", *(f"RCPT TO:<{rcpt}>" for rcpt in rcpts)):
            code, words = self.say(line)
            assert code == 250, words

    def data(self, raw: bytes) -> tuple[int, str]:
        """Everything from DATA on; stuffs dots."""
        assert self.say("DATA")[0] == 354
        self.socket.sendall((b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        return self.reply()


PLAIN = "AGFubmEAcMOkc3N3b3Jk"
"""``\\0anna\\0pässword`` in base64."""


@dataclass
class Rig:
    """A gate with its guard and its upstream; ``limits`` are read anew at every message."""

    guard: Guard
    upstream: Upstream
    account: Account
    gate: SmtpGate
    limits: GateLimits = field(default_factory=GateLimits)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))

    def client(self) -> Client:
        return Client(self.gate.port)

    def send(self, raw: bytes, *rcpts: str) -> tuple[int, str]:
        """A whole session of one message; returns the reply to the final dot."""
        with self.client() as client:
            client.hello()
            client.envelope(*(rcpts or ("big@lists.test",)))
            reply = client.data(raw)
            client.say("QUIT")
            return reply

    def sending(self, raw: bytes, *rcpts: str) -> "Future[tuple[int, str]]":
        """``send`` on another thread."""
        return self.pool.submit(self.send, raw, *rcpts)

    def answer(self, answer: Answer = Answer.SEND) -> None:
        """Answer the question on the screen, once there is one."""
        question = self.guard.asker.question()
        self.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)

    def states(self) -> list[str]:
        """The states of the ledger's rows, oldest first."""
        return [row.state.value for row in reversed(self.guard.ledger.history())]  # type: ignore[attr-defined]


@contextlib.contextmanager
def rig(
    upstream: Upstream | None = None,
    guard: Guard | None = None,
    *,
    identities: tuple[str, ...] = (ME, "me@other.test"),
    limits: GateLimits | None = None,
    server: Server | None = None,
    context: ssl.SSLContext | None = None,
    peers: Peers | None = None,
) -> Iterator[Rig]:
    upstream, guard = upstream or Upstream(), guard or Guard()
    account = Account("Practice", identities, smtp=server or upstream.server(), gate_port=choose_port())
    made: list[Rig] = []
    gate = SmtpGate(
        account,
        guard.gatekeeper,
        Intake(account, Hook.SMTP_GATE),
        SENTENCES,
        lambda: made[0].limits,
        peers=peers,
        context=context,
    )
    made.append(Rig(guard, upstream, account, gate, limits or GateLimits()))
    gate.start()
    try:
        yield made[0]
    finally:
        gate.stop()
        upstream.close()
        made[0].pool.shutdown()
