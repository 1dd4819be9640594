"""The signed policy a running SendGuard follows: whatever machine policy trusts, first as kept, then as fetched."""

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.settings.layers import Layer, Offer
from sendguard.settings.values import Values

if TYPE_CHECKING:
    from sendguard.published.updater import Updater
    from sendguard.remote.feed import Outcome, PolicyFeed, Trust

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedStanding:
    """How the signed policy stands. ``serial`` is 0 where none is in force; ``trouble`` is a code, or empty."""

    address: str
    serial: int = 0
    not_before: datetime | None = None
    expires: datetime | None = None
    checked_at: datetime | None = None
    trouble: str = ""


class SignedPolicy:
    """``layers.SignedPolicy``. ``changed`` is called on the fetching thread when another policy is in force.

    ``trouble`` is told a code once when something about it is wrong. Nothing is fetched before ``start``.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self.standing: SignedStanding | None = None
        self._folder = folder
        self._clock = clock
        self._changed: Callable[[], None] = lambda: None
        self._trouble: Callable[[str], None] = lambda code: None
        self._lock = threading.RLock()
        self._running = False
        self._follows: tuple[Trust, float] | None = None
        self._feed: PolicyFeed | None = None
        self._updater: Updater[Outcome] | None = None
        self._outcome: Outcome | None = None
        self._version = 0

    def offer(self, values: Values) -> Offer | None:
        """What the policy in force here says, under machine policy's word on whom to trust. Never raises."""
        with self._lock:
            self._follow(values)
            outcome = self._outcome
        address = values.text("PolicyAddress")
        if not address or outcome is None:
            return Offer(Layer.REMOTE, address, broken="keys") if address else None
        if outcome.document is not None:
            return Offer(Layer.REMOTE, address, outcome.document.settings)
        return Offer(Layer.REMOTE, address, broken="signed") if outcome.refused else None

    def stamp(self) -> Hashable:
        """Something that differs once another policy is in force."""
        return self._version

    def start(self, changed: Callable[[], None], trouble: Callable[[str], None]) -> None:
        """Fetch from now on."""
        with self._lock:
            self._running, self._changed, self._trouble = True, changed, trouble
            self._fetch()

    def stop(self) -> None:
        """End the fetching."""
        with self._lock:
            self._running = False
            updater, self._updater = self._updater, None
        if updater is not None:
            updater.stop()

    def _follow(self, values: Values) -> None:
        """Turn to what machine policy trusts now."""
        address, seconds = values.text("PolicyAddress"), values.number("PolicyMinutes") * 60.0
        follows = None
        if address:
            from sendguard.published.signing import KeyUnusable
            from sendguard.remote.feed import PolicyFeed, Trust, keys_of

            try:
                keys = keys_of(values.lines("PolicyKeys"))
            except KeyUnusable:
                keys = ()
            named = values.text("PolicyOrganisation")
            follows = (Trust(address, keys, named, values.number("PolicySerialFloor")), seconds)
        if follows == self._follows:
            return
        self._follows = follows
        if self._updater is not None:  # it may be telling us something just now: nobody waits for its end here
            threading.Thread(target=self._updater.stop, daemon=True).start()
        self._feed = self._updater = self._outcome = self.standing = None
        if follows is not None and follows[0].keys and follows[0].organisation:
            self._feed = PolicyFeed(follows[0], self._folder, now=self._clock)
            self._take(self._feed.outcome())
            self._fetch()
        elif follows is not None:
            self._stand(SignedStanding(address, trouble="policy_keys"))

    def _fetch(self) -> None:
        if self._running and self._feed is not None and self._follows is not None:
            from sendguard.published.updater import Updater
            from sendguard.remote.feed import rhythm

            feed = self._feed
            self._updater = Updater(feed, rhythm(self._follows[1]), lambda outcome: self._told(feed, outcome))
            self._updater.start()

    def _told(self, feed: "PolicyFeed", outcome: "Outcome") -> None:
        """On the fetching thread, at its start and after every try."""
        with self._lock:
            if feed is not self._feed:
                return
            before = self._outcome
            self._take(outcome)
            is_news = before is None or (before.document, before.refused) != (outcome.document, outcome.refused)
            self._version += is_news
        if outcome.why:
            log.warning("no newer policy was taken: %s", outcome.why)
        if is_news:
            self._changed()

    def _take(self, outcome: "Outcome") -> None:
        self._outcome = outcome
        document, address = outcome.document, self._follows[0].address if self._follows else ""
        if outcome.is_expired(self._clock()):
            trouble = "policy_expired"
        elif outcome.refused:
            trouble = "policy_refused"
        else:
            trouble = "policy_not_fetched" if outcome.why else ""
        if document is None:
            self._stand(SignedStanding(address, checked_at=outcome.checked_at, trouble=trouble))
        else:
            times = document.not_before, document.expires, outcome.checked_at
            self._stand(SignedStanding(address, document.serial, *times, trouble))

    def _stand(self, standing: SignedStanding) -> None:
        known, self.standing = self.standing, standing
        if standing.trouble and (known is None or known.trouble != standing.trouble):
            self._trouble(standing.trouble)
