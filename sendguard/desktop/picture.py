"""What the picture of a question shows: dots that stand for something, and for nothing that is not there."""

from dataclasses import dataclass
from math import ceil

from sendguard.audience.audience import Audience
from sendguard.audience.count import SMALLEST_LIST

ROWS = 6
COLUMNS = 60
MOST_DOTS = COLUMNS * ROWS
MOST_TYPED = 4 * ROWS
_STEPS = (1.0, 2.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """``sure`` dots are filled, ``possible`` ones more are hollow, ``each`` stands for so many people.

    ``typed`` is the number of typed addresses, a dot each, 0 where they are too many to be drawn; ``open`` is for an
    audience nobody knows the end of.
    """

    typed: int
    sure: int
    possible: int
    each: int
    open: bool

    @classmethod
    def of(cls, audience: Audience) -> "Picture":
        """The picture of an audience."""
        count = audience.count
        known = 0 if count.is_open and count.low <= SMALLEST_LIST else count.low
        each = scale(known if count.high is None else count.high)
        sure = ceil(known / each)
        possible = 0 if count.high is None else ceil(count.high / each) - sure
        return cls(audience.typed if audience.typed <= MOST_TYPED else 0, sure, possible, each, count.is_open)


def scale(people: int) -> int:
    """How many people one dot stands for, so that all find room: 1, 2, 5, 10, 20, 25, 50, …"""
    power = 1
    while True:
        for step in _STEPS:
            each = step * power
            if each.is_integer() and people <= MOST_DOTS * each:
                return int(each)
        power *= 10
