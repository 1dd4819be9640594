"""The message that another one answers, looked for in the mailbox within a budget."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Protocol, TypeVar

from sendguard.mail.message import Message
from sendguard.mailbox.errors import LoginRefused, MailboxError
from sendguard.mailbox.watching import AFTER_REFUSAL

log = logging.getLogger(__name__)

BUDGET = 3.0
"""Seconds a caller waits. The search goes on a little longer, and its answer is there for the next save."""
MAX_KEPT = 500
NOT_FOUND_FOR = 600.0
"""Seconds for which an id that was not found is not looked for again: a draft is saved every few minutes."""


class Searching(Protocol):
    """A connection to a mailbox that can be searched. Its methods raise MailboxError."""

    def find(self, message_id: str, until: float) -> Message | None:
        """The message with this id (headers only), looked for until the monotonic clock says ``until``."""
        ...

    def hang_up(self) -> None:
        """From any thread: end whatever it waits for. It cannot be used afterwards."""
        ...

    def abandon(self) -> None:
        """Close without a word."""
        ...


class MailboxOriginals:
    """``guard.intake.Originals`` for accounts whose mailbox can be opened for searching. Thread-safe; close it."""

    def __init__(self, openings: Mapping[str, Callable[[], Searching]], *, budget: float = BUDGET) -> None:
        self._budget = budget
        self._seekers = {account: _Seeker(opening, budget) for account, opening in openings.items()}

    def find(self, account: str, message: Message) -> Message | None:
        """The original of ``message`` (headers only), or None when it is not found within the budget. Never raises."""
        seeker = self._seekers.get(account)
        if seeker is None or not message.parent_id:
            return None
        try:
            return seeker.ask(message.parent_id).result(self._budget)
        except (FutureTimeout, MailboxError):
            return None

    def close(self) -> None:
        """End every search."""
        for seeker in self._seekers.values():
            seeker.close()


class _Seeker:
    """One account's searches, one after the other on a thread and a connection of their own."""

    def __init__(
        self, opening: Callable[[], Searching], budget: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._opening = opening
        self._budget = budget
        self._monotonic = monotonic
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="originals")
        self._connection: Searching | None = None
        self._closed = False
        self._rests_until = 0.0
        self._found: dict[str, Message] = {}
        self._missing: dict[str, float] = {}

    def ask(self, message_id: str) -> "Future[Message | None]":
        """Look for an original; what was found before is answered at once."""
        try:
            if message_id not in self._found:
                return self._worker.submit(self._seek, message_id)
        except RuntimeError:
            pass  # closed
        known: Future[Message | None] = Future()
        known.set_result(self._found.get(message_id))
        return known

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if (connection := self._connection) is not None:
            connection.hang_up()
        self._worker.submit(self._abandon)
        self._worker.shutdown(wait=False)

    def _seek(self, message_id: str) -> Message | None:
        now = self._monotonic()
        rests_until = max(self._rests_until, self._missing.get(message_id, 0.0))
        if self._closed or message_id in self._found or now < rests_until:
            return self._found.get(message_id)
        try:
            found = self._search(message_id, now + self._budget)
        except LoginRefused:
            self._rests_until = now + AFTER_REFUSAL
            self._abandon()
            raise
        except MailboxError:
            self._abandon()
            raise
        except Exception as error:  # the thread's top
            self._abandon()
            log.error("search for an original: %s", type(error).__name__)  # noqa: TRY400 - its text may hold mail
            raise MailboxError("broken") from error
        if found is not None:
            _keep(self._found, message_id, found)
        elif self._monotonic() < now + self._budget:
            _keep(self._missing, message_id, now + NOT_FOUND_FOR)
        return found

    def _search(self, message_id: str, until: float) -> Message | None:
        if self._connection is not None:
            try:
                return self._connection.find(message_id, until)
            except MailboxError:
                self._abandon()  # it lay idle, and the server may have ended it: once more on a new one
        self._connection = self._opening()
        return self._connection.find(message_id, until)

    def _abandon(self) -> None:
        if self._connection is not None:
            self._connection.abandon()
            self._connection = None


_Value = TypeVar("_Value")


def _keep(known: dict[str, _Value], message_id: str, value: _Value) -> None:
    known[message_id] = value
    while len(known) > MAX_KEPT:
        del known[next(iter(known))]
