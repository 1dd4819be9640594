"""The people, lists and mailboxes of a test Exchange, and mail that is delivered between them."""

import itertools
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.servers.exchange import mime
from tests.servers.exchange.answers import Refused
from tests.servers.exchange.properties import DEFERRED_SEND
from tests.servers.exchange.store import Folder, Item, Mailbox

DOMAIN = "example.test"
CLASSES = {
    "t:Message": "IPM.Note",
    "t:CalendarItem": "IPM.Appointment",
    "t:MeetingRequest": "IPM.Schedule.Meeting.Request",
    "t:MeetingResponse": "IPM.Schedule.Meeting.Resp.Pos",
    "t:MeetingCancellation": "IPM.Schedule.Meeting.Canceled",
}
"""The item class of what is written as each element."""
_RECEIVED = b"Received: from exchange.example.test by exchange.example.test\r\n"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody with a mailbox; the address is the login as well."""

    address: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    name: str = ""


@dataclass(eq=False)
class MailingList:
    """A distribution group. What its counts say was true when it was made, as Exchange's are a day old."""

    address: str
    members: list[str]
    """Addresses, of people and of other lists."""
    total: int | None
    """What MailTips say; None where the server does not count this group."""
    external: int = 0
    hidden: bool = False
    """Hidden from address lists: nothing finds it, expanding it fails, mail to it is delivered."""
    dynamic: bool = False
    """Its members are found anew for every message; it can be expanded on some servers: here it comes out empty."""
    tips: str = "now"
    """``now``, ``pending`` (the server says it has no answer yet) or ``missing`` (it leaves the counts out)."""
    restricted: bool = False
    moderated: bool = False
    expansion: tuple[list[str], bytes] = ([], b"")
    """What its members' elements were built of, and the elements: an answer for 100,000 is built once."""


@dataclass(frozen=True)
class Submitted:
    """A message that left: who it is from, the addresses it was given, whom it reached here, and its octets."""

    originator: str
    recipients: tuple[str, ...]
    reached: tuple[str, ...]
    mime: bytes


