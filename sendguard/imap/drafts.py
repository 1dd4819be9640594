"""The drafts watch: judges a draft when it is saved, and warns early. It cannot stop another program's Send."""

import ssl
from collections.abc import Callable, Iterable
from datetime import datetime

from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Secrets
from sendguard.imap.client import Pushed
from sendguard.imap.connection import Connection, since
from sendguard.imap.folders import Folders
from sendguard.imap.mailbox import Mailbox
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.drafts import FRESH, MAX_AT_START, DraftsInSight, WatchOverDrafts
from sendguard.mailbox.errors import MailboxError


class DraftsWatch(WatchOverDrafts):
    """Watches one account's Drafts. Reads header blocks only, in a folder opened for reading: it changes no flag."""

    def __init__(
        self,
        account: Account,
        secrets: Secrets,
        intake: Intake,
        gatekeeper: Gatekeeper,
        clock: Callable[[], datetime],
        *,
        known: Compositions | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        drafts = _Drafts(intake, gatekeeper, clock, known)
        mailbox = Mailbox(account, secrets, context)
        super().__init__("imap", account.name, gatekeeper, mailbox.open, drafts)


class _Drafts(DraftsInSight):
    """What is done with the folder in sight. No push is waited for to be merged with the next: arrivals are judged."""

    def __init__(
        self, intake: Intake, gatekeeper: Gatekeeper, clock: Callable[[], datetime], known: Compositions | None
    ) -> None:
        super().__init__(intake, gatekeeper, clock, known)
        self._name = ""
        self._uidvalidity = 0
        self._next_uid = 0

    def opened(self, connection: Connection) -> None:
        """Judge what was saved while nobody looked; after the first start, or when all UIDs are void, fresh drafts."""
        self._name = Folders.of(connection).drafts
        if not self._name:
            raise MailboxError("no_drafts_folder")
        self._look(connection)

    def changed(self, connection: Connection, pushed: Pushed) -> None:
        """Judge what has arrived; what has left is looked at afterwards.

        After a quiet time the folder is opened again: of one that was deleted and made anew Dovecot says nothing.
        """
        if not pushed:
            self._look(connection)
        if pushed.arrived:
            self._judge(connection, connection.uids_from(self._next_uid))
        if pushed.left:
            self._known.still_there(connection.uids())

    def _look(self, connection: Connection) -> None:
        folder = connection.select(self._name, readonly=True)
        if folder.uidvalidity == self._uidvalidity:
            self._judge(connection, connection.uids_from(self._next_uid))
        else:
            day, self._next_uid = self._clock() - FRESH, 0
            self._judge(connection, connection.uids(since(day.year, day.month, day.day))[-MAX_AT_START:])
            # Only now: whoever was cut off on the way looks at all of them again.
            self._uidvalidity, self._next_uid = folder.uidvalidity, max(self._next_uid, folder.uidnext)
        self._known.still_there(connection.uids())

    def _judge(self, connection: Connection, uids: Iterable[int]) -> None:
        for uid, header in sorted(connection.headers(uids).items()):
            self._next_uid = max(self._next_uid, uid + 1)
            submission = self._intake.submission(header, whole=False)
            last = self._known.last(submission.composition)
            self._known.keep(self._gatekeeper.warn(submission, last), uid)
