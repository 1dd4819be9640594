"""What a list's size is measured against, from submission to submission."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sendguard.audience.audience import AddressKind, Audience, Part, Seen
from sendguard.audience.count import Count
from sendguard.audience.history import Day, day_number, earlier
from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.guard.judge import Judgement
from sendguard.guard.ports import Answer
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.reasons import Grown
from sendguard.policy.rules import Rules
from tests.fakes import Guard

TEAM = "team@lists.test"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def guard() -> Guard:
    """Asks about nothing but growth."""
    guard = Guard()
    guard.rules = Rules(ask_any_from=0, ask_reply_from=0, type_from=0)
    return guard


def to(*addresses: str, number: int = 1) -> Submission:
    raw = f"From: me@x.test\r\nTo: {', '.join(addresses)}\r\nMessage-ID: <{number}@x>\r\n\r\n{number}\r\n".encode()
    return Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE).submission(raw, Envelope.of("me@x.test", addresses))


def growth(judgement: Judgement) -> int | None:
    """The size a list is said to have grown from."""
    return next((reason.before for reason in judgement.verdict.reasons if isinstance(reason, Grown)), None)


def judged(guard: Guard, people: int) -> int | None:
    guard.directory.sizes[TEAM] = people
    return growth(guard.judge.judge(to(TEAM)))


_numbers: Iterator[int] = iter(range(1, 1_000_000))


def sent(guard: Guard, people: int) -> int | None:
    """Send to the list, confirming where that is asked; returns the size it is said to have grown from."""
    guard.directory.sizes[TEAM] = people
    submission = to(TEAM, number=next(_numbers))
    ticket = guard.gatekeeper.receive(submission)
    if not ticket.decision.done():
        guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.gatekeeper.begin(ticket, submission.raw)
    guard.gatekeeper.sent(ticket)
    return growth(ticket.judgement)


def test_a_list_that_creeps_2_9_fold_every_day_is_noticed(guard: Guard) -> None:
    """Though a message was sent to it on every one of these days: nobody was asked, so nobody knows."""
    said = []
    for day in range(4):
        said.append(sent(guard, int(14 * 2.9**day)))
        guard.clock.move(days=1)
    assert said == [None, None, 14, None], "and is asked about once: the third size was sent to"


def test_a_list_that_takes_longer_than_a_month_to_grow_is_not_asked_about(guard: Guard) -> None:
    for people in range(40, 640, 9):
        assert sent(guard, people) is None
        guard.clock.move(days=3)


def test_a_grown_list_is_asked_about_until_it_was_sent_to_and_then_not(guard: Guard) -> None:
    assert judged(guard, 38) is None
    for _ in range(3):
        assert judged(guard, 850_112) == 38, "not even by the hour may the new size become the old one"
        guard.clock.move(hours=9)
    assert sent(guard, 850_112) == 38
    for _ in range(40):
        assert judged(guard, 850_112) is None
        guard.clock.move(days=1)


def test_a_grown_list_that_shrank_and_grows_again_is_asked_about_again(guard: Guard) -> None:
    judged(guard, 38)
    assert sent(guard, 850_112) == 38
    assert judged(guard, 40) is None
    assert judged(guard, 850_112) == 40
    assert sent(guard, 850_112) == 40
    guard.clock.move(days=1)
    assert judged(guard, 850_112) is None


def test_a_list_not_written_to_for_months_is_measured_against_the_last_time(guard: Guard) -> None:
    judged(guard, 38)
    guard.clock.move(days=300)
    assert judged(guard, 850_112) == 38
    guard.clock.move(days=1)
    assert judged(guard, 850_112) == 38


def test_what_is_older_than_a_year_counts_no_more(guard: Guard) -> None:
    judged(guard, 38)
    guard.clock.move(days=366)
    assert judged(guard, 850_112) == 38
    guard.clock.move(days=1)
    assert judged(guard, 850_112) is None


@pytest.mark.parametrize("days", [-1, -4000])
def test_a_clock_that_goes_back_does_no_harm(guard: Guard, days: int) -> None:
    judged(guard, 38)
    guard.clock.move(days=days)
    assert judged(guard, 850_112) == 38
    assert sent(guard, 850_112) == 38
    assert judged(guard, 850_112) is None
    guard.clock.move(days=-days)
    assert judged(guard, 850_112) is None
    assert [day.number for day in guard.sizes.days[TEAM]] == [day_number(NOW)]


def test_a_time_that_has_not_come_is_not_said() -> None:
    ahead = NOW + timedelta(days=90)
    assert earlier([Day(day_number(ahead), 38, ahead, ahead)], NOW) == Seen(38)
    assert earlier([], NOW) is None


def test_a_size_nobody_knows_is_not_remembered(guard: Guard) -> None:
    guard.judge.remember(guard.judge.judge(to("all@lists.test")))
    assert guard.sizes.days == {}
    guard.judge.judge(to("p@x.test"))
    assert guard.sizes.days == {}


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.mark.parametrize(
    ("published", "own", "used"),
    [
        (None, Seen(20, ago(3)), "own"),
        (Seen(14, ago(7)), Seen(20, ago(3)), "published"),
        (Seen(20, ago(7)), Seen(14, ago(3)), "own"),
        (Seen(14, ago(60)), Seen(20, ago(3)), "own"),
        (Seen(20, ago(7)), Seen(14, ago(60)), "published"),
        (Seen(14, ago(90)), Seen(20, ago(60)), "published"),
        (Seen(14), Seen(20, ago(3)), "published"),
        (Seen(14, ago(7)), Seen(500, ago(3), answered=ago(3)), "own"),
        (Seen(14), Seen(500, ago(3), answered=ago(3)), "own"),
        (Seen(14, ago(2)), Seen(500, ago(3), answered=ago(3)), "published"),
        (Seen(14, ago(7)), Seen(500, ago(1), answered=ago(9)), "published"),
    ],
)
def test_of_the_publishers_size_and_our_own_the_smaller_recent_one_counts_unless_an_answer_is_newer(
    published: Seen | None, own: Seen, used: str
) -> None:
    part = Part(TEAM, AddressKind.LIST, Count.exact(500), seen=published)
    other = Part("b@x.test", AddressKind.LIST, Count.exact(5), seen=Seen(3))
    found = Audience(parts=(part, other)).with_seen({TEAM: own}, NOW)
    assert [each.seen for each in found.parts] == [own if used == "own" else published, Seen(3)]
