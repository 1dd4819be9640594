"""Trying an Exchange account before it is kept."""

import ssl

from exchangelib.folders import Drafts

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.session import Mailboxes
from sendguard.guard.account import Account
from sendguard.guard.ports import Secrets
from sendguard.mailbox.errors import LoginRefused, MailboxError


def check_connection(account: Account, secrets: Secrets, context: ssl.SSLContext | None = None) -> str:
    """Log in and ask for the drafts folder; changes nothing. A code that begins with ``ews_``, empty when it works.

    Blocks as long as the server lets it, at most about a minute.
    """
    try:
        with Mailboxes(account, secrets, context).open() as session, mapping_ews_errors():
            Drafts.get_distinguished(session.box.root)
    except LoginRefused as error:
        return f"ews_{error.code}"
    except MailboxError as error:
        return f"ews_{error.why}"
    return ""
