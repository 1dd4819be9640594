"""An account's mailbox: how to get into it."""

import ssl
from dataclasses import dataclass

from sendguard.guard.account import Account
from sendguard.guard.ports import Secrets
from sendguard.imap.connection import Connection
from sendguard.mailbox.errors import MailboxUnreachable

SERVICE = "imap"
"""The name of the secret (``guard.ports.Secrets``)."""


@dataclass(frozen=True)
class Mailbox:
    """Opens connections for one account. ``context`` verifies the server; None for the system's authorities."""

    account: Account
    secrets: Secrets
    context: ssl.SSLContext | None = None

    def open(self) -> Connection:
        """A new connection, logged in. Raises MailboxUnreachable (``no_password`` too), LoginRefused."""
        if self.account.imap is None:
            raise MailboxUnreachable("no_server")
        password = self.secrets.get(self.account.name, SERVICE)
        if password is None:
            raise MailboxUnreachable("no_password")
        return Connection.open(self.account.imap, password, self.context)
