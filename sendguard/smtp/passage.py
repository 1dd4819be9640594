"""One message's passage through the gate: from its final dot to the answer its client gets."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from sendguard.gate.holds import Holds
from sendguard.gate.limits import GateLimits
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import LedgerFailed, Outcome
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.guard.ticket import Decision, NotApproved, Ticket
from sendguard.mail.submission import Envelope
from sendguard.smtp import replies
from sendguard.smtp.relay import ClientGone, Relay
from sendguard.smtp.replies import Reply
from sendguard.wording.sentences import Sentences

log = logging.getLogger(__name__)

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
        self._holds = Holds(gatekeeper, intake.account.name, executor)
        self.sending: set[asyncio.Task[Reply | None]] = set()
        self._held: dict[str, Ticket] = {}
        self._ends = False

    async def end(self) -> None:
        """Withdraw every question: the clients that wait are told so, and no other message is let through."""
        self._ends = True
        for ticket in tuple(self._held.values()):
            await self._holds.note(self._gatekeeper.cancel, ticket, "stopped")

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
            ticket, is_begun = await self._holds.receive(partial(self._intake.submission, raw, envelope))
            if not ticket.decision.done() and not await self._is_decided(ticket, began):
                return Reply.own(451, "4.7.0", self._sentences.try_again(ticket.judgement))
            if self._ends and not is_begun:
                await self._holds.note(self._gatekeeper.cancel, ticket, "stopped")
                return replies.ends(self._sentences.catalogue)
            decision = ticket.decision.result()
            if not decision.sends:
                return self._refusal(decision)
            reply = await self._released(ticket, is_begun, raw, relay)
            if reply is not None:
                return reply
        return replies.fault(self._sentences.fault())

    async def _is_decided(self, ticket: Ticket, began: float) -> bool:
        """Hold until there is a decision; False when the client has to try again."""
        if self._ends:
            return True
        self._held[ticket.id] = ticket
        try:
            hold = self._limits().hold(ticket.judgement.submission.message.user_agent)
            return await self._holds.decided(ticket, until=began + hold)
        finally:
            self._held.pop(ticket.id, None)

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
                await self._holds.off_loop(self._gatekeeper.begin, ticket, raw)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            await self._holds.note(self._gatekeeper.cancel, ticket, _code(error))
            return self._failure(error)
        except NotApproved as error:
            await self._holds.note(self._gatekeeper.cancel, ticket, f"not_approved_{error.what}")
            return None
        try:
            reply = await relay.send(raw)
        except ReplyLost:
            await self._holds.note(self._gatekeeper.lost, ticket)
            return replies.perhaps_sent(self._sentences.catalogue)
        except (SubmissionRefused, UpstreamUnreachable, ClientGone) as error:
            await self._holds.note(self._gatekeeper.refused, ticket, _code(error))
            return self._failure(error)
        sent = partial(self._gatekeeper.sent, ticket, unheard=not relay.is_wanted)
        await self._holds.note(sent)
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


def _code(error: SubmissionRefused | UpstreamUnreachable | ClientGone) -> str:
    if isinstance(error, SubmissionRefused):
        return f"upstream_{error.code}"
    return error.why if isinstance(error, UpstreamUnreachable) else "client_gone"
