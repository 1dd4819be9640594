"""What becomes of messages when policy changes, is lifted by a code, or only monitors."""

from dataclasses import replace

import pytest

from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import MONITORED, Outcome, Record, State
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.guard.ticket import CodeSpent, QuestionGone, Ticket, WrongWord
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.action import Action
from sendguard.policy.lifting import digest_of
from sendguard.policy.reasons import Blocked, PossiblySent, Protected, ReachesMany
from sendguard.policy.rules import ListRule, Rules
from tests.fakes import Guard

CODE = "7QK2-M9XD-4TFW-8HNB"
CODED = Rules(blocked=(ListRule("middle", "Closed.", (digest_of(CODE),)),))
BLOCKED = Rules(blocked=(ListRule("middle", "Closed."),))
RAW = b"From: me@x.test\r\nTo: x@x.test\r\nSubject: test\r\nMessage-ID: <%d@x>\r\n\r\ntest\r\n"


@pytest.fixture
def guard() -> Guard:
    return Guard()


def mail(*recipients: str, number: int = 1) -> Submission:
    intake = Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE)
    return intake.submission(RAW % number, Envelope.of("me@x.test", recipients or ("middle@lists.test",)))


def received(guard: Guard, *recipients: str, number: int = 1) -> Ticket:
    return guard.gatekeeper.receive(mail(*recipients, number=number))


def row(guard: Guard, ticket: Ticket) -> Record:
    found: Record = guard.ledger.get(ticket.id)  # type: ignore[attr-defined]
    return found


# A code


def test_a_message_with_the_code_is_sent_and_says_which_code_it_was(guard: Guard) -> None:
    guard.rules = CODED
    ticket = received(guard)
    with pytest.raises(WrongWord):
        guard.gatekeeper.answer(ticket.id, Answer.SEND, "150")
    guard.gatekeeper.answer(ticket.id, Answer.SEND, CODE.lower())
    assert ticket.decision.result(0).sends
    guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw)
    guard.gatekeeper.sent(ticket)
    assert row(guard, ticket).detail == f"code_{digest_of(CODE)[:8]}"
    assert row(guard, ticket).state is State.SENT


def test_a_code_is_good_for_one_message(guard: Guard) -> None:
    guard.rules = CODED
    first, second = received(guard, number=1), received(guard, number=2)
    guard.gatekeeper.answer(first.id, Answer.SEND, CODE)
    with pytest.raises(CodeSpent):
        guard.gatekeeper.answer(second.id, Answer.SEND, CODE)
    assert not second.decision.done()
    assert guard.asker.question().id == second.id


def test_a_code_that_is_refused_for_its_question_is_not_spent(guard: Guard) -> None:
    guard.rules = CODED
    ticket = received(guard)
    with pytest.raises(QuestionGone):
        guard.gatekeeper.answer("another", Answer.SEND, CODE)
    with pytest.raises(WrongWord):
        guard.gatekeeper.answer(ticket.id, Answer.REPLY_TO_SENDER, CODE)
    guard.gatekeeper.answer(ticket.id, Answer.SEND, CODE)
    assert ticket.decision.result(0).sends


# Policy changes while a question is on the screen


def test_a_held_message_is_refused_with_the_reason_when_its_list_is_blocked(guard: Guard) -> None:
    ticket, other = received(guard, number=1), received(guard, "big@lists.test", number=2)
    guard.rules = BLOCKED
    guard.gatekeeper.policy_changed()
    decision = ticket.decision.result(0)
    assert decision.outcome is Outcome.BLOCKED
    assert Blocked("middle@lists.test", "Closed.") in decision.judgement.verdict.reasons
    assert row(guard, ticket).state is State.REFUSED
    assert guard.asker.question().id == other.id
    with pytest.raises(QuestionGone):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)


def test_a_question_whose_client_was_told_to_try_again_is_refused_as_well(guard: Guard) -> None:
    ticket = received(guard)
    guard.gatekeeper.let_go(ticket)
    guard.rules = BLOCKED
    guard.gatekeeper.policy_changed()
    assert guard.asker.shown is None
    assert received(guard).decision.result(0).outcome is Outcome.BLOCKED