class Site:
    """Everything but the wire. ``lock`` is held by whoever looks or writes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.people: dict[str, Person] = {}
        self.mailboxes: dict[str, Mailbox] = {}
        self.lists: dict[str, MailingList] = {}
        self.submitted: list[Submitted] = []
        self.tip_errors: dict[str, str] = {}
        """ResponseCodes that MailTips give for an address instead of an answer, ErrorMailRecipientNotFound perhaps."""
        self.counts_people = False
        """Whether MailTips say of one person that they are one; some servers leave the count out."""
        self._generation = 1

    def new_person(self, name: str = "me") -> Person:
        """Add somebody with an empty mailbox and an address nobody had before in this test run."""
        return self.add_person(f"{name}-{next(_numbers)}@{DOMAIN}", name=name)

    def add_person(self, address: str, password: str = "pass word", name: str = "") -> Person:
        """Add somebody by address."""
        person = Person(address, password, secrets.token_urlsafe(24), name or address.partition("@")[0])
        with self.lock:
            self.people[address.lower()] = person
            self.mailboxes[address.lower()] = Mailbox(address)
        return person

    def new_list(
        self,
        address: str = "",
        *,
        members: Iterable[str | Person] = (),
        total: int | None = -1,
        error: str = "",
        **more: Any,
    ) -> MailingList:
        """Add a list; its address is new when none is given, and ``total`` is counted when it is left out.

        ``error`` is a ResponseCode that MailTips give instead of an answer, ``more`` the fields of ``MailingList``.
        """
        plain = [each.address if isinstance(each, Person) else each for each in members]
        made = MailingList(address or f"list-{next(_numbers)}@{DOMAIN}", plain, total, **more)
        with self.lock:
            self.lists[made.address.lower()] = made
            if error:
                self.tip_errors[made.address.lower()] = error
            if total == -1:
                made.total = len(self.reached([made.address]))
        return made

    def mailbox(self, person: Person | str) -> Mailbox:
        """Return somebody's mailbox; Refused ErrorNonExistentMailbox where there is none."""
        address = person if isinstance(person, str) else person.address
        if address.lower() not in self.mailboxes:
            raise Refused("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
        return self.mailboxes[address.lower()]

    def messages(self, person: Person, folder: str = "inbox") -> list[Item]:
        """What a folder holds, oldest first; it is named by its well-known name or by what people see."""
        with self.lock:
            return self.mailbox(person).contents(self.folder(person, folder))

    def folder(self, person: Person, name: str) -> Folder:
        """Return a folder by its well-known name or by what people see; KeyError where there is none."""
        with self.lock:
            for folder in self.mailbox(person).folders.values():
                if name in (folder.distinguished, folder.name):
                    return folder
        raise KeyError(name)

    def deliver(self, address: str | Person, raw: bytes, folder: str = "inbox", *, element: str = "t:Message") -> Item:
        """Put a message into somebody's mailbox as new mail."""
        with self.lock:
            mailbox = self.mailbox(address)
            item = Item(mailbox.distinguished(folder), raw, element, CLASSES[element])
            return mailbox.add(item, new_mail=True)

    def reached(self, addresses: Iterable[str]) -> list[str]:
        """The addresses behind ``addresses``: lists opened, lists in lists too, each once."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = list(addresses)[::-1]
        while waiting:
            address = waiting.pop().lower()
            if address in self.lists and address not in seen:
                seen.add(address)
                waiting += self.lists[address].members[::-1]
            elif address not in self.lists:
                found[address] = None
        return list(found)

    def sync_name(self, folder_id: str) -> str:
        """What a folder's sync states are marked with; another mark makes those given out before invalid."""
        return f"{self._generation}/{folder_id}"

    def expire_sync_states(self) -> None:
        """Make every sync state so far invalid, as Exchange does when a mailbox was moved or repaired."""
        with self.lock:
            self._generation += 1

    def submit(self, mailbox: Mailbox, raw: bytes, element: str = "t:Message") -> None:
        """Send a message, which arrives as ``element``. Refused when it has no recipient or somebody else's From."""
        message = mime.stamped(mime.read(raw), mailbox.address)
        given = [address for name in ("To", "Cc", "Bcc") for _, address in mime.addresses(message, name)]
        if not given:
            raise Refused("ErrorInvalidRecipients", "At least one recipient isn't valid.")
        if any(address.lower() != mailbox.address.lower() for _, address in mime.addresses(message, "From")):
            raise Refused("ErrorSendAsDenied", "The user account which was used to submit this request does not have "
                          "the right to send mail on behalf of the specified sending account.")  # fmt: skip
        del message["Bcc"]
        out = mime.written(message)
        reached = self.reached(given)
        for address in reached:
            if address in self.mailboxes:
                self.deliver(address, _RECEIVED + out, element=element)
        self.submitted.append(Submitted(mailbox.address, tuple(given), tuple(reached), out))

    def release_due(self, now: datetime) -> int:
        """Send what waits in outboxes for a time that has come; returns how many messages did."""
        with self.lock:
            due = [(box, item) for box in self.mailboxes.values() for item in box.items.values() if is_due(item, now)]
            for mailbox, item in due:
                self.submit(mailbox, item.mime)
                item.is_submitted = item.is_draft = False
                mailbox.move(item, mailbox.distinguished("sentitems"))
        return len(due)


def deferred_until(item: Item) -> datetime | None:
    """The time before which an item may not leave, or None."""
    found = item.extended.get(DEFERRED_SEND)
    return datetime.fromisoformat(found[0]).astimezone(UTC) if found else None


def is_due(item: Item, now: datetime) -> bool:
    """Tell whether an item waits to be sent, and its time has come."""
    time = deferred_until(item)
    return item.is_submitted and time is not None and time <= now
