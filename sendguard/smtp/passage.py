"""One message's passage through the gate: from its final dot to the answer its client gets."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from typing import TypeVar

from sendguard.guard.gatekeeper import Decision, Gatekeeper, NotApproved, Ticket
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import LedgerFailed, Outcome
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.mail.submission import Envelope
from sendguard.smtp import replies
from sendguard.smtp.limits import GateLimits
from sendguard.smtp.relay import ClientGone, Relay
from sendguard.smtp.replies import Reply
from sendguard.wording.sentences import Sentences

log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 2
"""How often a message is judged in one passage: once more when the rules changed between approval and sending."""


class Passage:
    """Takes messages through. Its coroutines run on the gate's loop; the gatekeeper, who may wait, on ``executor``.

    Cancelling ``answer`` means that the client has gone, of which its relay is told as well: the question is
    withdrawn, and nothing leaves. A final dot that is out is followed up all the same.
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
        self._executor = executor
        self.sending: set[asyncio.Task[Reply | None]] = set()

    async def answer(self, raw: bytes, envelope: Envelope, relay: Relay) -> Reply:
        """Judge, hold and ask, relay or refuse; returns what the client is told."""
        try:
            return await self._answer(raw, envelope, relay)
        except LedgerFailed:
            log.error("the ledger failed: nothing was sent")  # noqa: TRY400 - a trace could hold addresses
            return replies.fault(self._sentences.fault())

    async def _answer(self, raw: bytes, envelope: Envelope, relay: Relay) -> Reply:
        began = asyncio.get_running_loop().time()
        for _ in range(TRIES):
            ticket, is_begun = await self._receive(raw, envelope)
            if not ticket.decision.done():
                hold = self._limits().hold(ticket.judgement.submission.message.user_agent)
                if not await self._decided(ticket, until=began + hold):
                    return Reply.own(451, "4.7.0", self._sentences.try_again(ticket.judgement))
            decision = ticket.decision.result()
            if not decision.sends:
                return self._refusal(decision)
            reply = await self._released(ticket, is_begun, raw, relay)
            if reply is not None:
                return reply
        return replies.fault(self._sentences.fault())

    async def _receive(self, raw: bytes, envelope: Envelope) -> tuple[Ticket, bool]:
        receiving = self._executor.submit(self._take_in, raw, envelope)
        try:
            return await asyncio.wrap_future(receiving)
        except asyncio.CancelledError:
            if not receiving.cancel():
                receiving.add_done_callback(self._take_back)
            raise

    def _take_in(self, raw: bytes, envelope: Envelope) -> tuple[Ticket, bool]:
        """Where nobody is asked, "sending" is committed in the same step; returns whether it was."""
        ticket = self._gatekeeper.receive(self._intake.submission(raw, envelope))
        if ticket.asked_at or not ticket.decision.done() or not ticket.decision.result().sends:
            return ticket, False
        with suppress(NotApproved):  # which will be found out once more
            self._gatekeeper.begin(ticket, raw)
            return ticket, True
        return ticket, False

    def _take_back(self, receiving: Future[tuple[Ticket, bool]]) -> None:
        if receiving.exception() is None:
            ticket, is_begun = receiving.result()
            self._note(self._gatekeeper.refused if is_begun else self._gatekeeper.cancel, ticket, "client_gone")

    async def _decided(self, ticket: Ticket, until: float) -> bool:
        """Wait for the decision; False when the client has to be told to try again."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Future[Decision]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(woken.set)

        ticket.decision.add_done_callback(wake)
        try:
            # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with the decision.
            async with asyncio.timeout_at(until):
                await woken.wait()
        except TimeoutError:
            return not await self._off_loop(self._gatekeeper.let_go, ticket)
        except asyncio.CancelledError:
            self._executor.submit(self._note, self._gatekeeper.cancel, ticket, "client_gone")
            raise
        return True

    async def _released(self, ticket: Ticket, is_begun: bool, raw: bytes, relay: Relay) -> Reply | None:
        """A task of its own: a client that goes does not cancel it, its relay tells it."""
        sending = asyncio.create_task(self._release(ticket, is_begun, raw, relay))
        self.sending.add(sending)
        sending.add_done_callback(self.sending.discard)
        return await asyncio.shield(sending)

    async def _release(self, ticket: Ticket, is_begun: bool, raw: bytes, relay: Relay) -> Reply | None:
        """Commit "sending", send, and note what came of it; None when the approval does not hold any more."""
        try:
            if not is_begun:
                await relay.revive()
                relay.check_wanted()
                await self._off_loop(self._gatekeeper.begin, ticket, raw)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            await self._off_loop(self._note, self._gatekeeper.cancel, ticket, _code(error))
            return self._failure(error)
        except NotApproved as error:
            await self._off_loop(self._note, self._gatekeeper.cancel, ticket, f"not_approved_{error.what}")
            return None
        try:
            reply = await relay.send(raw)
        except ReplyLost:
            await self._off_loop(self._note, self._gatekeeper.lost, ticket)
            return replies.perhaps_sent(self._sentences.catalogue)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            await self._off_loop(self._note, self._gatekeeper.refused, ticket, _code(error))
            return self._failure(error)
        sent = partial(self._gatekeeper.sent, ticket, unheard=not relay.is_wanted)
        await self._off_loop(self._note, sent)
        return reply

    def _refusal(self, decision: Decision) -> Reply:
        if decision.outcome is Outcome.CANNOT_ASK:
            return Reply.own(451, "4.7.0", self._sentences.cannot_ask())
        code, status = (451, "4.7.0") if decision.outcome is Outcome.CANCELLED else (550, "5.7.1")
        return Reply.own(code, status, self._sentences.refusal(decision.outcome, decision.judgement))

    def _failure(self, error: SubmissionRefused | UpstreamUnreachable | ClientGone) -> Reply:
        if isinstance(error, SubmissionRefused):
            return Reply(error.code, error.words)
        why = error.why if isinstance(error, UpstreamUnreachable) else ""
        return replies.unreachable(self._sentences.catalogue, why, code=451)

    def _note(self, verb: Callable[..., None], *what: object) -> None:
        """Write down what has happened already. That it cannot be written changes nothing of what happened."""
        try:
            verb(*what)
        except LedgerFailed:
            log.error("the ledger failed: what became of a message is not in it")  # noqa: TRY400
            self._gatekeeper.trouble("ledger", self._intake.account.name)

    async def _off_loop(self, verb: Callable[..., T], *what: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, verb, *what)


def _code(error: SubmissionRefused | UpstreamUnreachable | ClientGone) -> str:
    if isinstance(error, SubmissionRefused):
        return f"upstream_{error.code}"
    return error.why if isinstance(error, UpstreamUnreachable) else "client_gone"
