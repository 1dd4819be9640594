"""Exchange as a source of sizes, for all accounts that are on such a server.

Nothing here imports exchangelib before the first question that needs it, and then off the asking thread.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime
from typing import TYPE_CHECKING

from sendguard.audience.source import Query, Reach, SourceFailed
from sendguard.exchange.size_answer import answer
from sendguard.exchange.size_cache import SOURCE, Learned, ServerSizes
from sendguard.exchange.size_question import SizeQuestion
from sendguard.guard.account import Account
from sendguard.mail.address import is_addr_spec
from sendguard.mailbox.errors import CommandRefused, LoginRefused, MailboxError, MailboxUnreachable, ServerBusy

if TYPE_CHECKING:
    from sendguard.exchange.session import Session

log = logging.getLogger(__name__)

WITHIN = 1.3
"""Seconds for an answer: a little less than the resolver waits."""
TO_FINISH = 0.1
"""Seconds of those that are kept for what was learned to come back."""
LATER_SECONDS = 8.0
"""How long after the answer is due the server is still asked, for the next message."""
REST_SECONDS = 600.0
"""How long a server that refused the login is left alone: more tries could lock the account."""

NOT_SET_UP = frozenset({"no_password", "no_tokens"})
"""Why a server is not asked at all: its gate needs no password of ours. That is no silence of the server's."""

OpenSession = Callable[[Account], "Session"]
"""Opens a session on an account's server. Raises MailboxError."""


class ExchangeSizes:
    """An ``audience.source.Source``. Each account has a session and a worker of its own; what a server said is shared.

    What the server has not answered in time is of unknown size, and not answered at all when nothing else is known.
    """

    name = SOURCE
    instant = False
    domains: frozenset[str] = frozenset()

    def __init__(
        self,
        accounts: Iterable[Account],
        open_session: OpenSession,
        clock: Callable[[], datetime],
        *,
        within: float = WITHIN,
    ) -> None:
        known: dict[str, ServerSizes] = {}
        theirs = [each for each in accounts if each.exchange is not None]
        own = frozenset(address for each in theirs for address in each.identities)
        self._lines = [_Line(each, open_session, known.setdefault(_server(each), ServerSizes())) for each in theirs]
        self._own = own
        self._clock = clock
        self._within = within

    def reach(self, query: Query) -> Reach:
        """Answer for the addresses the server knows. Raises SourceFailed when it said nothing in time."""
        line = self._line(query)
        if line is None:
            return Reach()
        wanted = [address for address in query.addresses if is_addr_spec(address) and address.isprintable()]
        now = self._clock()
        found = {address: learned for address in wanted if (learned := line.sizes.get(address, now))}
        missing = tuple(address for address in wanted if address not in found)
        if missing:
            try:
                found |= self._learn(line, missing, query)
            except SourceFailed as error:
                if str(error) not in NOT_SET_UP:
                    raise
                return answer(query, self._own, found, ())
        silent = [address for address in missing if address not in found]
        if silent and len(silent) == len(wanted):
            raise SourceFailed("no answer in time")
        return answer(query, self._own, found, silent)

    def warm_up(self) -> None:
        """Load what is needed and log in, so that the first message need not wait for it. Does not block."""
        for line in self._lines:
            line.warm_up()

    def close(self) -> None:
        """Hang up, and let the workers go."""
        for line in self._lines:
            line.close()

    def _line(self, query: Query) -> "_Line | None":
        """The originator's own account, or the first one."""
        theirs = [line for line in self._lines if line.account.own_addresses & query.originators]
        return next(iter(theirs or self._lines), None)

    def _learn(self, line: "_Line", missing: tuple[str, ...], query: Query) -> dict[str, Learned]:
        end = time.monotonic() + self._within
        question = SizeQuestion(
            line.account.identities[0],
            self._own,
            missing,
            query.is_outside,
            until=end - TO_FINISH,
            later=end + LATER_SECONDS,
            clock=self._clock,
        )
        try:
            line.ask(question).result(self._within)
        except FutureTimeout:
            pass
        except MailboxError as error:
            log.info("no sizes from Exchange: %s", error.why)
            if not question.found:
                raise SourceFailed(error.why) from error
        return dict(question.found)


def _server(account: Account) -> str:
    return account.exchange.url if account.exchange else ""


class _Line:
    """One account's session, on a thread of its own."""

    def __init__(self, account: Account, open_session: OpenSession, sizes: ServerSizes) -> None:
        self.account = account
        self.sizes = sizes
        self._open = open_session
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="exchange sizes")
        self._session: Session | None = None
        self._closed = False
        self._rests_until = 0.0

    def ask(self, question: SizeQuestion) -> "Future[None]":
        """Let a question be answered; it ends with MailboxError where the server could not be asked, and raises one
        when the line is closed.
        """
        if self._closed:
            raise MailboxUnreachable("closed")
        return self._worker.submit(self._run, question)

    def warm_up(self) -> None:
        """Ask for one's own MailTips; what goes wrong goes wrong again when somebody wants to know something."""
        self._worker.submit(self._log_in)

    def _log_in(self) -> None:
        from sendguard.exchange.mailtips import mail_tips

        own = self.account.identities[0]
        try:
            mail_tips(self._connected(), own, [own], time.monotonic() + LATER_SECONDS)
        except CommandRefused:
            pass  # it is there all the same
        except MailboxError as error:
            self._drop()
            self._rests_until = time.monotonic() + _rest(error)

    def close(self) -> None:
        """From any thread."""
        if self._closed:
            return
        self._closed = True
        session = self._session
        if session is not None:
            session.hang_up()
        self._worker.submit(self._drop)
        self._worker.shutdown(wait=False)

    def _run(self, question: SizeQuestion) -> None:
        """Once more on a new session, where the old one was cut: a server ends those nobody used for a while."""
        if time.monotonic() >= question.until or time.monotonic() < self._rests_until:
            raise MailboxUnreachable("busy")
        try:
            self._survey(question)
        except MailboxUnreachable as error:
            if error.why != "connection" or time.monotonic() >= question.later:
                raise
            self._survey(question)

    def _survey(self, question: SizeQuestion) -> None:
        from sendguard.exchange.survey import Survey

        try:
            Survey(question, self._connected(), self.sizes).learn()
        except MailboxError as error:
            self._drop()
            self._rests_until = time.monotonic() + _rest(error)
            raise

    def _connected(self) -> "Session":
        if self._session is None:
            self._session = self._open(self.account)
        if self._closed:
            raise MailboxUnreachable("closed")
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _rest(error: MailboxError) -> float:
    if isinstance(error, LoginRefused) and error.why not in NOT_SET_UP:
        return REST_SECONDS
    return min(error.seconds, REST_SECONDS) if isinstance(error, ServerBusy) else 0.0
