"""The message that another one answers, looked for in an Exchange mailbox."""

import time
from collections.abc import Iterator
from typing import Any

from exchangelib import Message

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.folders import with_mail
from sendguard.exchange.items import RECEIVED, header_of
from sendguard.exchange.session import Mailboxes, Session
from sendguard.mail.message import Message as OurMessage
from sendguard.mail.message import read_message
from sendguard.mailbox.originals import BUDGET, MailboxOriginals


class EwsOriginals(MailboxOriginals):
    """The originals in one Exchange account."""

    def __init__(self, mailboxes: Mailboxes, *, budget: float = BUDGET) -> None:
        super().__init__({mailboxes.account.name: lambda: _Search(mailboxes.open())}, budget=budget)


class _Search:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.hang_up = session.hang_up
        self.abandon = session.close

    def find(self, message_id: str, until: float) -> OurMessage | None:
        """Inbox and Sent first, then every other folder with mail in it, as long as there is time."""
        with mapping_ews_errors():
            for folder in self._folders():
                found = folder.filter(message_id=message_id).only("id", "changekey")[:1]
                for item in self._session.box.fetch(list(found), only_fields=RECEIVED):
                    if isinstance(item, Message):
                        return read_message(header_of(item), with_body=False)
                if time.monotonic() >= until:
                    return None
        return None

    def _folders(self) -> Iterator[Any]:
        box = self._session.box
        likely = (box.inbox, box.sent)
        yield from likely
        yield from (each for each in with_mail(box) if each.id not in {known.id for known in likely})
