"""When a desktop asks for a newer directory."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sendguard.directories.feed_state import AGAIN, MISSED, SOON, Health, Outcome, rhythm
from sendguard.published.updater import Updater
from tests.indexes import MADE

DAY = 86_400.0
FRESH = Outcome(Health.FRESH, Path("directory-3.index"), 3, MADE, MADE + timedelta(days=14), MADE)
FAILED = replace(FRESH, health=Health.STALE, why="the server does not answer")


class Feed:
    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.closed = False

    def outcome(self, why: str = "") -> Outcome:
        return replace(FRESH, why=why)

    def refresh(self) -> Outcome:
        return self.outcomes.pop(0)  # an IndexError where there is none left

    def close(self) -> None:
        self.closed = True


def updater(*, chance: float = 0.5, hours_later: float = 0.0) -> Updater[Outcome]:
    now = MADE + timedelta(hours=hours_later)
    return Updater(Feed(), rhythm(DAY), lambda outcome: None, chance=lambda: chance, now=lambda: now)


def test_a_desktop_without_a_directory_asks_within_a_minute() -> None:
    assert updater(chance=0.99).first_pause(Outcome(Health.FAILED)) < SOON
    assert updater(chance=0.99).first_pause(replace(FRESH, checked_at=None)) < SOON


def test_one_that_has_asked_asks_again_when_the_interval_is_over() -> None:
    assert updater(hours_later=6).first_pause(FRESH) == DAY * 0.75
    assert updater(chance=0.0, hours_later=6).first_pause(FRESH) == DAY * 0.65


def test_those_who_were_off_are_spread_over_an_hour() -> None:
    assert updater(chance=0.25, hours_later=80).first_pause(FRESH) == MISSED / 4


def test_a_clock_that_went_back_lets_nobody_wait_for_ever() -> None:
    assert updater(hours_later=-9000).first_pause(FRESH) <= DAY * 1.1


def test_after_failures_it_asks_later_and_later_up_to_the_interval() -> None:
    pauses = [updater().next_pause(failures, None) for failures in (1, 2, 3, 30)]
    assert pauses == [AGAIN, 2 * AGAIN, 4 * AGAIN, DAY]


def test_a_server_that_asks_to_be_left_alone_is() -> None:
    assert updater().next_pause(1, 7200) == 7200
    assert updater().next_pause(1, 1e9) == DAY


def test_every_try_is_told_and_the_stop_ends_it_at_once() -> None:
    told: list[Outcome] = []
    pauses: list[float] = []
    tried = threading.Event()

    def wait(stop: threading.Event, seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) > 2:
            tried.set()
            return stop.wait(20)
        return False

    feed = Feed(FAILED, FRESH)
    works = Updater(feed, rhythm(DAY), told.append, chance=lambda: 0.5, now=lambda: MADE, wait=wait)
    works.start()
    assert tried.wait(10)
    works.stop()
    assert told == [FRESH, FAILED, FRESH]
    assert pauses == [DAY, AGAIN, DAY]
    assert feed.closed
    works.stop()


@pytest.mark.logs("a fault of our own: IndexError")
def test_a_fault_of_ours_is_told_and_tried_again() -> None:
    told: list[Outcome] = []
    again = threading.Event()

    def wait(stop: threading.Event, seconds: float) -> bool:
        if len(told) > 1:
            again.set()
            return stop.wait(20)
        return False

    works = Updater(Feed(), rhythm(DAY), told.append, wait=wait)
    works.start()
    assert again.wait(10)
    works.stop()
    assert [bool(outcome.why) for outcome in told] == [False, True]
