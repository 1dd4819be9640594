"""The watch over what is written and what waits for its time on Exchange: it judges, warns early, and stops nobody."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from exchangelib import Message

from sendguard.exchange import deferral
from sendguard.exchange.changes import Synchronised
from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.items import HEADERS, header_of
from sendguard.exchange.notifications import Notifications
from sendguard.exchange.session import Mailboxes, Session
from sendguard.exchange.sight import Sight
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Scheduled
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.drafts import FRESH, MAX_AT_START, DraftsInSight, WatchOverDrafts


class EwsDraftsWatch(WatchOverDrafts):
    """Watches one account's Drafts, and its Outbox for messages that wait for their time.

    Reads headers and recipients only, and changes nothing but what it is told to pull back.
    """

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
        self._mailboxes = mailboxes
        self._drafts = _Drafts(intake, gatekeeper, clock, known)
        opening = partial(Sight.opening, mailboxes, notifications)
        super().__init__("ews", mailboxes.account.name, gatekeeper, opening, self._drafts)

    def scheduled(self) -> tuple[Scheduled, ...]:
        """What waits on the server for its time, the first due first."""
        return tuple(sorted(self._drafts.scheduled.values(), key=lambda each: each.due))

    def pull_back(self, id: str) -> None:
        """Move a message that waits for its time to Drafts, and take the time away. Blocks.

        Raises MailboxError. Not proven on a real Exchange: some may have sent it meanwhile, or refuse.
        """
        with self._mailboxes.open() as session:
            pull_back(session, id)


class _Drafts(DraftsInSight):
    def __init__(
        self, intake: Intake, gatekeeper: Gatekeeper, clock: Callable[[], datetime], known: Compositions | None
    ) -> None:
        super().__init__(intake, gatekeeper, clock, known)
        self._sync = {"drafts": Synchronised(), "outbox": Synchronised()}
        self._present: dict[str, frozenset[str]] = dict.fromkeys(self._sync, frozenset())
        self.scheduled: dict[str, Scheduled] = {}

    def opened(self, sight: Sight) -> None:
        """Judge what was saved while nobody looked; after the first start, fresh drafts and all that wait."""
        with mapping_ews_errors():
            sight.bell.folder_ids = frozenset(getattr(sight.session.box, name).id for name in self._sync)
        self._look(sight)

    def changed(self, sight: Sight, rung: bool) -> None:
        """Look, whether a bell rang or not."""
        self._look(sight)

    def _look(self, sight: Sight) -> None:
        with mapping_ews_errors():
            for name, sync in self._sync.items():
                changes = sync.changes(getattr(sight.session.box, name))
                kept = frozenset() if changes.anew else self._present[name] - changes.left
                self._present[name] = kept | frozenset(changes.arrived)
                self._judge(sight, self._fresh(sight, changes.arrived) if changes.anew else changes.arrived)
                sync.seen()
        present = frozenset().union(*self._present.values())
        self._known.still_there(present)
        self.scheduled = {id: each for id, each in self.scheduled.items() if id in present}

    def _fresh(self, sight: Sight, ids: Iterable[str]) -> list[str]:
        found = _fetch(sight, ids, ("last_modified_time", deferral.NAME))
        now = self._clock()
        waiting = [item.id for item in found if deferral.due_of(item, now)]
        dated = [(item.last_modified_time, item.id) for item in found if item.id not in waiting]
        return waiting + [id for _, id in sorted(each for each in dated if each[0] >= now - FRESH)[-MAX_AT_START:]]

    def _judge(self, sight: Sight, ids: Iterable[str]) -> None:
        own, account = self._intake.account.identities[0], self._intake.account.name
        for item in _fetch(sight, ids, (*HEADERS, deferral.NAME)):
            submission = self._intake.submission(header_of(item, own), whole=False)
            judgement = self._gatekeeper.warn(submission, self._known.last(submission.composition))
            self._known.keep(judgement, item.id)
            self.scheduled.pop(item.id, None)
            if due := deferral.due_of(item, self._clock()):
                self.scheduled[item.id] = Scheduled(account, item.id, due, judgement)


def _fetch(sight: Sight, ids: Iterable[str], fields: tuple[str, ...]) -> list[Any]:
    """The messages that are still there."""
    wanted = [(id, None) for id in ids]
    found = sight.session.box.fetch(wanted, only_fields=fields) if wanted else ()
    return [item for item in found if isinstance(item, Message)]


def pull_back(session: Session, id: str) -> None:
    """See ``EwsDraftsWatch.pull_back``."""
    box = session.box
    with mapping_ews_errors():
        [item] = box.fetch([(id, None)], only_fields=("parent_folder_id", deferral.NAME))
        if isinstance(item, Exception):
            raise item
        if item.parent_folder_id.id != box.drafts.id:
            item.move(box.drafts)
        item.deferred_send = None
        item.save(update_fields=[deferral.NAME])
