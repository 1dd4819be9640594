"""Fetching what IT publishes, again and again, in the background, and never all desktops at one time."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from sendguard.directories.feed_state import Health, Outcome

log = logging.getLogger(__name__)

SOON = 60.0
"""Seconds within which a desktop that has no directory yet asks first."""
MISSED = 3600.0
"""Seconds over which those spread who were off when they should have asked."""
AGAIN = 300.0
"""Seconds until the first try after one that failed; doubled each time, up to the interval."""
SPREAD = 0.1
"""The interval is taken so much longer or shorter, by chance."""


class Fetching(Protocol):
    """What is fetched: ``Feed``."""

    def outcome(self) -> Outcome:
        """How it stands, without asking anybody."""
        ...

    def refresh(self) -> Outcome:
        """Ask, and put in force what is newer."""
        ...

    def close(self) -> None:
        """End a refresh that is under way."""
        ...


class Updater:
    """Tells ``told`` how it stands at the start and after every try, on its own thread."""

    def __init__(
        self,
        feed: Fetching,
        interval: float,
        told: Callable[[Outcome], None],
        *,
        chance: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self._feed = feed
        self._interval = interval
        self._told = told
        self._chance = chance
        self._now = now
        self._wait = wait
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="directory updates", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at once: a download that is under way is gone on with next time."""
        self._stop.set()
        self._feed.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        outcome = self._feed.outcome()
        self._told(outcome)
        pause, failures = self.first_pause(outcome), 0
        while not self._wait(self._stop, pause):
            outcome = self._refreshed()
            if self._stop.is_set():
                return
            self._told(outcome)
            failures = failures + 1 if outcome.why else 0
            pause = self.next_pause(failures, outcome.retry_after)

    def _refreshed(self) -> Outcome:
        try:
            return self._feed.refresh()
        except Exception as error:  # the thread's top: what is in force stays in force, and it is tried again
            log.warning("a fetch failed by a fault of our own: %s", type(error).__name__)
            return replace(self._feed.outcome(), why="a fault in SendGuard itself")

    def first_pause(self, outcome: Outcome) -> float:
        """Seconds until the first try."""
        if outcome.health is Health.FAILED or outcome.checked_at is None:
            return self._chance() * SOON
        due = self._interval * self._about_one() - (self._now() - outcome.checked_at).total_seconds()
        return min(due, self._interval * (1 + SPREAD)) if due > 0 else self._chance() * min(MISSED, self._interval)

    def next_pause(self, failures: int, retry_after: float | None) -> float:
        """Seconds until the next try, after so many that failed one after the other."""
        if not failures:
            return self._interval * self._about_one()
        pause = min(AGAIN * 2.0 ** min(failures - 1, 20), self._interval) * self._about_one()
        return max(pause, min(retry_after or 0.0, self._interval))

    def _about_one(self) -> float:
        return 1 - SPREAD + 2 * SPREAD * self._chance()
