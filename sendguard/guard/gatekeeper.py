"""The story: a submission comes in, is counted and judged, held and asked about, and let go or not."""

import threading
from collections.abc import Callable
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from sendguard.guard.handover import Handovers
from sendguard.guard.judge import Judge, Judgement
from sendguard.guard.ledger import MONITORED, MOVES, UNHEARD, Ledger, Outcome, Record, Remembered, State
from sendguard.guard.ports import Activity, ActivityKind, Answer, Asker, Observer, Question
from sendguard.guard.ticket import AskedAgain, CodeSpent, Decision, NotApproved, QuestionGone, Ticket, WrongWord
from sendguard.mail import digest
from sendguard.mail.likeness import written_likeness
from sendguard.mail.submission import Submission
from sendguard.policy.action import Action
from sendguard.policy.lifting import digest_of
from sendguard.policy.reasons import AnswerIsStale, PossiblySent, Reason

ANSWER_LIFETIME = timedelta(minutes=10)
"""How long an answer stands: kept for the next try of a client, or given and not yet acted on."""

RESENT_WITHIN = timedelta(hours=1)
"""How long after an unheard send the same message is asked about."""


class Gatekeeper:
    """Every hook's way to an answer. Thread-safe; ``receive`` and ``answer`` may take the resolver's deadline.

    One question is on the screen at a time, the others wait in their order. Whatever fails, fails closed: a ledger
    that cannot be written raises LedgerFailed before anything has left.
    """

    def __init__(
        self,
        judge: Judge,
        ledger: Ledger,
        asker: Asker,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._judge = judge
        self._ledger = ledger
        self._asker = asker
        self._clock = clock
        self._new_id = new_id
        self._lock = threading.RLock()
        self._queue: list[Ticket] = []
        self._observers: list[Observer] = []
        self._handovers = Handovers()

    def subscribe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything that happens from now on."""
        self._observers.append(observer)

    def receive(self, submission: Submission) -> Ticket:
        """Take a submission in. The ticket's decision is done at once where nobody has to be asked.

        Raises LedgerFailed when a hold or a refusal could not be written down.
        """
        judgement = self._judge.judge(submission)
        with self._lock:
            ticket = Ticket(
                self._new_id(), judgement, digest.binding(submission.handed_over, submission.envelope), self._clock()
            )
            action = judgement.verdict.action
            if action is Action.BLOCK:
                self._decide(ticket, Outcome.BLOCKED)
                return ticket
            if not action.asks and self._ledger.perhaps_sent(self._clock() - RESENT_WITHIN) is None:
                self._settle_approved(ticket, asked=False)
                return ticket
            return self._look_closer(ticket)

    def _look_closer(self, ticket: Ticket) -> Ticket:
        submission = ticket.judgement.submission
        ticket.retry_key = digest.retry_key_of(submission)
        lost = self._ledger.perhaps_sent(self._clock() - RESENT_WITHIN, ticket.retry_key)
        if lost is not None:
            self._add_reason(ticket, PossiblySent(lost.changed_at))
        elif not ticket.judgement.verdict.action.asks:
            self._settle_approved(ticket, asked=False)
            return ticket
        elif (kept := self._earlier_answer(ticket)) is not None:
            stale = self._stale(kept, ticket.judgement)
            if not stale:
                self._decide(ticket, kept.outcome)
                return ticket
            self._add_reason(ticket, AnswerIsStale(stale))
        self._hold(ticket)
        return ticket

    def _earlier_answer(self, ticket: Ticket) -> Remembered | None:
        """What a person answered for this message a moment ago: to the last try, or in the mail program itself."""
        kept = self._ledger.recall(ticket.retry_key, self._clock())
        submission = ticket.judgement.submission
        if kept is not None or not submission.hook.is_gate:
            return kept
        return self._handovers.take(written_likeness(submission.raw, submission.envelope), self._clock())

    def hand_over(self, ticket: Ticket, likenesses: frozenset[bytes]) -> None:
        """The mail program is about to send what its person approved in it: a gate that sees the message in any of
        these forms does not ask again, once. Nothing is kept where nobody was asked.
        """
        decided = ticket.decided
        if decided is None or not decided.sends or not ticket.judgement.verdict.action.asks:
            return
        judgement, until = ticket.judgement, decided.at + ANSWER_LIFETIME
        version = judgement.verdict.rules_version
        with self._lock:
            self._handovers.keep(
                likenesses, Remembered(ticket.binding, Outcome.SEND, judgement.audience_key, version, until)
            )

    def preview(self, submission: Submission) -> Judgement:
        """What would be said of a message that is still being written. Nobody is told, nothing is held."""
        return self._judge.judge(submission)

    def _stale(self, kept: Remembered, judgement: Judgement) -> str:
        if kept.outcome is not Outcome.SEND:
            return ""
        if kept.rules_version != judgement.verdict.rules_version:
            return "policy"
        return "" if kept.audience_key == judgement.audience_key else "audience"

    def _add_reason(self, ticket: Ticket, reason: Reason) -> None:
        found = ticket.judgement.verdict
        changed = replace(found, action=max(found.action, Action.CONFIRM), reasons=(reason, *found.reasons))
        ticket.judgement = replace(ticket.judgement, verdict=changed)

    def _hold(self, ticket: Ticket) -> None:
        if not self._asker.can_ask:
            self._decide(ticket, Outcome.CANNOT_ASK)
            return
        self._put(ticket, State.HELD, asked=True)
        earlier = next((held for held in self._queue if held.retry_key == ticket.retry_key and not held.attached), None)
        ticket.asked_at, ticket.question_id = self._clock(), ticket.id
        if earlier:
            self._queue[self._queue.index(earlier)] = ticket
            self._end(earlier, State.CANCELLED, Outcome.CANCELLED, "tried_again")
        else:
            self._queue.append(ticket)
        self._tell(ActivityKind.HELD, ticket)
        self._show()

    def answer(self, question_id: str, answer: Answer, typed: str = "") -> None:
        """Take a person's answer. Not on a thread that must not wait.

        Raises WrongWord, CodeSpent, QuestionGone, AskedAgain (the rules changed: a new question shows), LedgerFailed.
        """
        with self._lock:
            ticket = self._queued(question_id)
            if answer is Answer.SEND:
                if not ticket.judgement.verdict.accepts(typed):
                    raise WrongWord
                self._judge_again(ticket)
                self._spend_code(ticket, typed)
            elif not ticket.judgement.submission.offers(answer.value):
                raise WrongWord
            outcome = Outcome(answer.value)
            if ticket.attached:
                self._decide(ticket, outcome)
            else:
                self._keep_for_next_try(ticket, outcome)
            self._queue.remove(ticket)
            self._show()

    def _spend_code(self, ticket: Ticket, typed: str) -> None:
        """A code opens one question. It is spent before the message goes: after a crash IT gives out another one."""
        if ticket.judgement.verdict.codes:
            code = digest_of(typed)
            if not self._ledger.spend(code, self._clock()):
                raise CodeSpent
            ticket.detail = f"code_{code[:8]}"

    def policy_changed(self, *, counted_anew: bool = False) -> None:
        """Judge the open questions again, towards stricter only: looser rules count for later messages.

        ``counted_anew``: people are counted by other sources now, whatever the rules say. A message that is blocked now
        is refused with the reason. May take the resolver's deadline for each question.
        """
        with self._lock:
            for ticket in tuple(self._queue):
                if counted_anew or ticket.judgement.verdict.rules_version != self._judge.rules_version():
                    self._judge_stricter(ticket)
            self._show()

    def _judge_stricter(self, ticket: Ticket) -> None:
        before, fresh = ticket.judgement, self._judge.judge(ticket.judgement.submission)
        if fresh.verdict.action is Action.BLOCK:
            ticket.judgement = fresh
            self._decide(ticket, Outcome.BLOCKED)
            self._queue.remove(ticket)
        elif fresh.verdict.is_stricter_than(before.verdict):
            self._ask_anew(ticket, fresh)

    def _ask_anew(self, ticket: Ticket, fresh: Judgement, *reasons: Reason) -> None:
        """Another question about the same message; that it may have been sent before is said again."""
        before = ticket.judgement.verdict.reasons
        ticket.judgement, ticket.asked_at, ticket.question_id = fresh, self._clock(), self._new_id()
        ticket.shown_at = None
        for reason in (*(each for each in before if isinstance(each, PossiblySent)), *reasons):
            self._add_reason(ticket, reason)

    def _judge_again(self, ticket: Ticket) -> None:
        """Before an approval counts: an answer to an old question is an answer to another question."""
        asked_at = ticket.asked_at or ticket.received_at
        same_rules = ticket.judgement.verdict.rules_version == self._judge.rules_version()
        if same_rules and self._clock() - asked_at <= ANSWER_LIFETIME:
            return
        before, fresh = ticket.judgement, self._judge.judge(ticket.judgement.submission)
        ticket.asked_at = self._clock()
        if fresh.verdict.action is Action.BLOCK:
            ticket.judgement = fresh
            self._decide(ticket, Outcome.BLOCKED)
            self._queue.remove(ticket)
            self._show()
            raise AskedAgain
        grew = fresh.audience_key != before.audience_key
        if grew or fresh.verdict.is_stricter_than(before.verdict):
            self._ask_anew(ticket, fresh, AnswerIsStale("audience" if grew else "policy"))
            self._show()
            raise AskedAgain
        ticket.judgement = replace(before, verdict=replace(before.verdict, rules_version=fresh.verdict.rules_version))

    def let_go(self, ticket: Ticket) -> bool:
        """The hook told its client to try again. The question stays, and its answer is kept for the next try.

        Returns False when the decision was made in this moment after all: the hook must take it.
        """
        with self._lock:
            if ticket.decided is not None:
                return False
            ticket.attached = False
            self._show()
            return True

    def cancel(self, ticket: Ticket, detail: str = "client_gone") -> None:
        """The client has gone, or the draft has changed: the question is withdrawn and nothing is sent."""
        with self._lock:
            ticket.withdrawn = True
            if ticket in self._queue:
                self._queue.remove(ticket)
                self._decide(ticket, Outcome.CANCELLED, detail)
                self._show()
            elif ticket.in_ledger:
                record = self._ledger.get(ticket.id)
                if record is not None and State.CANCELLED in MOVES[record.state]:
                    self._end(ticket, State.CANCELLED, Outcome.CANCELLED, detail)

    def begin(self, ticket: Ticket, raw: bytes) -> None:
        """Commit "sending", before the first byte goes out.

        ``raw`` is what will be handed to upstream (``Submission.handed_over``). Raises NotApproved when it, the rules
        or the time do not fit the decision, LedgerFailed when it cannot be written: in both cases nothing may leave.
        """
        with self._lock:
            decided = ticket.decided
            if decided is None or not decided.sends or ticket.withdrawn:
                raise NotApproved("message")
            if digest.binding(raw, ticket.judgement.submission.envelope) != ticket.binding:
                raise NotApproved("message")
            if self._clock() - decided.at > ANSWER_LIFETIME:
                raise NotApproved("time")
            if ticket.judgement.verdict.rules_version != self._judge.rules_version():
                raise NotApproved("policy")
            if ticket.in_ledger:
                self._ledger.move(ticket.id, State.SENDING, self._clock())
            else:
                self._put(ticket, State.SENDING, asked=False)

    def sent(self, ticket: Ticket, *, unheard: bool = False) -> None:
        """Upstream took the message. ``unheard``: the client was gone by then, and its person saw an error."""
        with self._lock:
            self._end(ticket, State.SENT, detail=UNHEARD if unheard else "")
            self._judge.remember(ticket.judgement)

    def refused(self, ticket: Ticket, detail: str) -> None:
        """Upstream said no after "sending" was committed; nothing was delivered."""
        with self._lock:
            self._end(ticket, State.REFUSED, detail=detail)

    def lost(self, ticket: Ticket, detail: str = "lost_reply") -> None:
        """The answer to the final dot was lost: the message may have been taken, and is not sent again by itself."""
        with self._lock:
            self._end(ticket, State.UNKNOWN, detail=detail)

    def deferred(self, ticket: Ticket, detail: str) -> None:
        """After "sending" was committed, nothing was delivered, and trying again later may help.

        What a person answered stands for the next try, once, and no longer than any answer.
        """
        with self._lock:
            self._end(ticket, State.REFUSED, detail=detail)
            judgement = ticket.judgement
            if judgement.verdict.action.asks and ticket.decided is not None:
                until, version = ticket.decided.at + ANSWER_LIFETIME, judgement.verdict.rules_version
                self._ledger.remember(
                    Remembered(ticket.retry_key, Outcome.SEND, judgement.audience_key, version, until)
                )

    def earlier(self, submission: Submission) -> Record | None:
        """The weightiest row for these very bytes and this envelope: what a hook finds again may have been sent."""
        return self._ledger.by_binding(digest.binding(submission.handed_over, submission.envelope))

    def settle(self, record_id: str, *, was_sent: bool, detail: str) -> None:
        """Close an UNKNOWN row: the message was found in Sent, or a person said what happened."""
        with self._lock:
            record = self._ledger.move(
                record_id, State.SENT if was_sent else State.REFUSED, self._clock(), detail=detail
            )
            kind = ActivityKind.SENT if was_sent else ActivityKind.REFUSED
            self._notify(Activity(kind, self._clock(), record=record, detail=detail, account=record.account))

    def warn(self, submission: Submission, last: Judgement | None = None) -> Judgement:
        """Judge a draft. Where it would be asked about, the observers are told; nothing is held.

        They are not told again what ``last``, the judgement of an earlier save, already said.
        """
        judgement = self._judge.judge(submission)
        known = last is not None and judgement.says_as(last)
        if judgement.verdict.action >= Action.CONFIRM and not known:
            account = submission.account
            self._notify(Activity(ActivityKind.WARNED, self._clock(), judgement=judgement, account=account))
        return judgement

    def trouble(self, detail: str, account: str = "") -> None:
        """Tell the observers that a part does not work."""
        self._notify(Activity(ActivityKind.TROUBLE, self._clock(), detail=detail, account=account))

    def recover(self) -> tuple[Record, ...]:
        """Put the rows right that a dead process left, before any hook starts; returns those in UNKNOWN.

        What was held or approved is with its client or in its folder, and is asked about when it comes again.
        """
        with self._lock:
            for record in self._ledger.in_states(State.RECEIVED, State.HELD, State.APPROVED):
                self._ledger.move(
                    record.id, State.CANCELLED, self._clock(), outcome=Outcome.CANCELLED, detail="restart"
                )
            for record in self._ledger.in_states(State.SENDING):
                self._ledger.move(record.id, State.UNKNOWN, self._clock(), detail="restart")
            return self._ledger.in_states(State.UNKNOWN)

    def waiting(self) -> tuple[Question, ...]:
        """The open questions, the one on the screen first."""
        with self._lock:
            return tuple(ticket.question for ticket in self._queue)

    def _queued(self, question_id: str) -> Ticket:
        for ticket in self._queue:
            if ticket.question_id == question_id:
                return ticket
        raise QuestionGone

    def _decide(self, ticket: Ticket, outcome: Outcome, detail: str = "") -> None:
        if outcome is Outcome.SEND:
            self._settle_approved(ticket, asked=True)
            return
        state = State.CANCELLED if outcome in {Outcome.CANCELLED, Outcome.CANNOT_ASK} else State.REFUSED
        if ticket.in_ledger:
            self._end(ticket, state, outcome, detail)
        else:
            record = self._put(ticket, state, asked=outcome is not Outcome.BLOCKED, outcome=outcome)
            self._tell(_ACTIVITY_OF[state], ticket, outcome, record)
        self._resolve(ticket, outcome)

    def _settle_approved(self, ticket: Ticket, *, asked: bool) -> None:
        record, now = None, self._clock()
        if ticket.in_ledger:
            record = self._ledger.move(ticket.id, State.APPROVED, now, outcome=Outcome.SEND, detail=ticket.detail)
        elif asked:
            record = self._put(ticket, State.APPROVED, asked=True, outcome=Outcome.SEND)
        if not asked and ticket.judgement.verdict.weight > max(ticket.judgement.verdict.action, Action.NOTICE):
            ticket.detail = MONITORED
        if asked:
            self._tell(ActivityKind.DECIDED, ticket, Outcome.SEND, record)
        elif ticket.judgement.verdict.action is Action.NOTICE:
            self._tell(ActivityKind.NOTICED, ticket)
        self._resolve(ticket, Outcome.SEND)

    def _keep_for_next_try(self, ticket: Ticket, outcome: Outcome) -> None:
        judgement, until = ticket.judgement, self._clock() + ANSWER_LIFETIME
        version = judgement.verdict.rules_version
        self._ledger.remember(Remembered(ticket.retry_key, outcome, judgement.audience_key, version, until))
        self._end(ticket, State.CANCELLED, outcome, "answered_for_next_try")
        self._resolve(ticket, Outcome.CANCELLED)

    def _resolve(self, ticket: Ticket, outcome: Outcome) -> None:
        ticket.decided = Decision(outcome, ticket.judgement, self._clock())
        with suppress(InvalidStateError):  # a hook's event loop cancelled the future with the task that waited for it
            ticket.decision.set_result(ticket.decided)

    def _put(self, ticket: Ticket, state: State, *, asked: bool, outcome: Outcome | None = None) -> Record:
        record = ticket.record(state, self._clock(), asked=asked, outcome=outcome)
        self._ledger.put(record)
        ticket.in_ledger = True
        return record

    def _end(self, ticket: Ticket, state: State, outcome: Outcome | None = None, detail: str = "") -> None:
        record = self._ledger.move(ticket.id, state, self._clock(), outcome=outcome, detail=detail)
        self._tell(_ACTIVITY_OF[state], ticket, outcome, record)

    def _show(self) -> None:
        head = self._queue[0] if self._queue else None
        if head is not None:
            head.shown_at = head.shown_at or self._clock()
        self._asker.show(head.question if head else None, max(0, len(self._queue) - 1))

    def _tell(
        self, kind: ActivityKind, ticket: Ticket, outcome: Outcome | None = None, record: Record | None = None
    ) -> None:
        account = ticket.judgement.submission.account
        asked_at = ticket.shown_at or ticket.asked_at
        self._notify(Activity(kind, self._clock(), record, ticket.judgement, outcome, ticket.detail, account, asked_at))

    def _notify(self, activity: Activity) -> None:
        for observer in self._observers:
            observer(activity)


_ACTIVITY_OF = {
    State.SENT: ActivityKind.SENT,
    State.REFUSED: ActivityKind.REFUSED,
    State.CANCELLED: ActivityKind.CANCELLED,
    State.UNKNOWN: ActivityKind.UNKNOWN,
}
