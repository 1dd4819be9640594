"""What one Exchange server knows of some addresses: lists and how large, people, or nobody it shows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sendguard.audience.audience import AddressKind
from sendguard.audience.count import SMALLEST_LIST, Basis, Count
from sendguard.exchange.mailtips import MailTipsOff, Tips, mail_tips
from sendguard.exchange.names import Named, named
from sendguard.exchange.opening import COUNTS_AGE, SMALL, Opened, Opener
from sendguard.exchange.session import Session
from sendguard.exchange.size_cache import FLEETING, LASTS, PERSON, SOURCE, Learned, ServerSizes
from sendguard.exchange.size_question import SizeQuestion
from sendguard.mailbox.errors import CommandRefused, MailboxUnreachable

_NOBODY = Learned(None, lasts=FLEETING)
_UNKNOWN = Learned(AddressKind.LIST, Count.unknown(SOURCE), lasts=FLEETING)


@dataclass(frozen=True, slots=True)
class Survey:
    """Asks a server about a question's addresses, on one session. What is settled is kept in ``sizes`` as well.

    MailTips are asked for all of them at once. A large count is believed. A list with a small one, and an address
    without any, is looked at closer: it is a person only where the directory calls it one, MailTips did not say that
    they have no answer yet, and either the server is known to count lists or the address cannot be opened as one. Some
    servers call a list a mailbox, and some never count.
    """

    question: SizeQuestion
    session: Session
    sizes: ServerSizes

    def learn(self) -> None:
        """Go on with what is not settled yet. Raises MailboxError."""
        tips = self._tips()
        if tips is not None:
            self.sizes.counts = self.sizes.counts or any(map(_is_list, tips.values()))
            for address, told in tips.items():
                self._at_first_sight(address, told)
        for address in sorted(self.question.unsettled, key=self._urgency):
            self._look(address, None if tips is None else tips.get(address, Tips(pending=True)))

    def _tips(self) -> Mapping[str, Tips] | None:
        """None where the server's administrator has turned them off."""
        question = self.question
        try:
            return mail_tips(self.session, question.asking, question.unsettled, question.later)
        except MailTipsOff:
            return None

    def _at_first_sight(self, address: str, told: Tips) -> None:
        """Settle what needs no more; note what would be true of the rest if there were no more time."""
        if told.invalid:
            self._settle(address, _NOBODY)
        elif (told.people or 0) > SMALL:
            self._settle(address, self._counted(told))
        elif _is_list(told):
            self.question.found[address] = self._counted(told, Basis.AT_LEAST)
        elif not told.pending and self.question.is_outside(address):
            self.question.found[address] = _NOBODY

    def _urgency(self, address: str) -> int:
        """What is surely a list first, what lies outside the organisation last."""
        seen = self.question.found.get(address)
        return 1 if seen is None else 0 if seen.kind is AddressKind.LIST else 2

    def _look(self, address: str, told: Tips | None) -> None:
        """Look closer. Where one address takes too long, the others are still looked at while there is time."""
        try:
            self._settle(
                address, self._listed(address, told) if told and _is_list(told) else self._named(address, told)
            )
        except MailboxUnreachable as error:
            if error.why != "timeout" or time.monotonic() >= self.question.later:
                raise

    def _settle(self, address: str, learned: Learned) -> None:
        self.question.settle(address, learned)
        self.sizes.put(address, learned, self.question.clock())

    def _listed(self, address: str, told: Tips) -> Learned:
        return self._opened(address, told) or self._counted(told)

    def _named(self, address: str, told: Tips | None) -> Learned:
        """``told`` is None where there are no MailTips on the server."""
        pending = told is not None and told.pending
        kind, main = self._name(address)
        if kind is Named.NOBODY and not pending and self.question.is_outside(address):
            return _NOBODY
        if kind in {Named.NOBODY, Named.OTHER}:
            return _UNKNOWN
        may_be_person = kind is Named.PERSON and not pending
        if may_be_person and told is not None and self.sizes.counts:
            return Learned(AddressKind.PERSON, PERSON, main)
        opened = self._opened(address, told)
        if opened is None and may_be_person:
            return Learned(AddressKind.PERSON, PERSON, main)
        return opened or _UNKNOWN

    def _name(self, address: str) -> tuple[Named, str]:
        try:
            return named(self.session, address, self.question.later)
        except CommandRefused:
            return Named.OTHER, address

    def _opened(self, address: str, told: Tips | None) -> Learned | None:
        """None for what cannot be opened: it is no list, or its members are hidden."""
        question = self.question
        until = question.until if time.monotonic() < question.until else question.later
        try:
            opened = Opener(self.session, question.asking, question.own, until).open(address)
        except CommandRefused:
            return None
        return _learned(opened, told or Tips(), question.clock())

    def _counted(self, told: Tips, basis: Basis = Basis.ESTIMATE) -> Learned:
        """A list of which the server says only the number; it was true at some time in the last day."""
        people = told.people or 0
        high = people if basis is Basis.ESTIMATE else None
        count = Count(people, high, basis, SOURCE, self.question.clock() - COUNTS_AGE)
        return Learned(AddressKind.LIST, count, outsiders=told.outsiders)


def _is_list(told: Tips) -> bool:
    """Some servers count a mailbox as one."""
    return (told.people or 0) >= SMALLEST_LIST


def _learned(opened: Opened, told: Tips, now: datetime) -> Learned:
    count = opened.count(told.people, now)
    said = [each for each in (told.outsiders, opened.outsiders()) if each is not None]
    return Learned(
        AddressKind.LIST,
        count,
        own=frozenset(opened.people.own),
        outsiders=max(said, default=None),
        domains=dict(opened.people.domains),
        lists_inside=opened.lists_inside,
        listed=True,
        lasts=FLEETING if count.is_open else LASTS,
    )
