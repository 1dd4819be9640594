"""Whether a message lies in Sent: what is left to know when the server's answer to it was lost."""

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.session import Mailboxes
from sendguard.mailbox.errors import MailboxError


def is_in_sent(mailboxes: Mailboxes, message_id: str) -> bool:
    """Whether Sent holds this message; False as well when that cannot be known. Never raises MailboxError."""
    try:
        with mailboxes.open() as session, mapping_ews_errors():
            return bool(message_id and session.box.sent.filter(message_id=message_id).count())
    except MailboxError:
        return False
