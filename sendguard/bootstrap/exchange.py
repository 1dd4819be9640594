"""The send paths of an account on an Exchange server. Everything of exchangelib is imported when one starts."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sendguard.audience.source import Source
from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake, Originals
from sendguard.guard.ports import Scheduled, Secrets
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.errors import MailboxError
from sendguard.settings.values import Values

if TYPE_CHECKING:
    from sendguard.exchange.drafts import EwsDraftsWatch
    from sendguard.exchange.outbox import EwsOutbox
    from sendguard.exchange.session import Session
    from sendguard.exchange.sizes import ExchangeSizes


SHARE_OF_DEADLINE = 0.85
"""Of the resolver's deadline: what is known by then is to come back in time."""


class ExchangeDirectory:
    """The sizes Exchange knows, for as long as the accounts on it stay the same: what was learned is kept with them."""

    def __init__(self, secrets: Secrets, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._clock = clock
        self._made_for: tuple[tuple[Account, ...], float] = (), 0.0
        self._sizes: ExchangeSizes | None = None

    def sources(self, accounts: Iterable[Account], deadline: float) -> "list[Source]":
        """The source for those accounts, which answers within the resolver's ``deadline`` (seconds).

        None where no account is on an Exchange.
        """
        theirs = tuple(account for account in accounts if account.exchange is not None)
        if (theirs, deadline) != self._made_for:
            self.close()
            self._made_for, self._sizes = (theirs, deadline), self._made(theirs, deadline) if theirs else None
        return [self._sizes] if self._sizes is not None else []

    def warm_up(self) -> None:
        """Log in before the first message wants to know something. Does not block."""
        if self._sizes is not None:
            self._sizes.warm_up()

    @property
    def is_asked(self) -> bool:
        """Whether there is a server to ask."""
        return self._sizes is not None

    def close(self) -> None:
        """Hang up."""
        if self._sizes is not None:
            self._sizes.close()

    def _made(self, accounts: tuple[Account, ...], deadline: float) -> "ExchangeSizes":
        from sendguard.exchange.sizes import ExchangeSizes

        return ExchangeSizes(accounts, self._open, self._clock, within=deadline * SHARE_OF_DEADLINE)

    def _open(self, account: Account) -> "Session":
        from sendguard.exchange.session import Mailboxes

        return Mailboxes(account, self._secrets).open()


class ExchangePaths:
    """Makes the paths of one account around one stream of notifications. Close it when they have stopped."""

    def __init__(self, account: Account, secrets: Secrets, gatekeeper: Gatekeeper) -> None:
        from sendguard.exchange.notifications import Notifications
        from sendguard.exchange.originals import EwsOriginals
        from sendguard.exchange.session import Mailboxes

        self._mailboxes = Mailboxes(account, secrets)
        self._notifications = Notifications(self._mailboxes.open)
        self._gatekeeper = gatekeeper
        self._originals = EwsOriginals(self._mailboxes)
        self._drafts: EwsDraftsWatch | None = None

    @property
    def originals(self) -> Originals:
        """Where the messages are found that others answer."""
        return self._originals

    def outbox(self, intake: Intake, clock: Callable[[], datetime], values: Values, known: Compositions) -> "EwsOutbox":
        """The guarded outbox."""
        from sendguard.exchange.outbox import EwsOutbox

        max_size = values.number("MaxMessageMegabytes") * 1_000_000
        return EwsOutbox(
            self._mailboxes, self._notifications, intake, self._gatekeeper, clock, max_size=max_size, known=known
        )

    def drafts(self, intake: Intake, clock: Callable[[], datetime], known: Compositions) -> "EwsDraftsWatch":
        """The watch over Drafts."""
        from sendguard.exchange.drafts import EwsDraftsWatch

        watch = EwsDraftsWatch(self._mailboxes, self._notifications, intake, self._gatekeeper, clock, known=known)
        self._drafts = watch
        return watch

    def scheduled(self) -> tuple[Scheduled, ...]:
        """What waits on the server for its time; nothing where Drafts are not watched."""
        return self._drafts.scheduled() if self._drafts is not None else ()

    def pull_back(self, id: str) -> bool:
        """Have the server give one of those back; False when it did not."""
        try:
            if self._drafts is not None:
                self._drafts.pull_back(id)
        except MailboxError:
            return False
        return self._drafts is not None

    def was_sent(self, message_id: str) -> bool:
        """Whether Sent holds a message. Blocks as long as the server lets it."""
        from sendguard.exchange.sent import is_in_sent

        return is_in_sent(self._mailboxes, message_id)

    def close(self) -> None:
        """End the stream and every search."""
        self._notifications.stop()
        self._originals.close()
