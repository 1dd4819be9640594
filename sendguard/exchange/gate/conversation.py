"""The gate's side of one client connection: request by request, each passed on, held or refused."""

import hashlib
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from weakref import WeakSet

import h11

from sendguard.exchange.gate import answers, heads
from sendguard.exchange.gate.calls import Fate
from sendguard.exchange.gate.content import Content
from sendguard.exchange.gate.held import held_call
from sendguard.exchange.gate.incoming import BODY_SECONDS, Incoming, TooLarge
from sendguard.exchange.gate.line import Answer, Line
from sendguard.exchange.gate.passage import Passage
from sendguard.exchange.gate.relay import Relay
from sendguard.exchange.gate.soap import NotReadable
from sendguard.exchange.gate.streaming import stream
from sendguard.exchange.gate.way import Way
from sendguard.gate.limits import GateLimits
from sendguard.guard.account import Account
from sendguard.guard.ports import UpstreamUnreachable
from sendguard.wording.sentences import Sentences

log = logging.getLogger(__name__)

IDLE_SECONDS = 900.0
"""Between two requests."""
LINGER_OCTETS = 200_000_000
"""Of a refused request that are still read, so that its client reads the answer instead of a reset."""
_BASE64 = 1.4
"""What an octet of a message becomes on the way: base64, with line ends."""
_AROUND = 1_000_000
"""Octets of the call around a message."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all conversations of a gate share."""

    account: Account
    port: int
    target: heads.Target
    context: ssl.SSLContext | None
    passage: Passage
    sentences: Sentences
    limits: Callable[[], GateLimits]
    relays: WeakSet[Relay] = field(default_factory=WeakSet)


class Conversation:
    """Serves one client until one of the two ends goes; then the other end's connection is closed as well."""

    def __init__(self, service: Service, client: Line) -> None:
        self._service = service
        self._client = client
        self._way = Way(service.target, service.context, self._upstream_gone)
        self._relay: Relay | None = None
        self._is_idle = True

    async def run(self) -> None:
        """Serve. Cancelled when the client has gone."""
        try:
            while await self._exchange():
                pass
        except (h11.ProtocolError, ConnectionError, TimeoutError):
            pass  # it ended in the middle of something, or what it said is no HTTP: there is nobody to tell
        except Exception as error:
            log.error("gate: %s", type(error).__name__)  # noqa: TRY400 - a trace could hold addresses
            await self._fault()
        finally:
            self._end()

    async def _fault(self) -> None:
        self._service.passage.trouble("gate_failed")
        words = self._service.sentences.fault()
        with suppress(h11.ProtocolError, OSError):
            await self._client.answer(answers.fault(words, "ErrorInternalServerError", is_last=True))

    def _end(self) -> None:
        self._client.close()
        if self._relay is None:
            self._way.cut()
        else:
            self._relay.abandon()

    def _upstream_gone(self) -> None:
        if self._is_idle:
            self._client.close()

    async def _exchange(self) -> bool:
        """One request; False after the last."""
        self._is_idle = True
        try:
            request = await self._client.receive(IDLE_SECONDS)
        except h11.RemoteProtocolError as error:
            await self._client.answer(heads.plain(error.error_status_hint, "This is not HTTP."))
            return False
        if not isinstance(request, h11.Request):
            return False
        self._is_idle = False
        answer = heads.refusal(request, self._service.target, self._service.port)
        try:
            answer = answer or await self._answered(request)
        except UpstreamUnreachable as error:
            words = answers.unreachable(self._service.sentences.catalogue, error.why)
            answer = answers.fault(words, "ErrorConnectionFailed", status=502, is_last=True)
        except NotReadable as error:
            log.warning("a call that cannot be read was refused: %s", error)
            self._service.passage.not_understood(error.why)
            answer = answers.fault("SendGuard's gate cannot read this call.", "ErrorInvalidRequest", is_last=True)
        return await self._finished(answer)

    async def _finished(self, answer: Answer | None) -> bool:
        if answer is not None:
            if not self._client.is_unanswered:
                return False
            await self._client.answer(answer)
        if not self._client.is_heard_out:
            await self._linger()
            return False
        return self._client.next_cycle() and self._way.is_ready()

    async def _linger(self) -> None:
        octets = 0
        async for piece in self._client.body(BODY_SECONDS):
            octets += len(piece)
            if octets > LINGER_OCTETS:
                return

    async def _answered(self, request: h11.Request) -> Answer | None:
        """The gate's own answer, or the server's to a held call; None where it was streamed."""
        incoming = Incoming(self._client)
        match await incoming.fate():
            case Fate.PASS:
                await self._pass(request, incoming)
                return None
            case Fate.HOLD:
                return await self._hold(request, incoming)
            case _:
                raise NotReadable("unknown_operation", incoming.document.operation)

    async def _pass(self, request: h11.Request, incoming: Incoming) -> None:
        upstream = await self._way.open()
        await stream(self._client, upstream, heads.forwarded(request, self._service.target), incoming.passing())

    async def _hold(self, request: h11.Request, incoming: Incoming) -> Answer:
        most = self._service.limits().message_octets
        document = incoming.document
        try:
            octets = await incoming.whole(int(most * _BASE64) + _AROUND)
        except TooLarge:
            self._service.passage.trouble("gate_too_large")
            words = answers.too_large(self._service.sentences.catalogue, most)
            return answers.not_done(document.operation, 1, words)
        if document.content is None:
            raise NotReadable("no_content")
        self._relay = relay = Relay(self._way, request, document, octets, self._client)
        self._service.relays.add(relay)
        token = hashlib.blake2b(octets, digest_size=32).digest()
        answer = await self._relayed(relay, document.content, token)
        self._relay = None  # and with it the message; where the client has gone, it is still needed
        return answer

    async def _relayed(self, relay: Relay, content: Content, token: bytes) -> Answer:
        if (challenge := await relay.log_in()) is not None:
            return challenge
        call = await held_call(content, token, relay, self._service.account.identities[0])
        return call if isinstance(call, Answer) else await self._service.passage.answer(call, relay)
