"""The story: received, judged, held, asked about, let go or not."""

from dataclasses import replace

import pytest

from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import MOVES, LedgerFailed, Outcome, State
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.guard.ticket import AskedAgain, NotApproved, QuestionGone, Ticket, WrongWord
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.reasons import AnswerIsStale, PossiblySent
from sendguard.policy.rules import ListRule, Rules
from tests.fakes import FakeAsker, Guard

ACCOUNT = Account("work", ("me@x.test",))
RAW = b"From: me@x.test\r\nTo: x@x.test\r\nSubject: test\r\nMessage-ID: <%d@x>\r\n\r\ntest\r\n"


@pytest.fixture
def guard() -> Guard:
    return Guard()


def mail(*recipients: str, number: int = 1, hook: Hook = Hook.SMTP_GATE, raw: bytes = b"") -> Submission:
    intake = Intake(ACCOUNT, hook)
    return intake.submission(raw or RAW % number, Envelope.of("me@x.test", recipients))


def held(guard: Guard, *recipients: str, number: int = 1) -> Ticket:
    ticket = guard.gatekeeper.receive(mail(*(recipients or ("middle@lists.test",)), number=number))
    assert not ticket.decision.done()
    return ticket


def state(guard: Guard, ticket: Ticket) -> State:
    row = guard.ledger.get(ticket.id)  # type: ignore[attr-defined]
    return row.state


def send(guard: Guard, ticket: Ticket) -> None:
    guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw)


def kinds(guard: Guard) -> list[ActivityKind]:
    return [activity.kind for activity in guard.activities]


def test_a_message_nobody_needs_to_be_asked_about_goes_at_once(guard: Guard) -> None:
    ticket = guard.gatekeeper.receive(mail("a@x.test"))
    assert ticket.decision.result(0).sends
    assert guard.ledger.rows == {}  # type: ignore[attr-defined]
    send(guard, ticket)
    assert state(guard, ticket) is State.SENDING
    guard.gatekeeper.sent(ticket)
    assert state(guard, ticket) is State.SENT


def test_something_worth_a_word_is_sent_and_said(guard: Guard) -> None:
    guard.gatekeeper.receive(mail("a@x.test", raw=b"From: me@x.test\r\nTo: a@x.test\r\n\r\nhello"))
    assert kinds(guard) == [ActivityKind.NOTICED]


def test_a_large_audience_is_held_until_its_person_approves(guard: Guard) -> None:
    ticket = held(guard)
    assert state(guard, ticket) is State.HELD
    question = guard.asker.question()
    assert question.client_waits
    guard.gatekeeper.answer(question.id, Answer.SEND)
    assert ticket.decision.result(0).sends
    assert guard.asker.shown is None
    send(guard, ticket)
    guard.gatekeeper.sent(ticket)
    assert guard.ledger.moves == [  # type: ignore[attr-defined]
        (ticket.id, State.HELD), (ticket.id, State.APPROVED), (ticket.id, State.SENDING), (ticket.id, State.SENT),
    ]  # fmt: skip
    assert kinds(guard) == [ActivityKind.HELD, ActivityKind.DECIDED, ActivityKind.SENT]


def test_dont_send_refuses_for_good(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.DONT_SEND)
    assert ticket.decision.result(0).outcome is Outcome.DONT_SEND
    assert state(guard, ticket) is State.REFUSED
    with pytest.raises(NotApproved):
        send(guard, ticket)


def test_the_number_has_to_be_typed_whatever_the_screen_thinks(guard: Guard) -> None:
    ticket = held(guard, "big@lists.test")
    with pytest.raises(WrongWord):
        guard.gatekeeper.answer(ticket.id, Answer.SEND, "850113")
    assert guard.asker.question().id == ticket.id
    guard.gatekeeper.answer(ticket.id, Answer.SEND, "850,112")
    assert ticket.decision.result(0).sends


def test_a_blocked_list_is_refused_without_a_question(guard: Guard) -> None:
    guard.rules = Rules(blocked=(ListRule("big", "Not today."),))
    ticket = guard.gatekeeper.receive(mail("big@lists.test"))
    assert ticket.decision.result(0).outcome is Outcome.BLOCKED
    assert state(guard, ticket) is State.REFUSED
    assert guard.asker.shown is None
    assert kinds(guard) == [ActivityKind.REFUSED]


