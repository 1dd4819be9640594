"""Trying a server before an account is kept."""

import ssl
from dataclasses import dataclass

from sendguard.guard.account import Server
from sendguard.imap.connection import Connection
from sendguard.imap.folders import Folders
from sendguard.mailbox.errors import LoginRefused, MailboxError

WISHED = ("IDLE", "MOVE", "UIDPLUS", "SPECIAL-USE")
"""Capabilities SendGuard works without, though slower or less well."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How a try went. ``trouble`` is a code of ``imap.errors`` (``login_refused`` too), empty when it went well.

    ``missing`` are those of ``WISHED`` the server lacks; ``no_drafts`` and ``no_sent`` tell of folders not found.
    """

    trouble: str = ""
    missing: tuple[str, ...] = ()
    no_drafts: bool = False
    no_sent: bool = False

    @property
    def works(self) -> bool:
        """Whether the account can be used."""
        return not self.trouble


def check_connection(server: Server, password: str, context: ssl.SSLContext | None = None) -> Checked:
    """Log in and look around; changes nothing. Blocks as long as the server lets it, at most about a minute."""
    try:
        with Connection.open(server, password, context) as connection:
            folders = Folders.of(connection)
            missing = tuple(each for each in WISHED if not connection.can(each))
    except LoginRefused:
        return Checked(trouble="login_refused")
    except MailboxError as error:
        return Checked(trouble=error.why)
    return Checked("", missing, no_drafts=not folders.drafts, no_sent=not folders.sent)
