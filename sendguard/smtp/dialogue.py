"""A gate's side of one client's SMTP dialogue: what it answers to each command. It knows no socket."""

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakSet

from sendguard.gate.limits import GateLimits
from sendguard.gate.peers import Peers
from sendguard.gate.sockdiag import Endpoint
from sendguard.guard.account import Account, Server
from sendguard.guard.ports import SubmissionRefused, UpstreamUnreachable
from sendguard.mail.address import normalise, without_tag
from sendguard.mail.submission import Envelope
from sendguard.smtp import replies
from sendguard.smtp.addresses import BadAddress, path
from sendguard.smtp.content import problem_in
from sendguard.smtp.passage import Passage
from sendguard.smtp.relay import ClientGone, Relay
from sendguard.smtp.replies import Reply
from sendguard.smtp.upstream import PASSED_ON, Capabilities
from sendguard.wording.sentences import Sentences

NO_NAME = "[127.0.0.1]"
"""What we greet upstream as where the client gave no name that can be said again; Thunderbird says this always."""
_NAME = re.compile(r"[!-~]{1,255}\Z")


@dataclass(frozen=True, slots=True)
class Service:
    """What all dialogues of a gate share."""

    account: Account
    server: Server
    context: ssl.SSLContext | None
    passage: Passage
    sentences: Sentences
    limits: Callable[[], GateLimits]
    peers: Peers
    relays: WeakSet[Relay] = field(default_factory=WeakSet)


class Dialogue:
    """Answers one client. Every reply is upstream's own wherever upstream was asked.

    A reply with code 421, or one to ``greet`` that is not positive, ends the connection.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._say = service.sentences.catalogue
        self._relay = Relay(service.server, service.context)
        self._capabilities = Capabilities()
        self._originator = ""
        self._recipients: list[str] = []
        service.relays.add(self._relay)

    @property
    def size_limit(self) -> int:
        """Octets a message may have: the smaller of upstream's limit and our own."""
        own, upstream = self._service.limits().message_octets, self._capabilities.size
        return min(own, upstream) if upstream else own

    @property
    def utf8(self) -> bool:
        """Whether upstream speaks SMTPUTF8."""
        return self._capabilities.utf8

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The ways to log in that upstream offers and the gate can pass on."""
        return tuple(mechanism for mechanism in self._capabilities.auth if mechanism in PASSED_ON)

    def is_own(self, near: Endpoint, far: Endpoint) -> bool:
        """Whether the client at the far end of a connection may be this user's. Takes a moment, and no longer."""
        return self._service.peers.is_own(near, far)

    def another_user(self) -> Reply:
        """What another user's client is told."""
        return replies.another_user(self._say)

    def fault(self) -> Reply:
        """What a client is told after a fault of ours."""
        return replies.fault(self._service.sentences.fault())

    async def greet(self, name: str) -> Reply:
        """EHLO or HELO: open the way upstream, and offer what it can do and nothing else."""
        self._forget()
        try:
            greeting = name if _NAME.match(name) else NO_NAME
            self._capabilities = await self._relay.greet(greeting)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            return self._failure(error)
        lines = ["localhost", f"SIZE {self.size_limit}"]
        lines += ["8BITMIME"] if self._capabilities.eight_bit else []
        lines += ["SMTPUTF8"] if self.utf8 else []
        lines += [f"AUTH {' '.join(self.mechanisms)}"] if self.mechanisms else []
        return Reply(250, "\n".join(lines))

    async def log_in(self, line: str, earlier: list[str]) -> Reply:
        """Pass on one line of an AUTH exchange; ``earlier`` are those before it."""
        return await self._ask(self._relay.log_in(line, earlier))

    @property
    def is_logged_in(self) -> bool:
        """Whether upstream accepted a login on this connection."""
        return self._relay.is_logged_in

    async def mail(self, address: str, parameters: list[str]) -> Reply:
        """MAIL FROM; an empty address is the null reverse-path, which a read receipt has."""
        if self._capabilities.auth and not self.is_logged_in:
            return replies.login_needed(self._say)
        if address and not self._is_identity(address):
            return replies.not_an_identity(self._say)
        if "BODY=8BITMIME" in parameters and not self._capabilities.eight_bit:
            return Reply.own(555, "5.5.4", "8BITMIME is not offered")
        sizes = [each for each in parameters if each.startswith("SIZE=")]
        if any(int(each[5:]) > self.size_limit for each in sizes):
            return replies.too_large(self._say, self.size_limit)
        if not self._capabilities.knows_size:
            parameters = [each for each in parameters if each not in sizes]
        reply = await self._pass_on(" ".join(("MAIL FROM:{}", *parameters)), address)
        if reply.is_positive:
            self._originator, self._recipients = address, []
        return reply

    async def rcpt(self, address: str) -> Reply:
        """RCPT TO."""
        most = self._service.limits().recipients
        if len(self._recipients) >= most:
            return replies.too_many_recipients(self._say, most)
        reply = await self._pass_on("RCPT TO:{}", address)
        if reply.is_positive:
            self._recipients.append(address)
        return reply

    async def _pass_on(self, command: str, address: str) -> Reply:
        try:
            line = command.format(path(address, utf8=self.utf8))
        except BadAddress:
            return replies.bad_address(self._say)
        return await self._ask(self._relay.say(line))

    async def reset(self) -> None:
        """RSET, or a transaction that ends without a message."""
        self._forget()
        await self._relay.reset()

    async def content(self, raw: bytes, *, too_large: bool) -> Reply:
        """The final dot. Cancelled when the client goes away meanwhile."""
        envelope = Envelope.of(self._originator, self._recipients)
        problem = None if too_large else problem_in(raw)
        if too_large:
            reply = replies.too_large(self._say, self.size_limit)
        elif problem:
            reply = replies.unfit(self._say, problem)
        else:
            reply = await self._service.passage.answer(raw, envelope, self._relay)
        if not reply.is_positive:
            await self.reset()
        self._forget()
        return reply

    def client_comes(self, descriptor: int) -> None:
        """A client is there, on a socket that stays open until ``client_gone`` has returned."""
        self._relay.serve(descriptor)

    def client_gone(self) -> None:
        """The client's connection has ended. Does not wait."""
        self._relay.abandon()

    def _is_identity(self, address: str) -> bool:
        own, normal = self._service.account.own_addresses, normalise(address)
        return not own or normal in own or without_tag(normal) in own

    def _forget(self) -> None:
        self._originator, self._recipients = "", []

    async def _ask(self, replying: Awaitable[Reply]) -> Reply:
        try:
            return await replying
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            return self._failure(error)

    def _failure(self, error: SubmissionRefused | UpstreamUnreachable | ClientGone) -> Reply:
        if isinstance(error, SubmissionRefused):
            return Reply(error.code, error.words)
        return replies.unreachable(self._say, error.why if isinstance(error, UpstreamUnreachable) else "")
