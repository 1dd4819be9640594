"""How often somebody was asked, or would have been, and at which threshold how often: so that thresholds are facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sendguard.audience.count import Basis, Count
from sendguard.guard.ledger import Outcome, Record
from sendguard.policy.action import Action
from sendguard.policy.verdict import weighs

LOOKS_BACK = timedelta(days=30)
THRESHOLDS = (10, 20, 50, 100, 200, 500, 1_000)
"""Numbers of people a threshold might be set to."""
CHANGED_THEIR_MIND = frozenset({Outcome.DONT_SEND, Outcome.REPLY_TO_SENDER, Outcome.MOVE_TO_BCC})
"""The outcomes of a person who thought again."""
_TRIED_AGAIN = frozenset({"answered_for_next_try", "tried_again"})
"""The details of a row whose message has another row: that of its next try."""


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """How many messages reach ``people`` or more, and how many of them are replies."""

    people: int
    messages: int
    replies: int


@dataclass(frozen=True, slots=True)
class Hindsight:
    """What the last ``days`` days came to, in messages.

    ``would_ask`` had been asked about, or refused, if the organisation did not only monitor. ``unknown`` went to a list
    whose size nobody knows: they are asked about whatever the thresholds are, and are not among ``at`` for the list.
    """

    days: int
    messages: int
    asked: int
    changed_mind: int
    would_ask: int
    refused: int
    unknown: int
    at: tuple[AtThreshold, ...]


def hindsight(records: Iterable[Record], now: datetime, looks_back: timedelta = LOOKS_BACK) -> Hindsight:
    """Sum up the rows received within ``looks_back`` before ``now``. Pure. A message tried again counts once."""
    rows = [row for row in records if row.received_at > now - looks_back and row.detail not in _TRIED_AGAIN]
    asked = [row for row in rows if row.asked]
    sizes = [(weighs(Count(row.low, row.high, row.basis)), row.kind.is_reply) for row in rows]
    return Hindsight(
        days=looks_back.days,
        messages=len(rows),
        asked=len(asked),
        changed_mind=sum(row.outcome in CHANGED_THEIR_MIND for row in asked),
        would_ask=sum(is_only_monitored(row) for row in rows),
        refused=sum(row.outcome is Outcome.BLOCKED for row in rows),
        unknown=sum(row.basis is Basis.UNKNOWN for row in rows),
        at=tuple(_at(threshold, sizes) for threshold in THRESHOLDS),
    )


def is_only_monitored(row: Record) -> bool:
    """Whether it weighed enough to be asked about or refused, and went all the same."""
    return row.action >= Action.CONFIRM and not row.asked and row.outcome is not Outcome.BLOCKED


def _at(threshold: int, sizes: list[tuple[float, bool]]) -> AtThreshold:
    reaching = [is_reply for size, is_reply in sizes if size >= threshold]
    return AtThreshold(threshold, len(reaching), sum(reaching))
