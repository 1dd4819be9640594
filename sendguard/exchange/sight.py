"""A folder in sight: a session to ask what has changed, and a bell that says when."""

from types import TracebackType
from typing import Self

from sendguard.exchange.notifications import Bell, Notifications
from sendguard.exchange.session import Mailboxes, Session

LOOK_EVERY = 60.0
"""Seconds after which is looked without a ring: a server's stream may break without a word."""


class Sight:
    """``mailbox.watching.Watchable`` over Exchange."""

    def __init__(self, session: Session, notifications: Notifications) -> None:
        self.session = session
        self._notifications = notifications
        self.bell: Bell = notifications.bell()

    @classmethod
    def opening(cls, mailboxes: Mailboxes, notifications: Notifications) -> "Sight":
        """Open a session of its own. Raises MailboxUnreachable, LoginRefused."""
        return cls(mailboxes.open(), notifications)

    def wait(self) -> bool:
        """Wait for a ring; False when it is only time to look."""
        return self.bell.wait(LOOK_EVERY)

    def hang_up(self) -> None:
        """From any thread: end whatever is waited for."""
        self.session.hang_up()
        self.bell.ring()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._notifications.unhook(self.bell)
        self.session.close()
