"""The guarded outbox as a folder on an Exchange server, which itself sends what was approved, and nothing newer."""

from collections.abc import Callable
from typing import Any, NamedTuple

from exchangelib import Mailbox as Box
from exchangelib import Message
from exchangelib import errors as ews
from exchangelib.items import NEVER_OVERWRITE

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.folders import find_or_make
from sendguard.exchange.items import HEADERS, WHOLE, whole_message
from sendguard.exchange.sending import mapping_send_errors
from sendguard.exchange.session import Session
from sendguard.mail.address import Mailbox
from sendguard.mailbox.folder import Stored
from sendguard.mailbox.held import Held


class ItemKey(NamedTuple):
    """One state of one item: its change key is another one after every change (MS-OXWSCORE §2.2.4.25)."""

    id: str
    change_key: str


class EwsOutboxFolder:
    """The folder during one round of work, on one session. It is always of one epoch."""

    epoch = 0

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._box = session.box
        self._sizes: dict[ItemKey, int] = {}
        with mapping_ews_errors():
            self.folder = find_or_make(self._box, name)

    def keys(self) -> tuple[ItemKey, ...]:
        """What waits there, oldest first."""
        with mapping_ews_errors():
            found = self.folder.all().only("id", "changekey", "size").order_by("datetime_created")
            self._sizes = {_key(item): item.size or 0 for item in found if isinstance(item, Message)}
        return tuple(self._sizes)

    def size(self, key: ItemKey) -> int:
        """Octets of a message as it was listed; 0 when it was not."""
        return self._sizes.get(key, 0)

    def read(self, key: ItemKey) -> Stored | None:
        """The message in this very state; None when it has gone or was changed."""
        item = self._item(key, (*HEADERS, *WHOLE))
        if item is None:
            return None
        raw = whole_message(item, self._box.primary_smtp_address)
        return Stored(raw, "\n".join(key).encode())

    def send(self, held: Held[ItemKey], stored: Stored, begin: Callable[[], None]) -> None:
        """SendItem with the approved change key: Exchange refuses it for anything newer."""
        with mapping_ews_errors():
            sent = self._box.sent  # asked for before anything can leave
        begin()
        with mapping_send_errors():
            [answer] = self._box.bulk_send([held.key], copy_to_folder=sent)
            if isinstance(answer, Exception):
                raise answer

    def file(self, held: Held[ItemKey]) -> None:
        """Exchange has moved it to Sent; what it left here all the same is taken out."""
        if held.key in self.keys():
            self._consume(self._box.bulk_delete([held.key], delete_type="MoveToDeletedItems"))

    def narrow(self, held: Held[ItemKey], sender: Mailbox) -> None:
        """Change the recipients in place: the message has another change key then, and is judged anew."""
        item = self._item(held.key, HEADERS)
        if item is None:
            return
        item.to_recipients, item.cc_recipients, item.bcc_recipients = [_box_of(sender)], None, None
        fields = ["to_recipients", "cc_recipients", "bcc_recipients"]
        with mapping_ews_errors():
            item.save(update_fields=fields, conflict_resolution=NEVER_OVERWRITE)

    def back_to_drafts(self, key: ItemKey) -> None:
        """Move a message to Drafts, unsent."""
        with mapping_ews_errors():
            self._consume(self._box.bulk_move([key], to_folder=self._box.drafts))

    def in_sent(self, message_id: str) -> frozenset[str]:
        """The ids of what in Sent bears this Message-ID."""
        if not message_id:
            return frozenset()
        with mapping_ews_errors():
            found = self._box.sent.filter(message_id=message_id).only("id")
            return frozenset(item.id for item in found)

    def hang_up(self) -> None:
        """From any thread: end whatever is under way."""
        self._session.hang_up()

    def _item(self, key: ItemKey, fields: tuple[str, ...]) -> Any:
        with mapping_ews_errors():
            [item] = self._box.fetch([(key.id, None)], only_fields=fields)
        return item if isinstance(item, Message) and _key(item) == key else None

    def _consume(self, answers: list[Any]) -> None:
        for answer in answers:
            if isinstance(answer, ews.ErrorItemNotFound):
                continue  # it has gone by itself
            if isinstance(answer, Exception):
                with mapping_ews_errors():
                    raise answer


def _key(item: Message) -> ItemKey:
    return ItemKey(item.id, item.changekey)


def _box_of(mailbox: Mailbox) -> Box:
    return Box(name=mailbox.display_name or None, email_address=mailbox.address)
