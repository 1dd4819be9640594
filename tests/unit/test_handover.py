"""An approval given in the mail program, found once by the gate."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sendguard.guard.account import Account
from sendguard.guard.handover import MOST, Handovers
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import Outcome, Remembered
from sendguard.guard.ports import Answer
from sendguard.guard.ticket import Ticket
from sendguard.mail.likeness import Content, likenesses, written_likeness
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.reasons import AnswerIsStale
from sendguard.policy.rules import Rules
from tests.fakes import Guard, ManualClock

ACCOUNT = Account("work", ("me@x.test",))
RAW = b"From: me@x.test\r\nTo: middle@lists.test\r\nSubject: test\r\n\r\nHello\r\n"
ENVELOPE = Envelope.of("me@x.test", ["middle@lists.test"])


def met(hook: Hook, raw: bytes = RAW, *recipients: str) -> Submission:
    envelope = Envelope.of("me@x.test", recipients) if recipients else ENVELOPE
    return Intake(ACCOUNT, hook).submission(raw, envelope)


def forms() -> frozenset[bytes]:
    return likenesses(met(Hook.THUNDERBIRD).message, ENVELOPE, Content("Hello", None))


def approved(guard: Guard) -> Ticket:
    """A message its person has approved in the add-on, and Thunderbird is about to send."""
    submission = met(Hook.THUNDERBIRD)
    ticket = guard.gatekeeper.receive(submission)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.gatekeeper.begin(ticket, submission.handed_over)
    guard.gatekeeper.hand_over(ticket, forms())
    return ticket


def test_the_gate_does_not_ask_again_for_what_was_approved_a_moment_ago() -> None:
    guard = Guard()
    approved(guard)
    assert guard.gatekeeper.receive(met(Hook.SMTP_GATE)).decision.result(0).sends


def test_it_counts_once() -> None:
    guard = Guard()
    approved(guard)
    guard.gatekeeper.receive(met(Hook.SMTP_GATE))
    assert not guard.gatekeeper.receive(met(Hook.EWS_GATE)).decision.done()


@pytest.mark.parametrize(
    "other",
    [
        met(Hook.SMTP_GATE, RAW.replace(b"Hello", b"Hell")),
        met(Hook.SMTP_GATE, RAW, "middle@lists.test", "big@lists.test"),
        met(Hook.SMTP_GATE, RAW.replace(b"Subject: test", b"Subject: tests")),
        met(Hook.IMAP_OUTBOX),
    ],
)
def test_it_never_covers_another_message_or_another_way(other: Submission) -> None:
    guard = Guard()
    approved(guard)
    assert not guard.gatekeeper.receive(other).decision.done()


def test_it_dies_after_ten_minutes() -> None:
    guard = Guard()
    approved(guard)
    guard.clock.move(minutes=10)
    assert not guard.gatekeeper.receive(met(Hook.SMTP_GATE)).decision.done()


def test_it_dies_with_the_audience_and_the_policy() -> None:
    for change in ("audience", "policy"):
        guard = Guard()
        approved(guard)
        if change == "audience":
            guard.directory.sizes["middle@lists.test"] = 151
        else:
            guard.rules = Rules(ask_any_from=50)
        ticket = guard.gatekeeper.receive(met(Hook.SMTP_GATE))
        assert not ticket.decision.done()
        assert AnswerIsStale(change) in ticket.judgement.verdict.reasons


def test_what_nobody_was_asked_about_hands_nothing_over() -> None:
    guard = Guard()
    guard.directory.sizes["middle@lists.test"] = 5
    submission = met(Hook.THUNDERBIRD)
    ticket = guard.gatekeeper.receive(submission)
    guard.gatekeeper.hand_over(ticket, forms())
    guard.directory.sizes["middle@lists.test"] = 150
    assert not guard.gatekeeper.receive(met(Hook.SMTP_GATE)).decision.done()


def test_what_was_refused_hands_nothing_over() -> None:
    guard = Guard()
    ticket = guard.gatekeeper.receive(met(Hook.THUNDERBIRD))
    guard.gatekeeper.hand_over(ticket, forms())
    guard.gatekeeper.answer(ticket.id, Answer.DONT_SEND)
    guard.gatekeeper.hand_over(ticket, forms())
    assert not guard.gatekeeper.receive(met(Hook.SMTP_GATE)).decision.done()


def test_an_answer_kept_from_a_failed_try_is_handed_over_as_well() -> None:
    guard = Guard()
    guard.gatekeeper.deferred(approved(guard), "client_failed")
    submission = met(Hook.THUNDERBIRD)
    ticket = guard.gatekeeper.receive(submission)
    assert ticket.decision.result(0).sends
    guard.gatekeeper.begin(ticket, submission.handed_over)
    guard.gatekeeper.hand_over(ticket, forms())
    assert guard.gatekeeper.receive(met(Hook.SMTP_GATE)).decision.result(0).sends
    assert not guard.gatekeeper.receive(met(Hook.SMTP_GATE)).decision.done()


def remembered(clock: ManualClock, key: bytes = b"key") -> Remembered:
    return Remembered(key, Outcome.SEND, "audience", "rules", clock() + timedelta(minutes=10))


def test_every_form_of_a_message_that_was_found_is_gone() -> None:
    clock, handovers = ManualClock(), Handovers()
    handovers.keep([b"plain", b"html"], remembered(clock))
    assert handovers.take(b"html", clock()) == remembered(clock)
    assert handovers.take(b"plain", clock()) is None
    assert handovers.take(None, clock()) is None


def test_two_answers_for_one_message_let_it_pass_once() -> None:
    clock, handovers = ManualClock(), Handovers()
    handovers.keep([b"plain", b"html"], remembered(clock))
    handovers.keep([b"plain"], replace(remembered(clock), outcome=Outcome.SEND, audience_key="new"))
    found = handovers.take(b"plain", clock())
    assert found is not None
    assert found.audience_key == "new"
    assert handovers.take(b"html", clock()) is None


def test_no_more_are_kept_than_a_person_can_give() -> None:
    clock, handovers = ManualClock(), Handovers()
    for number in range(MOST + 1):
        handovers.keep([b"%d" % number], remembered(clock))
    assert handovers.take(b"0", clock()) is None
    assert handovers.take(b"1", clock()) is not None


def test_a_preview_holds_and_tells_nothing() -> None:
    guard = Guard()
    assert guard.gatekeeper.preview(met(Hook.THUNDERBIRD)).audience.count.low == 150
    assert (guard.activities, guard.asker.history) == ([], [])
    assert written_likeness(RAW, ENVELOPE) in forms()
