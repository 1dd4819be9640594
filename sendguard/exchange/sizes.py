"""Exchange as a source of sizes, for all accounts that are on such a server.

Nothing here imports exchangelib before the first question that needs it, and then off the asking thread.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime

from sendguard.audience.source import Query, Reach, SourceFailed
from sendguard.exchange.size_answer import answer
from sendguard.exchange.size_cache import SOURCE, Learned, ServerSizes
from sendguard.exchange.size_line import LATER_SECONDS, NOT_SET_UP, Line, OpenSession
from sendguard.exchange.size_question import SizeQuestion
from sendguard.guard.account import Account
from sendguard.mail.address import is_addr_spec
from sendguard.mailbox.errors import MailboxError

log = logging.getLogger(__name__)

WITHIN = 1.3
"""Seconds for an answer: a little less than the resolver waits."""
TO_FINISH = 0.1
"""Seconds of those that are kept for what was learned to come back."""


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
        self._lines = [Line(each, open_session, known.setdefault(_server(each), ServerSizes())) for each in theirs]
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

    def _line(self, query: Query) -> Line | None:
        """The originator's own account, or the first one."""
        theirs = [line for line in self._lines if line.account.own_addresses & query.originators]
        return next(iter(theirs or self._lines), None)

    def _learn(self, line: Line, missing: tuple[str, ...], query: Query) -> dict[str, Learned]:
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
