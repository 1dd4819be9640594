"""The message that another one answers, looked for in IMAP mailboxes."""

import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sendguard.guard.account import Account
from sendguard.guard.ports import Secrets
from sendguard.imap.connection import Connection
from sendguard.imap.folders import Folders
from sendguard.imap.mailbox import Mailbox
from sendguard.imap.search import find_by_id
from sendguard.mail.message import Message
from sendguard.mailbox.originals import BUDGET, MailboxOriginals


class ImapOriginals(MailboxOriginals):
    """The originals in those accounts that have an IMAP server."""

    def __init__(
        self,
        accounts: Iterable[Account],
        secrets: Secrets,
        *,
        budget: float = BUDGET,
        context: ssl.SSLContext | None = None,
    ) -> None:
        with_server = [account for account in accounts if account.imap is not None]
        openings = {each.name: _opening(Mailbox(each, secrets, context)) for each in with_server}
        super().__init__(openings, budget=budget)


class _Search:
    """A connection, and the folders it is searched in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._folders = Folders.of(connection)
        self.hang_up, self.abandon = connection.hang_up, connection.abandon

    def find(self, message_id: str, until: float) -> Message | None:
        found = find_by_id(
            self._connection, self._folders.to_search(), message_id, today=datetime.now(UTC).date(), until=until
        )
        return found.message if found else None


def _opening(mailbox: Mailbox) -> Callable[[], _Search]:
    return lambda: _Search(mailbox.open())
