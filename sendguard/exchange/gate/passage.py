"""A held call's passage through the gate: from its last octet to the answer its client gets."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from sendguard.exchange.gate import answers
from sendguard.exchange.gate.letters import Letter
from sendguard.exchange.gate.line import Answer
from sendguard.exchange.gate.outcome import Fact, Said, outcomes
from sendguard.exchange.gate.relay import ClientGone, Relay
from sendguard.gate.holds import Holds
from sendguard.gate.limits import GateLimits
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import LedgerFailed, Outcome
from sendguard.guard.ports import ReplyLost, UpstreamUnreachable
from sendguard.guard.ticket import Decision, NotApproved, Ticket
from sendguard.mail.message import Message
from sendguard.mail.submission import Submission
from sendguard.wording.sentences import Sentences

log = logging.getLogger(__name__)

TRIES = 2
"""How often a call is judged in one passage: once more when the rules changed between approval and sending."""


@dataclass(frozen=True, slots=True)
class HeldCall:
    """What is held: ``letters`` by the number of their item, out of ``items``. ``token`` names its very octets."""

    operation: str
    items: int
    letters: dict[int, Letter]
    token: bytes


@dataclass(slots=True)
class _Hold:
    number: int
    ticket: Ticket
    is_begun: bool


class _Known:
    """``guard.intake.Originals`` where the original was looked up already."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def find(self, account: str, message: Message) -> Message | None:
        return self._message


