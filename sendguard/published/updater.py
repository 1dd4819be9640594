"""Fetching what IT publishes, again and again, in the background, and never all desktops at one time."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

log = logging.getLogger(__name__)


class Checked(Protocol):
    """What a try came to."""

    @property
    def checked_at(self) -> datetime | None:
        """When a check went well last; None where nothing is here yet."""
        ...

    @property
    def why(self) -> str:
        """What failed, in words; empty where nothing did."""
        ...

    @property
    def retry_after(self) -> float | None:
        """The seconds the server wants to be left alone."""
        ...


Outcome = TypeVar("Outcome", bound=Checked)
Said = TypeVar("Said", bound=Checked, covariant=True)


class Fetching(Protocol[Said]):
    """What is fetched."""

    def outcome(self, why: str = "") -> Said:
        """How it stands, without asking anybody; ``why`` is what failed."""
        ...

    def refresh(self) -> Said:
        """Ask, and put in force what is newer."""
        ...

    def close(self) -> None:
        """End a refresh that is under way."""
        ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a desktop asks, in seconds.

    ``interval`` lies between two tries, by chance up to ``early`` shorter or ``late`` longer (shares of it). Within
    ``soon`` one asks that has nothing yet, within ``missed`` one that was off when it should have asked. After a try
    that failed it is ``again``, doubled each time, up to ``most``.
    """

    interval: float
    early: float
    late: float
    soon: float
    missed: float
    again: float
    most: float


class Updater(Generic[Outcome]):
    """Tells ``told`` how it stands at the start and after every try, on its own thread."""

    def __init__(
        self,
        feed: Fetching[Outcome],
        rhythm: Rhythm,
        told: Callable[[Outcome], None],
        *,
        chance: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self._feed = feed
        self._rhythm = rhythm
        self._told = told
        self._chance = chance
        self._now = now
        self._wait = wait
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="updates", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at once: a download that is under way is gone on with next time."""
        self._stop.set()
        self._feed.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
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
            return self._feed.outcome("a fault in SendGuard itself")

    def first_pause(self, outcome: Checked) -> float:
        """Seconds until the first try."""
        rhythm = self._rhythm
        if outcome.checked_at is None:
            return self._chance() * rhythm.soon
        due = rhythm.interval * self._about_one() - (self._now() - outcome.checked_at).total_seconds()
        longest = rhythm.interval * (1 + rhythm.late)
        return min(due, longest) if due > 0 else self._chance() * min(rhythm.missed, rhythm.interval)

    def next_pause(self, failures: int, retry_after: float | None) -> float:
        """Seconds until the next try, after so many that failed one after the other."""
        rhythm = self._rhythm
        if not failures:
            return rhythm.interval * self._about_one()
        pause = min(rhythm.again * 2.0 ** min(failures - 1, 20), rhythm.most) * self._about_one()
        return max(pause, min(retry_after or 0.0, rhythm.most))

    def _about_one(self) -> float:
        return 1 - self._rhythm.early + (self._rhythm.early + self._rhythm.late) * self._chance()
