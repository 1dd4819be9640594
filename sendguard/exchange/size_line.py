"""One account's questions about sizes: a session with its server, on a thread of its own.

Nothing here imports exchangelib before the first question that needs it, and then off the asking thread.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from sendguard.exchange.size_cache import ServerSizes
from sendguard.exchange.size_question import SizeQuestion
from sendguard.guard.account import Account
from sendguard.mailbox.errors import CommandRefused, LoginRefused, MailboxError, MailboxUnreachable, ServerBusy

if TYPE_CHECKING:
    from sendguard.exchange.session import Session

LATER_SECONDS = 8.0
"""How long after the answer is due the server is still asked, for the next message."""
REST_SECONDS = 600.0
"""How long a server that refused the login is left alone: more tries could lock the account."""

NOT_SET_UP = frozenset({"no_password", "no_tokens"})
"""Why a server is not asked at all: its gate needs no password of ours. That is no silence of the server's."""

OpenSession = Callable[[Account], "Session"]
"""Opens a session on an account's server. Raises MailboxError."""


class Line:
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
        try:
            return self._worker.submit(self._run, question)
        except RuntimeError as error:  # it takes no more work
            raise MailboxUnreachable("closed") from error

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