def test_one_question_at_a_time_and_the_others_wait_in_their_order(guard: Guard) -> None:
    tickets = [held(guard, number=number) for number in (1, 2, 3)]
    assert (guard.asker.question().id, guard.asker.waiting) == (tickets[0].id, 2)
    assert [question.id for question in guard.gatekeeper.waiting()] == [ticket.id for ticket in tickets]
    guard.gatekeeper.answer(tickets[0].id, Answer.DONT_SEND)
    assert (guard.asker.question().id, guard.asker.waiting) == (tickets[1].id, 1)
    guard.gatekeeper.cancel(tickets[1])
    assert (guard.asker.question().id, guard.asker.waiting) == (tickets[2].id, 0)


def test_an_answer_to_a_question_that_is_gone_counts_for_nothing(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.cancel(ticket)
    with pytest.raises(QuestionGone):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert ticket.decision.result(0).outcome is Outcome.CANCELLED
    assert state(guard, ticket) is State.CANCELLED


def test_where_nobody_can_be_asked_nothing_goes_out() -> None:
    guard = Guard(can_ask=False)
    ticket = guard.gatekeeper.receive(mail("big@lists.test"))
    assert ticket.decision.result(0).outcome is Outcome.CANNOT_ASK
    assert state(guard, ticket) is State.CANCELLED
    assert guard.gatekeeper.receive(mail("a@x.test")).decision.result(0).sends


def test_only_a_hook_that_can_rewrite_offers_the_reply_to_the_sender(guard: Guard) -> None:
    ticket = held(guard)
    with pytest.raises(WrongWord):
        guard.gatekeeper.answer(ticket.id, Answer.REPLY_TO_SENDER)
    rewritable = replace(mail("middle@lists.test", number=2, hook=Hook.IMAP_OUTBOX), can_reply_to_sender=True)
    reply = guard.gatekeeper.receive(rewritable)
    guard.gatekeeper.cancel(ticket)
    guard.gatekeeper.answer(reply.id, Answer.REPLY_TO_SENDER)
    assert reply.decision.result(0).outcome is Outcome.REPLY_TO_SENDER


def test_other_bytes_than_the_approved_ones_never_leave(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    with pytest.raises(NotApproved, match="message"):
        guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw + b"!")
    assert state(guard, ticket) is State.APPROVED


def test_an_undecided_message_never_leaves(guard: Guard) -> None:
    with pytest.raises(NotApproved, match="message"):
        send(guard, held(guard))


def test_an_approval_dies_after_ten_minutes(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.clock.move(minutes=10, seconds=1)
    with pytest.raises(NotApproved, match="time"):
        send(guard, ticket)


def test_an_approval_dies_when_the_policy_changes(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.rules = Rules(type_from=120)
    with pytest.raises(NotApproved, match="policy"):
        send(guard, ticket)


def test_a_question_answered_after_the_policy_became_stricter_is_asked_again(guard: Guard) -> None:
    ticket = held(guard)
    guard.rules = Rules(type_from=120)
    with pytest.raises(AskedAgain):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    question = guard.asker.question()
    assert question.id != ticket.id
    assert AnswerIsStale("policy") in question.judgement.verdict.reasons
    guard.gatekeeper.answer(question.id, Answer.SEND, "150")
    send(guard, ticket)


def test_a_question_answered_after_the_list_was_blocked_is_refused(guard: Guard) -> None:
    ticket = held(guard)
    guard.rules = Rules(blocked=(ListRule("middle"),))
    with pytest.raises(AskedAgain):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert ticket.decision.result(0).outcome is Outcome.BLOCKED
    assert guard.asker.shown is None


def test_a_question_answered_long_after_is_judged_again(guard: Guard) -> None:
    ticket = held(guard)
    guard.clock.move(hours=3)
    guard.directory.sizes["middle@lists.test"] = 400
    with pytest.raises(AskedAgain):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    question = guard.asker.question()
    assert AnswerIsStale("audience") in question.judgement.verdict.reasons
    guard.gatekeeper.answer(question.id, Answer.SEND)
    assert ticket.decision.result(0).sends


def test_a_late_answer_that_still_fits_and_a_looser_policy_count(guard: Guard) -> None:
    ticket = held(guard)
    guard.clock.move(hours=3)
    guard.rules = Rules(ask_any_from=120)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    send(guard, ticket)


def test_an_answer_given_after_the_client_was_told_to_try_again_counts_for_the_next_try(guard: Guard) -> None:
    ticket = held(guard)
    assert guard.gatekeeper.let_go(ticket)
    assert not guard.asker.question().client_waits
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert not ticket.decision.result(0).sends
    assert state(guard, ticket) is State.CANCELLED
    again = guard.gatekeeper.receive(mail("middle@lists.test", number=2))
    assert again.decision.result(0).sends
    third = guard.gatekeeper.receive(mail("middle@lists.test", number=3))
    assert not third.decision.done(), "an answer is good for one send"


def test_a_refusal_is_remembered_too(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.let_go(ticket)
    guard.gatekeeper.answer(ticket.id, Answer.DONT_SEND)
    guard.directory.sizes["middle@lists.test"] = 160
    again = guard.gatekeeper.receive(mail("middle@lists.test", number=2))
    assert again.decision.result(0).outcome is Outcome.DONT_SEND


@pytest.mark.parametrize(("what", "minutes"), [("audience", 1), ("policy", 1), ("", 11)])
def test_a_remembered_answer_dies_with_time_audience_and_policy(guard: Guard, what: str, minutes: int) -> None:
    ticket = held(guard)
    guard.gatekeeper.let_go(ticket)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.clock.move(minutes=minutes)
    if what == "audience":
        guard.directory.sizes["middle@lists.test"] = 151
    elif what == "policy":
        guard.rules = Rules(ask_any_from=99)
    again = held(guard, number=2)
    assert (AnswerIsStale(what) in again.judgement.verdict.reasons) is bool(what)


def test_a_client_that_tries_again_while_the_question_is_open_takes_its_place(guard: Guard) -> None:
    first, other = held(guard), held(guard, "big@lists.test", number=2)
    guard.gatekeeper.let_go(first)
    again = held(guard, number=3)
    assert state(guard, first) is State.CANCELLED
    assert [question.id for question in guard.gatekeeper.waiting()] == [again.id, other.id]
    assert guard.asker.question().client_waits


def test_the_moment_of_decision_wins_over_letting_go(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert guard.gatekeeper.let_go(ticket) is False


def test_a_client_that_goes_away_after_the_approval_has_cancelled(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.gatekeeper.cancel(ticket)
    assert state(guard, ticket) is State.CANCELLED
    guard.gatekeeper.cancel(ticket)
    with pytest.raises(NotApproved):
        send(guard, ticket)
    unasked = guard.gatekeeper.receive(mail("a@x.test"))
    guard.gatekeeper.cancel(unasked)
    with pytest.raises(NotApproved):
        send(guard, unasked)


def test_a_hook_that_gave_up_waiting_does_no_harm(guard: Guard) -> None:
    ticket = held(guard)
    ticket.decision.cancel()
    guard.gatekeeper.cancel(ticket)
    assert state(guard, ticket) is State.CANCELLED


def test_a_lost_reply_is_never_sent_again_without_a_question(guard: Guard) -> None:
    ticket = guard.gatekeeper.receive(mail("a@x.test"))
    send(guard, ticket)
    guard.gatekeeper.lost(ticket)
    assert state(guard, ticket) is State.UNKNOWN
    again = held(guard, "a@x.test", number=2)
    assert again.judgement.verdict.reasons[0] == PossiblySent(guard.clock.now)
    assert guard.gatekeeper.receive(mail("b@x.test")).decision.result(0).sends
    guard.gatekeeper.settle(ticket.id, was_sent=True, detail="found_in_sent")
    assert state(guard, ticket) is State.SENT
    assert kinds(guard)[-1] is ActivityKind.SENT


def test_a_send_its_client_did_not_hear_of_is_asked_about_when_it_comes_again(guard: Guard) -> None:
    ticket = guard.gatekeeper.receive(mail("a@x.test"))
    send(guard, ticket)
    guard.gatekeeper.sent(ticket, unheard=True)
    again = held(guard, "a@x.test", number=2)
    assert again.judgement.verdict.reasons[0] == PossiblySent(guard.clock.now)
    guard.gatekeeper.cancel(again)
    guard.clock.move(hours=2)
    assert guard.gatekeeper.receive(mail("a@x.test", number=3)).decision.result(0).sends


def test_upstreams_refusal_and_a_persons_word_end_a_row(guard: Guard) -> None:
    one, two = (guard.gatekeeper.receive(mail(f"{name}@x.test")) for name in "ab")
    for ticket in (one, two):
        send(guard, ticket)
    guard.gatekeeper.refused(one, "upstream_550")
    guard.gatekeeper.lost(two)
    guard.gatekeeper.settle(two.id, was_sent=False, detail="person")
    assert [state(guard, ticket) for ticket in (one, two)] == [State.REFUSED, State.REFUSED]


def test_an_answer_stands_for_the_retry_after_a_temporary_refusal(guard: Guard) -> None:
    ticket = held(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    send(guard, ticket)
    guard.gatekeeper.deferred(ticket, "upstream_451")
    again = guard.gatekeeper.receive(mail("middle@lists.test"))
    assert again.decision.result(0).sends
    send(guard, again)
    guard.gatekeeper.sent(again)
    assert guard.gatekeeper.earlier(mail("middle@lists.test")) == guard.ledger.get(again.id)  # type: ignore[attr-defined]
    unasked = guard.gatekeeper.receive(mail("a@x.test"))
    send(guard, unasked)
    guard.gatekeeper.deferred(unasked, "upstream_451")
    assert guard.ledger.answers == {}  # type: ignore[attr-defined]


def test_a_start_after_a_crash_puts_every_row_right(guard: Guard) -> None:
    waiting, approved, sending = (
        held(guard, "middle@lists.test", f"p{number}@x.test", number=number) for number in (1, 2, 3)
    )
    guard.gatekeeper.answer(approved.id, Answer.SEND)
    guard.gatekeeper.answer(sending.id, Answer.SEND)
    send(guard, sending)
    unknown = guard.gatekeeper.recover()
    assert [row.id for row in unknown] == [sending.id]
    assert [state(guard, ticket) for ticket in (waiting, approved)] == [State.CANCELLED, State.CANCELLED]


@pytest.mark.parametrize("address", ["big@lists.test", "a@x.test"])
def test_a_ledger_that_cannot_be_written_lets_nothing_out(guard: Guard, address: str) -> None:
    guard.ledger.full = True  # type: ignore[attr-defined]
    with pytest.raises(LedgerFailed):
        send(guard, guard.gatekeeper.receive(mail(address)))
    assert guard.asker.shown is None


def test_an_approval_that_cannot_be_written_down_is_none(guard: Guard) -> None:
    ticket = held(guard)
    guard.ledger.full = True  # type: ignore[attr-defined]
    with pytest.raises(LedgerFailed):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert not ticket.decision.done()
    guard.ledger.full = False  # type: ignore[attr-defined]
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert ticket.decision.result(0).sends


def test_a_draft_that_would_be_asked_about_is_warned_of_and_not_held(guard: Guard) -> None:
    guard.gatekeeper.warn(mail("big@lists.test", hook=Hook.IMAP_DRAFTS))
    guard.gatekeeper.warn(mail("a@x.test", hook=Hook.IMAP_DRAFTS))
    assert kinds(guard) == [ActivityKind.WARNED]
    assert guard.asker.shown is None


def test_trouble_is_told(guard: Guard) -> None:
    guard.gatekeeper.trouble("imap_unreachable", "work")
    assert guard.activities[0].detail == "imap_unreachable"


def test_the_final_states_have_no_way_out() -> None:
    assert {state for state in MOVES if state.is_final} == {State.SENT, State.REFUSED, State.CANCELLED}
    assert State.SENDING not in set().union(*(MOVES[state] for state in (State.UNKNOWN, State.SENDING)))
    assert FakeAsker().shown is None
