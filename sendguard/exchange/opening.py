"""Lists opened, and lists in lists: by MailTips where those give a count, by ExpandDL where they do not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sendguard.audience.count import SMALLEST_LIST, Basis, Count
from sendguard.exchange.expansion import Expansion, expand
from sendguard.exchange.mailtips import MailTipsOff, Tips, mail_tips
from sendguard.exchange.session import Session
from sendguard.exchange.size_cache import SOURCE
from sendguard.mailbox.errors import CommandRefused, MailboxUnreachable

SMALL = 50
"""MailTips that say more than this are believed. A smaller list is opened: one in it may have been counted as one."""
COUNTS_AGE = timedelta(hours=24)
"""MailTips counts come from group metrics, which are made once a day (Microsoft, "Group metrics and MailTips")."""
DEEPEST = 8
MOST_LISTS = 200
"""Lists opened for one address; beyond that it is "at least" what was found."""


@dataclass(slots=True)
class Opened:
    """``people`` seen themselves, ``estimates`` of lists inside that were not opened. ``more``: who knows how many."""

    people: Expansion = field(default_factory=Expansion)
    estimates: list[Tips] = field(default_factory=list)
    lists_inside: int = 0
    more: bool = False

    def count(self, said: int | None, now: datetime) -> Count:
        """How many people that makes; ``said`` is what the server counts for the list as a whole.

        Unknown where nobody was shown. Where the server counts more people than it shows, both may be right: some
        members may be hidden.
        """
        seen, estimates = self.people.count, [tips.people or 0 for tips in self.estimates]
        low, high = max([seen, *estimates]), seen + sum(estimates)
        if self.more or not high:
            return Count(low, None, Basis.AT_LEAST, SOURCE, now) if low >= SMALLEST_LIST else Count.unknown(SOURCE)
        if estimates or (said or 0) > high:
            return Count(low, max(high, said or 0), Basis.ESTIMATE, SOURCE, now - COUNTS_AGE)
        return Count.exact(seen, SOURCE, now)

    def outsiders(self) -> int | None:
        """What the server counts of them in lists that were not opened; None where all were."""
        return max((tips.outsiders or 0 for tips in self.estimates), default=None)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens lists on one session until ``until`` (``time.monotonic``), asking as ``address``."""

    session: Session
    address: str
    own: frozenset[str]
    until: float

    def open(self, list_: str) -> Opened:
        """Open a list and those in it, level by level. Raises CommandRefused for what is no list or hidden, and
        MailboxUnreachable; when only time ran out on the way, ``more`` says so.
        """
        opened = Opened()
        seen, level = {list_}, self._expand(list_, opened)
        try:
            for _ in range(DEEPEST):
                inside = [each for each in level if each not in seen]
                seen.update(inside)
                opened.lists_inside += len(inside)
                if not inside:
                    return opened
                level = self._next(inside, opened)
        except MailboxUnreachable as error:
            if error.why != "timeout":
                raise
        opened.more = True
        return opened

    def _next(self, lists: list[str], opened: Opened) -> list[str]:
        """Count some lists that are in others; the lists in them."""
        found: dict[str, None] = {}
        tips = self._tips(lists)
        for each in lists:
            told = tips.get(each, Tips())
            if (told.people or 0) > SMALL:
                opened.estimates.append(told)
            elif opened.lists_inside > MOST_LISTS:
                opened.more = True
            else:
                found |= dict.fromkeys(self._within(each, told, opened))
        return list(found)

    def _within(self, list_: str, told: Tips, opened: Opened) -> list[str]:
        try:
            return self._expand(list_, opened)
        except CommandRefused:
            if (told.people or 0) >= SMALLEST_LIST:
                opened.estimates.append(told)
            else:
                opened.more = True
            return []

    def _expand(self, list_: str, opened: Opened) -> list[str]:
        level = expand(self.session, list_, self.until, own=self.own, before=opened.people)
        opened.people = level
        opened.more = opened.more or not level.complete or bool(level.closed) or not level.shown
        return list(level.lists)

    def _tips(self, lists: list[str]) -> Mapping[str, Tips]:
        try:
            return mail_tips(self.session, self.address, lists, self.until)
        except MailTipsOff:
            return {}