class Passage:
    """Takes calls through. Its coroutines run on the gate's loop; the gatekeeper, who may wait, on ``executor``.

    Cancelling ``answer`` means that the client has gone, of which its relay is told as well: the questions are
    withdrawn, and nothing leaves. A call whose last octet is out is followed up all the same.
    """

    def __init__(
        self,
        gatekeeper: Gatekeeper,
        intake: Intake,
        sentences: Sentences,
        limits: Callable[[], GateLimits],
        executor: Executor,
    ) -> None:
        self._gatekeeper = gatekeeper
        self._intake = intake
        self._sentences = sentences
        self._limits = limits
        self._holds = Holds(gatekeeper, intake.account.name, executor)
        self.sending: set[asyncio.Task[Answer | None]] = set()
        self._not_understood: set[str] = set()

    def not_understood(self, why: str) -> None:
        """A call was refused because nobody knows what it would do; its person is told once for each reason."""
        if why not in self._not_understood:
            self._not_understood.add(why)
            self.trouble("gate_not_understood")

    def trouble(self, code: str) -> None:
        """Tell in our own window why nothing was sent: Thunderbird shows none of our words."""
        self._gatekeeper.trouble(code, self._intake.account.name)

    async def answer(self, call: HeldCall, relay: Relay) -> Answer:
        """Judge, hold and ask, relay or refuse; returns what the client is told."""
        try:
            return await self._answer(call, relay)
        except LedgerFailed:
            log.error("the ledger failed: nothing was sent")  # noqa: TRY400 - a trace could hold addresses
            self.trouble("ledger")
            return self._not_done(call, self._sentences.fault())

    async def _answer(self, call: HeldCall, relay: Relay) -> Answer:
        until = asyncio.get_running_loop().time() + self._limits().hold_exchange
        for _ in range(TRIES):
            holds: list[_Hold] = []
            try:
                refused = await self._awaited(call, holds, until, relay)
            except (LedgerFailed, asyncio.CancelledError):
                self._withdraw(holds, "client_gone")
                raise
            if refused is not None:
                await self._put_back(holds, "not_sent_together")
                return refused
            answer = await self._released(call, holds, relay)
            if answer is not None:
                return answer
        self.trouble("gate_failed")
        return self._not_done(call, self._sentences.fault())

    async def _awaited(self, call: HeldCall, holds: list[_Hold], until: float, relay: Relay) -> Answer | None:
        """``_decided``, with the server's connection kept open meanwhile."""
        done = asyncio.Event()
        awake = asyncio.create_task(relay.keep_awake(done))
        try:
            answer = await self._decided(call, holds, until)
        except BaseException:
            awake.cancel()
            raise
        done.set()
        await awake
        return answer

    async def _decided(self, call: HeldCall, holds: list[_Hold], until: float) -> Answer | None:
        """Wait for every decision. None when all of them send, else the answer for all."""
        for number, letter in call.letters.items():
            submit = partial(self._submission, call, number, letter)
            ticket, is_begun = await self._holds.receive(submit, alone=len(call.letters) == 1)
            holds.append(_Hold(number, ticket, is_begun))
        for hold in holds:
            if not hold.ticket.decision.done() and not await self._holds.decided(hold.ticket, until):
                words = self._sentences.try_again(hold.ticket.judgement)
                await self._let_go(holds)
                return self._not_done(call, words)
            decision = hold.ticket.decision.result()
            if not decision.sends:
                return self._not_done(call, self._refusal(decision))
        return None

    async def _let_go(self, holds: Sequence[_Hold]) -> None:
        for hold in holds:
            if not hold.ticket.decision.done():
                await self._holds.off_loop(self._gatekeeper.let_go, hold.ticket)

    def _submission(self, call: HeldCall, number: int, letter: Letter) -> Submission:
        intake = self._intake if letter.original is None else replace(self._intake, originals=_Known(letter.original))
        token = b"%b %d" % (call.token, number)
        return intake.submission(letter.raw, letter.envelope, token=token)

    async def _released(self, call: HeldCall, holds: list[_Hold], relay: Relay) -> Answer | None:
        """A task of its own: a client that goes does not cancel it, its relay tells it."""
        sending = asyncio.create_task(self._release(call, holds, relay))
        self.sending.add(sending)
        sending.add_done_callback(self.sending.discard)
        sending.add_done_callback(lambda _: relay.settle())
        return await asyncio.shield(sending)

    async def _release(self, call: HeldCall, holds: list[_Hold], relay: Relay) -> Answer | None:
        """Commit "sending", send, and note what came of it; None when an approval does not hold any more."""
        waited = any(hold.ticket.asked_at for hold in holds)
        try:
            await relay.revive(waited=waited)
            relay.check_wanted()
            await self._begin(holds)
        except (UpstreamUnreachable, ClientGone) as error:
            return await self._undone(call, holds, error)
        except NotApproved as error:
            await self._put_back(holds, f"not_approved_{error.what}")
            return None
        try:
            answer = await relay.send()
            said = outcomes(answer, call.items)
        except (UpstreamUnreachable, ClientGone) as error:
            return await self._undone(call, holds, error)
        except Exception as error:  # this task's top: whatever it is, the call may have been carried out
            if not isinstance(error, ReplyLost):
                log.error("EWS gate: %s while a call was being sent", type(error).__name__)  # noqa: TRY400
            for hold in holds:
                await self._holds.note(self._gatekeeper.lost, hold.ticket)
            return self._not_done(call, answers.perhaps_sent(self._sentences.catalogue))
        for hold in holds:
            await self._note(hold.ticket, said[hold.number], unheard=not relay.is_wanted)
        return answer

    async def _begin(self, holds: Sequence[_Hold]) -> None:
        for hold in holds:
            if not hold.is_begun:
                handed_over = hold.ticket.judgement.submission.handed_over
                await self._holds.off_loop(self._gatekeeper.begin, hold.ticket, handed_over)
                hold.is_begun = True

    async def _note(self, ticket: Ticket, said: Said, *, unheard: bool) -> None:
        match said.fact:
            case Fact.SENT:
                await self._holds.note(partial(self._gatekeeper.sent, ticket, unheard=unheard))
            case Fact.REFUSED:
                await self._holds.note(self._gatekeeper.refused, ticket, said.code)
            case Fact.DEFERRED:
                await self._holds.note(self._gatekeeper.deferred, ticket, said.code)
            case Fact.UNKNOWN:
                await self._holds.note(self._gatekeeper.lost, ticket, said.code)

    async def _undone(self, call: HeldCall, holds: Sequence[_Hold], error: UpstreamUnreachable | ClientGone) -> Answer:
        """Nothing was handed over whole. Where the server is to blame, an answer stands for the next try."""
        why = error.why if isinstance(error, UpstreamUnreachable) else "client_gone"
        if isinstance(error, UpstreamUnreachable):
            self.trouble("gate_unreachable")
            with suppress(NotApproved):
                await self._begin(holds)
        await self._put_back(holds, why)
        return self._not_done(call, answers.unreachable(self._sentences.catalogue, why))

    async def _put_back(self, holds: Sequence[_Hold], detail: str) -> None:
        for hold in holds:
            verb = self._gatekeeper.deferred if hold.is_begun else self._gatekeeper.cancel
            if hold.ticket.attached:
                await self._holds.note(verb, hold.ticket, detail)

    def _withdraw(self, holds: Sequence[_Hold], detail: str) -> None:
        task = asyncio.get_running_loop().create_task(self._put_back(holds, detail))
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    def _refusal(self, decision: Decision) -> str:
        if decision.outcome is Outcome.CANNOT_ASK:
            return self._sentences.cannot_ask()
        return self._sentences.refusal(decision.outcome, decision.judgement)

    def _not_done(self, call: HeldCall, words: str) -> Answer:
        return answers.not_done(call.operation, call.items, words)
