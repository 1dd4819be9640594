"""The history of a list's size on one computer: what is put down for a day, and what growth is measured against."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sendguard.audience.audience import RECENT, Seen

KEPT = timedelta(days=366)
"""How long a day of the history is kept."""

_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Day:
    """What is kept of a list for one day.

    ``number`` counts days of UTC since 1970, so that a journey makes no day twice. ``people`` is the day's smallest
    size (after the day's answer, where there was one), because a list that has grown at noon must not be measured
    against what it was at noon; ``at`` is when it had that size. ``answered`` is when a person last sent to the list
    after having been asked.
    """

    number: int
    people: int
    at: datetime
    answered: datetime | None = None


def day_number(at: datetime) -> int:
    """The number of the day a moment is in."""
    return int(at.timestamp() // _SECONDS)


def put_down(newest: Day | None, people: int, at: datetime, *, answered: bool) -> Day | None:
    """What to write for a size found at ``at``, in place of the day of that number; None: nothing new.

    ``newest`` is the list's newest day. No day is written before it: under a clock that went back, it goes on.
    """
    number = day_number(at)
    if newest is None or newest.number < number:
        return Day(number, people, at, at if answered else None)
    if answered:
        return Day(newest.number, people, at, at)
    return replace(newest, people=people, at=at) if people < newest.people else None


def earlier(days: Iterable[Day], now: datetime) -> Seen | None:
    """The size a list is measured against: its smallest since a month ago, or since the last answer if that was later.

    Where it stood a month ago is the newest day before that. ``days`` come newest first and are read no further than
    needed. A moment that has not come yet is said to be unknown.
    """
    month_ago, year_ago = day_number(now - RECENT), day_number(now - KEPT)
    counted: list[Day] = []
    for day in days:
        if day.number < year_ago:
            break
        counted.append(day)
        if day.answered or day.number < month_ago:
            break
    if not counted:
        return None
    smallest = min(counted, key=lambda day: day.people)
    return Seen(smallest.people, _passed(smallest.at, now), _passed(counted[-1].answered, now))


def _passed(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at <= now else None
