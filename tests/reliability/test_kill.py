"""kill -9 at every step of a send: never lost, never twice by itself, never unconfirmed."""

import signal

import pytest

from sendguard.guard.ledger import State
from tests.reliability.conftest import Desk

HELD, APPROVED, SENDING, SENT = 1, 2, 3, 4
"""The writes to the ledger for one message that is asked about, in their order."""


@pytest.mark.parametrize(
    ("when", "step", "copies", "state"),
    [
        ("before", HELD, 0, None),
        ("after", HELD, 0, State.CANCELLED),
        ("before", APPROVED, 0, State.CANCELLED),
        ("after", APPROVED, 0, State.CANCELLED),
        ("before", SENDING, 0, State.CANCELLED),
        ("after", SENDING, 0, State.UNKNOWN),
        ("before", SENT, 1, State.UNKNOWN),
        ("after", SENT, 1, State.SENT),
    ],
)
def test_a_gate_killed_at_any_step_neither_loses_nor_repeats(
    desk: Desk, when: str, step: int, copies: int, state: State | None
) -> None:
    desk.start(when, str(step))
    code, _ = desk.submit()
    desk.wait_until_dead()
    assert code == 0, "a client that got no 250 still has the message"
    assert desk.arrived(copies) == copies
    desk.start()
    states = [row.state for row in desk.rows()]
    assert states == ([state] if state else [])
    assert desk.arrived(copies) == copies, "nothing is sent again by itself"


def test_after_a_lost_send_the_next_try_is_asked_about_and_says_why(desk: Desk) -> None:
    desk.start("before", str(SENT))
    desk.submit()
    desk.wait_until_dead()
    desk.start()
    assert desk.submit()[0] == 250
    first, second = desk.rows()
    assert first.state is State.UNKNOWN
    assert second.asked
    assert second.reasons[0] == "possibly_sent"
    assert desk.arrived(2) == 2, "the person said: send"


def test_an_ordinary_end_leaves_nothing_half_done(desk: Desk) -> None:
    desk.start()
    assert desk.submit()[0] == 250
    assert desk.arrived(1) == 1
    desk.stop(signal.SIGTERM)
    assert [row.state for row in desk.rows()] == [State.SENT]
