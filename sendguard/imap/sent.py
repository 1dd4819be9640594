"""Whether a message lies in Sent: what is left to know when the server's answer to it was lost."""

import ssl
from collections.abc import Iterable

from sendguard.guard.account import Account
from sendguard.guard.ports import Secrets
from sendguard.imap.folders import Folders
from sendguard.imap.mailbox import Mailbox
from sendguard.imap.search import find_by_id
from sendguard.mailbox.errors import MailboxError


class SentLookup:
    """Looks into the Sent folders of accounts. May block as long as a server lets it."""

    def __init__(self, accounts: Iterable[Account], secrets: Secrets, *, context: ssl.SSLContext | None = None) -> None:
        self._mailboxes = {account.name: Mailbox(account, secrets, context) for account in accounts}

    def find(self, account: str, message_id: str) -> bool | None:
        """Whether Sent holds this message; None when that cannot be known. Never raises MailboxError.

        False does not mean that it was not sent: not every server files what it sends.
        """
        mailbox = self._mailboxes.get(account)
        if mailbox is None or not message_id:
            return None
        try:
            with mailbox.open() as connection:
                sent = Folders.of(connection).sent
                return find_by_id(connection, [sent], message_id) is not None if sent else None
        except MailboxError:
            return None
