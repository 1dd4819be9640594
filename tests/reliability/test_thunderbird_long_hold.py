"""The end of a hold that began with the add-on's first test, in a Thunderbird of its own."""

import pytest

from sendguard.guard.ports import Answer
from tests.features.addon_kit import LongHold
from tests.servers.processes import wait_until

HELD_SECONDS = 300


@pytest.mark.timeout(HELD_SECONDS + 60)
def test_a_hold_of_five_minutes_is_borne_and_then_sent_once(long_hold: LongHold) -> None:
    desk = long_hold.desk
    wait_until(lambda: long_hold.seconds() > HELD_SECONDS, "end of the five minutes", HELD_SECONDS + 10)
    assert desk.question().id == long_hold.question
    assert not desk.thunderbird.is_ready(long_hold.subject)
    assert desk.arrived() == []
    desk.answer(Answer.SEND)
    desk.thunderbird.wait_until_sent(long_hold.subject)
    [arrived] = desk.dovecot.wait_for_messages(desk.colleague, 1)
    assert b"Written long ago" in arrived
