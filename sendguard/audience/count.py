"""A number of people, with how it is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self


class Basis(StrEnum):
    """How a count is known."""

    EXACT = "exact"
    ASSUMED = "assumed"
    """Each address taken for one person, because no directory speaks for its domain."""
    AT_MOST = "at_most"
    ESTIMATE = "estimate"
    AT_LEAST = "at_least"
    UNKNOWN = "unknown"

    @property
    def open_ended(self) -> bool:
        """Whether nobody knows an upper bound."""
        return self is Basis.AT_LEAST or self is Basis.UNKNOWN


_WEAKNESS = list(Basis)
"""From the surest to the weakest: the declared order."""


@dataclass(frozen=True, slots=True)
class Count:
    """``low`` to ``high`` people; ``high`` is None when open. ``as_of`` is when the data was true, None for "now".

    Raises ValueError for a combination that would say more than is known: an unknown size that is 0 or 1, an exact
    one that is a range.
    """

    low: int
    high: int | None
    basis: Basis
    source: str = ""
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if self.low < 0 or (self.high is not None and self.high < self.low):
            raise ValueError("a count runs from low to high, and low is not negative")
        if self.basis.open_ended != (self.high is None):
            raise ValueError(f"{self.basis} and an upper bound of {self.high} contradict each other")
        if self.low != self.high and self.basis in {Basis.EXACT, Basis.ASSUMED}:
            raise ValueError(f"{self.basis} cannot be a range")
        if self.basis is Basis.UNKNOWN and self.low < SMALLEST_LIST:
            raise ValueError("an unknown size is never 0 and never 1")

    @classmethod
    def exact(cls, people: int, source: str = "", as_of: datetime | None = None) -> Self:
        """So many people, no more and no fewer."""
        return cls(people, people, Basis.EXACT, source, as_of)

    @classmethod
    def unknown(cls, source: str = "", at_least: int = 0) -> Self:
        """A list whose size nobody knows; it stands for more than one mailbox by definition."""
        return cls(max(at_least, SMALLEST_LIST), None, Basis.UNKNOWN, source)

    @property
    def is_open(self) -> bool:
        """Whether it counts as larger than every threshold."""
        return self.high is None

    def reaches(self, threshold: int) -> bool:
        """Whether it may be ``threshold`` people or more. An open count reaches every threshold."""
        return self.high is None or self.high >= threshold


SMALLEST_LIST = 2


def nobody() -> Count:
    """The count of an empty audience."""
    return Count.exact(0)


def together(counts: Iterable[Count], *, disjoint: bool) -> Count:
    """Count the union of several audiences of which only the sizes are known.

    ``disjoint`` says that nobody is in two of them; otherwise the sum is an upper bound and the largest a lower one.
    Anything unknown makes the whole unknown; the age is that of the oldest.
    """
    parts = [count for count in counts if count.high != 0]
    if not parts:
        return nobody()
    if len(parts) == 1:
        return parts[0]
    low = sum(count.low for count in parts) if disjoint else max(count.low for count in parts)
    basis = max((count.basis for count in parts), key=_WEAKNESS.index)
    sources = dict.fromkeys(count.source for count in parts if count.source)
    as_of = min((count.as_of for count in parts if count.as_of), default=None)
    if basis.open_ended:
        return Count(low, None, basis, ", ".join(sources), as_of)
    high = sum(count.high or 0 for count in parts)
    if low != high and basis in {Basis.EXACT, Basis.ASSUMED}:
        basis = Basis.AT_MOST
    return Count(low, high, basis, ", ".join(sources), as_of)