@pytest.mark.parametrize(
    "rules",
    [
        Rules(type_from=120),
        CODED,
        Rules(protected=(ListRule("middle", "Ask the board."),)),
    ],
    ids=["type the number", "needs a code", "the organisation says more"],
)
def test_a_question_becomes_a_stricter_one(guard: Guard, rules: Rules) -> None:
    ticket = received(guard)
    guard.rules = rules
    guard.gatekeeper.policy_changed()
    question = guard.asker.question()
    assert question.id != ticket.id
    assert not ticket.decision.done()
    with pytest.raises(QuestionGone):
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    assert question.judgement.verdict.rules_version == rules.version


@pytest.mark.parametrize(
    "rules", [Rules(ask_any_from=0, type_from=0), Rules(monitor_only=True), Rules(ask_any_from=99)]
)
def test_a_question_on_the_screen_is_never_taken_back_or_eased(guard: Guard, rules: Rules) -> None:
    guard.rules = Rules(protected=(ListRule("middle", "Ask."),))
    ticket = received(guard)
    guard.rules = rules
    guard.gatekeeper.policy_changed()
    question = guard.asker.question()
    assert question.id == ticket.id
    assert Protected("middle@lists.test", "Ask.") in question.judgement.verdict.reasons


def test_a_question_becomes_stricter_when_its_list_is_counted_anew(guard: Guard) -> None:
    ticket = received(guard)
    guard.directory.sizes["middle@lists.test"] = 5000
    guard.gatekeeper.policy_changed()
    assert guard.asker.question().id == ticket.id
    guard.gatekeeper.policy_changed(counted_anew=True)
    question = guard.asker.question()
    assert question.id != ticket.id
    assert question.judgement.audience.count.high == 5000


def test_a_change_that_is_none_asks_nobody_anew(guard: Guard) -> None:
    ticket = received(guard)
    asked = len(guard.directory.asked)
    guard.gatekeeper.policy_changed()
    assert guard.asker.question().id == ticket.id
    assert len(guard.directory.asked) == asked


def test_what_may_have_been_sent_before_is_still_said_of_a_stricter_question(guard: Guard) -> None:
    first = received(guard)
    guard.gatekeeper.answer(first.id, Answer.SEND)
    guard.gatekeeper.begin(first, first.judgement.submission.raw)
    guard.gatekeeper.lost(first)
    again = received(guard, number=2)
    guard.rules = Rules(type_from=120)
    guard.gatekeeper.policy_changed()
    reasons = guard.asker.question().judgement.verdict.reasons
    assert any(isinstance(reason, PossiblySent) for reason in reasons)
    assert not again.decision.done()


# Monitoring


@pytest.mark.parametrize(("rules", "weight"), [(Rules(), Action.CONFIRM), (Rules(block_from=100), Action.BLOCK)])
def test_monitoring_lets_go_and_puts_down_what_would_have_been_asked(
    guard: Guard, rules: Rules, weight: Action
) -> None:
    guard.rules = replace(rules, monitor_only=True)
    ticket = received(guard)
    assert ticket.decision.result(0).sends
    assert guard.asker.shown is None
    guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw)
    guard.gatekeeper.sent(ticket)
    found = row(guard, ticket)
    assert (found.action, found.asked, found.detail) == (weight, False, MONITORED)
    assert ReachesMany.code in found.reasons


def test_monitoring_puts_nothing_down_of_what_nobody_would_have_been_asked_about(guard: Guard) -> None:
    guard.rules = Rules(monitor_only=True)
    ticket = received(guard, "a@x.test")
    guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw)
    assert row(guard, ticket).detail == ""


def test_monitoring_still_asks_about_what_may_have_been_sent_before(guard: Guard) -> None:
    guard.rules = Rules(monitor_only=True)
    first = received(guard)
    guard.gatekeeper.begin(first, first.judgement.submission.raw)
    guard.gatekeeper.lost(first)
    again = received(guard, number=2)
    assert not again.decision.done()


def test_monitoring_refuses_what_is_blocked_by_name_and_warns_of_no_draft(guard: Guard) -> None:
    guard.rules = replace(BLOCKED, monitor_only=True)
    assert received(guard).decision.result(0).outcome is Outcome.BLOCKED
    guard.rules = Rules(monitor_only=True)
    guard.gatekeeper.warn(mail())
    assert ActivityKind.WARNED not in [activity.kind for activity in guard.activities]
