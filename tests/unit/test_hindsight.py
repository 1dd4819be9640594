"""What the history comes to, and what other thresholds would have done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sendguard.audience.count import Basis
from sendguard.guard.hindsight import AtThreshold, Hindsight, hindsight
from sendguard.guard.ledger import MONITORED, Outcome, Record, State
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.policy.action import Action

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SENT = Record(
    "r", Hook.SMTP_GATE, "work", State.SENT, Kind.NEW, 1, 1, 1, Basis.ASSUMED, Action.SEND, (), "v", NOW, NOW,
)  # fmt: skip


def people(number: int, **changes: object) -> Record:
    return replace(SENT, low=number, high=number, **changes)  # type: ignore[arg-type]


def test_the_thresholds_are_counted_as_the_rules_would_have_met_them() -> None:
    rows = [
        people(1), people(19), people(20, kind=Kind.REPLY_ALL), people(99), people(100), people(850_112),
        replace(SENT, low=30, high=None, basis=Basis.AT_LEAST),
        replace(SENT, low=60, high=None, basis=Basis.UNKNOWN),
    ]  # fmt: skip
    found = hindsight(rows, NOW)
    assert {each.people: (each.messages, each.replies) for each in found.at} == {
        10: (7, 1), 20: (6, 1), 50: (5, 0), 100: (3, 0), 200: (2, 0), 500: (2, 0), 1000: (2, 0),
    }  # fmt: skip
    assert (found.messages, found.unknown) == (8, 1)


def test_what_was_asked_what_would_have_been_and_what_was_refused_are_told_apart() -> None:
    rows = [
        people(120, asked=True, action=Action.CONFIRM, outcome=Outcome.SEND),
        people(120, asked=True, action=Action.CONFIRM, outcome=Outcome.DONT_SEND, state=State.REFUSED),
        people(120, action=Action.CONFIRM, detail=MONITORED),
        people(900, action=Action.BLOCK, detail="unheard"),
        people(9, action=Action.BLOCK, outcome=Outcome.BLOCKED, state=State.REFUSED),
        people(3, action=Action.NOTICE),
    ]
    found = hindsight(rows, NOW)
    assert found == Hindsight(30, 6, asked=2, changed_mind=1, would_ask=2, refused=1, unknown=0, at=found.at)
    assert AtThreshold(100, 4, 0) in found.at


def test_a_message_tried_again_counts_once_and_an_old_one_not_at_all() -> None:
    rows = [
        people(120, detail="answered_for_next_try"),
        people(120, detail="tried_again"),
        people(120),
        people(120, received_at=NOW - timedelta(days=30)),
        people(120, received_at=NOW - timedelta(days=29)),
    ]
    assert hindsight(rows, NOW).messages == 2
    assert hindsight(rows, NOW, timedelta(days=7)).messages == 1
    assert hindsight(rows, NOW, timedelta(days=7)).days == 7
