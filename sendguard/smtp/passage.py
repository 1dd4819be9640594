"""One message's passage through the gate: from its final dot to the answer its client gets."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress

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

TRIES = 2
"""How often a message is judged in one passage: once more when the rules changed between approval and sending."""


class Passage:
    """Takes messages through. Its coroutines run on the gate's loop; whatever may wait runs on ``executor``.

    Cancelling ``answer`` means that the client has gone: the question is withdrawn, and nothing leaves.
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
            ticket = await self._receive(raw, envelope)
            if not ticket.decision.done():
                hold = self._limits().hold(ticket.judgement.submission.message.user_agent)
                if not await self._decided(ticket, until=began + hold):
                    return Reply.own(451, "4.7.0", self._sentences.try_again(ticket.judgement))
            decision = ticket.decision.result()
            if not decision.sends:
                return self._refusal(decision)
            reply = await self._released(ticket, raw, relay)
            if reply is not None:
                return reply
        return replies.fault(self._sentences.fault())

    async def _receive(self, raw: bytes, envelope: Envelope) -> Ticket:
        receiving = self._executor.submit(lambda: self._gatekeeper.receive(self._intake.submission(raw, envelope)))
        try:
            return await asyncio.wrap_future(receiving)
        except asyncio.CancelledError:
            if not receiving.cancel():
                receiving.add_done_callback(self._withdraw_received)
            raise

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
            return not await loop.run_in_executor(self._executor, self._gatekeeper.let_go, ticket)
        except asyncio.CancelledError:
            self._executor.submit(self._withdraw, ticket, "client_gone")
            raise
        return True

    async def _released(self, ticket: Ticket, raw: bytes, relay: Relay) -> Reply | None:
        releasing = self._executor.submit(self._release, ticket, raw, relay)
        try:
            return await asyncio.wrap_future(releasing)
        except asyncio.CancelledError:
            if releasing.cancel():
                self._executor.submit(self._withdraw, ticket, "client_gone")
            raise  # one that runs already learns from its relay that the client has gone

    def _release(self, ticket: Ticket, raw: bytes, relay: Relay) -> Reply | None:
        """Commit "sending", send, and note what came of it; None when the approval does not hold any more."""
        try:
            if ticket.asked_at:  # and so upstream has waited
                relay.revive()
            relay.check_wanted()
            self._gatekeeper.begin(ticket, raw)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            self._withdraw(ticket, _code(error))
            return self._failure(error)
        except NotApproved as error:
            self._withdraw(ticket, f"not_approved_{error.what}")
            return None
        try:
            reply = relay.send(raw)
        except ReplyLost:
            self._note(self._gatekeeper.lost, ticket)
            return replies.perhaps_sent(self._sentences.catalogue)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            self._note(self._gatekeeper.refused, ticket, _code(error))
            return self._failure(error)
        self._note(self._gatekeeper.sent, ticket)
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

    def _withdraw_received(self, receiving: Future[Ticket]) -> None:
        if receiving.exception() is None:
            self._withdraw(receiving.result(), "client_gone")

    def _withdraw(self, ticket: Ticket, detail: str) -> None:
        self._note(self._gatekeeper.cancel, ticket, detail)

    def _note(self, verb: Callable[..., None], *what: object) -> None:
        """Write down what has happened already. That it cannot be written changes nothing of what happened."""
        try:
            verb(*what)
        except LedgerFailed:
            log.error("the ledger failed: what became of a message is not in it")  # noqa: TRY400
            self._gatekeeper.trouble("ledger", self._intake.account.name)


def _code(error: SubmissionRefused | UpstreamUnreachable | ClientGone) -> str:
    if isinstance(error, SubmissionRefused):
        return f"upstream_{error.code}"
    return error.why if isinstance(error, UpstreamUnreachable) else "client_gone"
