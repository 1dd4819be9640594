"""The drafts watch over Exchange: judges a draft when it is saved, and warns early. It stops nobody's Send."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from exchangelib import Message

from sendguard.exchange.changes import Synchronised
from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.items import HEADERS, header_of
from sendguard.exchange.notifications import Notifications
from sendguard.exchange.session import Mailboxes
from sendguard.exchange.sight import Sight
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.watching import FolderWatch, WatchState

FRESH = timedelta(days=1)
"""Drafts already there are judged when they were changed within a day: old ones would be a storm."""
MAX_AT_START = 50


class EwsDraftsWatch:
    """Watches one account's Drafts. Reads headers and recipients only, and changes nothing."""

    def __init__(
        self,
        mailboxes: Mailboxes,
        notifications: Notifications,
        intake: Intake,
        gatekeeper: Gatekeeper,
        clock: Callable[[], datetime],
        *,
        known: Compositions | None = None,
    ) -> None:
        account = mailboxes.account.name
        self._watch = FolderWatch(
            "ews drafts watch",
            partial(Sight.opening, mailboxes, notifications),
            _Drafts(intake, gatekeeper, clock, known or Compositions()),
            lambda why: gatekeeper.trouble(f"ews_{why}", account),
        )

    @property
    def state(self) -> WatchState:
        """How the watch is doing."""
        return self._watch.state

    def start(self) -> None:
        """Start watching, on a thread of its own."""
        self._watch.start()

    def stop(self) -> None:
        """Stop watching."""
        self._watch.stop()


class _Drafts:
    def __init__(
        self, intake: Intake, gatekeeper: Gatekeeper, clock: Callable[[], datetime], known: Compositions
    ) -> None:
        self._intake = intake
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._known = known
        self._sync = Synchronised()
        self._present: set[str] = set()

    def opened(self, sight: Sight) -> None:
        """Judge what was saved while nobody looked; after the first start, fresh drafts."""
        with mapping_ews_errors():
            sight.bell.folder_id = sight.session.box.drafts.id
        self._look(sight)

    def changed(self, sight: Sight, rung: bool) -> None:
        """Look, whether a bell rang or not."""
        self._look(sight)

    def _look(self, sight: Sight) -> None:
        with mapping_ews_errors():
            changes = self._sync.changes(sight.session.box.drafts)
            self._present = set(changes.arrived) | (set() if changes.anew else self._present - changes.left)
            self._judge(sight, self._fresh(sight, changes.arrived) if changes.anew else changes.arrived)
        self._known.still_there(self._present)

    def _fresh(self, sight: Sight, ids: Iterable[str]) -> list[str]:
        found = sight.session.box.fetch([(id, None) for id in ids], only_fields=["last_modified_time"])
        since = self._clock() - FRESH
        dated = [(item.last_modified_time, item.id) for item in found if isinstance(item, Message)]
        return [id for _, id in sorted(each for each in dated if each[0] >= since)[-MAX_AT_START:]]

    def _judge(self, sight: Sight, ids: Iterable[str]) -> None:
        wanted = [(id, None) for id in ids]
        own = self._intake.account.identities[0]
        for item in sight.session.box.fetch(wanted, only_fields=HEADERS) if wanted else ():
            if isinstance(item, Message):  # else an error: it has gone meanwhile
                submission = self._intake.submission(header_of(item, own), whole=False)
                last = self._known.last(submission.composition)
                self._known.keep(self._gatekeeper.warn(submission, last), item.id)
