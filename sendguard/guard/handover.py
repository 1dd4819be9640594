"""Answers given in a mail program, for the gate the same message passes a moment later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sendguard.guard.ledger import Remembered

MOST = 100
"""Answers kept at once. A person gives few in ten minutes; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    likenesses: frozenset[bytes]
    answer: Remembered


class Handovers:
    """What was approved before it was written down, under every form it may come out in. In memory only: after a
    restart it is asked about again. Not thread-safe by itself.
    """

    def __init__(self) -> None:
        self._kept: list[_Kept] = []

    def keep(self, likenesses: Iterable[bytes], answer: Remembered) -> None:
        """Keep an answer, until it expires, for the one message that comes in any of those forms.

        It takes the place of an earlier one for the same message: two answers never let one message pass twice.
        """
        forms = frozenset(likenesses)
        others = [each for each in self._kept if not each.likenesses & forms]
        self._kept = [*others[1 - MOST :], _Kept(forms, answer)]

    def take(self, likeness: bytes | None, now: datetime) -> Remembered | None:
        """Take out the answer for a message: it is gone afterwards, in all its forms. None when there is none."""
        self._kept = [each for each in self._kept if now < each.answer.expires]
        for each in self._kept:
            if likeness in each.likenesses:
                self._kept.remove(each)
                return each.answer
        return None
