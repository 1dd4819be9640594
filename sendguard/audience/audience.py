"""The people a submission reaches, and what each typed address brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sendguard.audience.count import Count, nobody

RECENT = timedelta(days=30)
"""How far back a size is looked for that a list may have grown from."""


class AddressKind(StrEnum):
    """What an address stands for."""

    PERSON = "person"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Seen:
    """A size a list had at another time.

    ``answered``: when a person on this computer last sent to the list after having been asked. What is older than that
    is behind them.
    """

    people: int
    at: datetime | None = None
    answered: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one typed address brings.

    ``count`` is without the originator; ``path`` the lists passed through, outermost first, ending before the people;
    ``lists_inside`` how many nested lists it opens; ``only`` the people nobody else typed brings (None: not known);
    ``outsiders`` those surely outside the organisation; ``seen`` an earlier size; ``hint`` why it is taken for a list.
    """

    address: str
    kind: AddressKind
    count: Count
    path: tuple[str, ...] = ()
    lists_inside: int = 0
    only: int | None = None
    outsiders: int = 0
    seen: Seen | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """A source that gave no answer: ``why`` is ``timeout`` or ``failed``."""

    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two sources that give numbers for one list which cannot both be true."""

    address: str
    one: Count
    other: Count


@dataclass(frozen=True, slots=True)
class Audience:
    """The distinct people a submission reaches, originator not counted.

    ``typed`` is the number of distinct addresses; ``external`` the people surely outside the organisation's domains;
    ``parts`` one per typed address, in the order typed.
    """

    count: Count = field(default_factory=nobody)
    typed: int = 0
    external: int = 0
    outside_addresses: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    missed: tuple[Missed, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def lists(self) -> tuple[Part, ...]:
        """The typed addresses that are lists, the largest first, unknown sizes before all."""
        found = [part for part in self.parts if part.kind is AddressKind.LIST]
        return tuple(sorted(found, key=lambda part: -(part.count.high if part.count.high is not None else 1 << 62)))

    @property
    def unknown_lists(self) -> tuple[Part, ...]:
        """The typed lists whose size nobody knows."""
        return tuple(part for part in self.lists if part.count.is_open)

    def with_seen(self, own: Mapping[str, Seen], now: datetime) -> "Audience":
        """The same, its parts measured against what this computer saw of their addresses as well as the publisher."""
        return replace(
            self,
            parts=tuple(
                replace(part, seen=_earlier(part.seen, own[part.address], now)) if part.address in own else part
                for part in self.parts
            ),
        )


def _earlier(published: Seen | None, own: Seen, now: datetime) -> Seen:
    """The smaller one, of those that are recent if any is; a published one only if no answer is newer.

    A size without a time may be of today, but an answer is newer: it was given with that size in view.
    """
    if published is None or (own.answered and (published.at is None or published.at <= own.answered)):
        return own
    both = (published, own)
    recent = [seen for seen in both if seen.at is None or seen.at >= now - RECENT]
    return min(recent or both, key=lambda seen: seen.people)
