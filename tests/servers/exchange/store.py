"""What a mailbox holds: folders and items, with ids and change keys that change as Exchange's do, and who is told."""

import base64
import hashlib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.servers.exchange.answers import Refused
from tests.servers.exchange.xml import E, Node

_numbers = itertools.count(1)

DISTINGUISHED = {
    "root": ("Root", ""),
    "msgfolderroot": ("Top of Information Store", "root"),
    "inbox": ("Inbox", "msgfolderroot"),
    "drafts": ("Drafts", "msgfolderroot"),
    "outbox": ("Outbox", "msgfolderroot"),
    "sentitems": ("Sent Items", "msgfolderroot"),
    "deleteditems": ("Deleted Items", "msgfolderroot"),
    "junkemail": ("Junk Email", "msgfolderroot"),
    "calendar": ("Calendar", "msgfolderroot"),
    "contacts": ("Contacts", "msgfolderroot"),
    "recoverableitemsroot": ("Recoverable Items", "root"),
    "recoverableitemsdeletions": ("Deletions", "recoverableitemsroot"),
}
"""The folders every mailbox begins with: name and parent."""
_CLASSES = {"calendar": "IPF.Appointment", "contacts": "IPF.Contact"}


def new_id(kind: str) -> str:
    """Return an id nobody had before; long, opaque and with capitals that count, as Exchange's are."""
    return "AAMkADkw" + base64.b64encode(hashlib.sha512(f"{kind}{next(_numbers)}".encode()).digest()).decode()


def new_change_key() -> str:
    """Return a change key nobody had before."""
    return base64.b64encode(b"\x09\0\0\0\x16\0\0\0" + next(_numbers).to_bytes(8, "big")).decode()


def now() -> datetime:
    """The time, without fractions of a second: Exchange's answers have none."""
    return datetime.now(UTC).replace(microsecond=0)


def written(time: datetime) -> str:
    """A time as EWS writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Change:
    """A line of a folder's log; ``kind`` is create, update, read or delete."""

    number: int
    id: str
    kind: str


@dataclass(eq=False)
class Folder:
    """A folder; ``distinguished`` is its well-known name, or nothing."""

    id: str
    name: str
    parent: "Folder | None"
    distinguished: str = ""
    folder_class: str = "IPF.Note"
    change_key: str = field(default_factory=new_change_key)
    log: list[Change] = field(default_factory=list)


@dataclass(eq=False)
class Item:
    """An item. What its MIME says is not said again: the rest is what MIME has no place for."""

    folder: Folder
    mime: bytes
    element: str = "t:Message"
    """How it is written: ``t:Message``, ``t:CalendarItem``, ``t:MeetingRequest`` …"""
    item_class: str = "IPM.Note"
    is_read: bool = False
    is_draft: bool = False
    is_submitted: bool = False
    extended: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Extended properties by ``properties.extended_name``."""
    stored: dict[str, Node] = field(default_factory=dict)
    """Elements kept as the client wrote them: Categories, Flag, Start …"""
    id: str = field(default_factory=lambda: new_id("item"))
    change_key: str = field(default_factory=new_change_key)
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    received: datetime = field(default_factory=now)
    history: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """Change keys it had, each with the fields that were written when it lost it."""
    attachments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened in a mailbox: a notification's element, and the folders whose subscribers hear of it."""

    node: Node
    folders: frozenset[str]


class Mailbox:
    """One person's store. Every method is called with the server's lock held."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.items: dict[str, Item] = {}
        self.folders: dict[str, Folder] = {}
        self.log: list[Change] = []
        """Of the folders themselves."""
        self.listeners: list[Callable[[Event], None]] = []
        self._numbers = itertools.count(1)
        for name, (title, parent) in DISTINGUISHED.items():
            above = self.distinguished(parent) if parent else None
            self._insert(Folder(new_id("folder"), title, above, name, _CLASSES.get(name, "IPF.Note")))

    def distinguished(self, name: str) -> Folder:
        """Return a well-known folder; Refused ErrorFolderNotFound for one that this mailbox has not."""
        for folder in self.folders.values():
            if folder.distinguished == name:
                return folder
        raise Refused("ErrorFolderNotFound", "The specified folder could not be found in the store.")

    def folder(self, folder_id: str) -> Folder:
        """Return a folder by its id; Refused where there is none."""
        if folder_id not in self.folders:
            raise Refused("ErrorItemNotFound", "The specified object was not found in the store.")
        return self.folders[folder_id]

    def item(self, item_id: str) -> Item:
        """Return an item by its id; Refused for one that is gone, or was moved and so has another id."""
        if not item_id.startswith("AAMk"):
            raise Refused("ErrorInvalidIdMalformed", "Id is malformed.")
        if item_id not in self.items:
            raise Refused("ErrorItemNotFound", "The specified object was not found in the store.")
        return self.items[item_id]

    def contents(self, folder: Folder) -> list[Item]:
        """The items of a folder, oldest first."""
        return [item for item in self.items.values() if item.folder is folder]

    def children(self, folder: Folder, *, deep: bool = False) -> list[Folder]:
        """The folders in a folder, and with ``deep`` those in them."""
        found = [each for each in self.folders.values() if each.parent is folder]
        return found + [each for child in found for each in self.children(child, deep=True)] if deep else found

    def add(self, item: Item, *, new_mail: bool = False) -> Item:
        """Put a new item into its folder."""
        self.items[item.id] = item
        self._note(item, "create")
        for kind in ("NewMailEvent", "CreatedEvent") if new_mail else ("CreatedEvent",):
            self._tell(kind, item)
        return item

    def change(self, item: Item, fields: Iterable[str]) -> None:
        """Give an item that was written a new change key."""
        names = frozenset(fields)
        item.history.append((item.change_key, names))
        item.change_key, item.modified = new_change_key(), now()
        self._note(item, "read" if names == {"message:IsRead"} else "update")
        self._tell("ModifiedEvent", item)

    def move(self, item: Item, folder: Folder) -> Item:
        """Move an item: it gets a new id, and its old one is not found any more."""
        old_id, old_key, old_folder = item.id, item.change_key, item.folder
        del self.items[old_id]
        self._note(item, "delete")
        item.id, item.change_key, item.folder, item.history = new_id("item"), new_change_key(), folder, []
        self.items[item.id] = item
        self._note(item, "create")
        before = (E("t:OldItemId", Id=old_id, ChangeKey=old_key), _parent(old_folder, "t:OldParentFolderId"))
        self._tell("MovedEvent", item, *before, also=old_folder)
        return item

    def remove(self, item: Item) -> None:
        """Delete an item for good."""
        del self.items[item.id]
        self._note(item, "delete")
        self._tell("DeletedEvent", item)

    def new_folder(self, name: str, parent: Folder, folder_class: str = "IPF.Note") -> Folder:
        """Make a folder; Refused ErrorFolderExists where one has the name."""
        if any(each.name.lower() == name.lower() for each in self.children(parent)):
            raise Refused("ErrorFolderExists", "A folder with the specified name already exists.")
        return self._insert(Folder(new_id("folder"), name, parent, folder_class=folder_class))

    def change_folder(self, folder: Folder) -> None:
        """Give a folder that was renamed or moved a new change key."""
        folder.change_key = new_change_key()
        self._note_folder(folder, "update")

    def remove_folder(self, folder: Folder) -> None:
        """Delete a folder with all that is in it."""
        if folder.distinguished:
            raise Refused("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
        for each in [*self.children(folder, deep=True), folder]:
            for item in self.contents(each):
                self.remove(item)
            del self.folders[each.id]
            self._note_folder(each, "delete")

    def _insert(self, folder: Folder) -> Folder:
        self.folders[folder.id] = folder
        self._note_folder(folder, "create")
        return folder

    def _note(self, item: Item, kind: str) -> None:
        item.folder.log.append(Change(next(self._numbers), item.id, kind))

    def _note_folder(self, folder: Folder, kind: str) -> None:
        self.log.append(Change(next(self._numbers), folder.id, kind))

    def _tell(self, kind: str, item: Item, *more: Node, also: Folder | None = None) -> None:
        where = [folder for folder in (item.folder, also) if folder]
        what = (E("t:TimeStamp", written(now())), E("t:ItemId", Id=item.id, ChangeKey=item.change_key))
        node = E(f"t:{kind}", *what, _parent(item.folder, "t:ParentFolderId"), *more)
        self._publish(Event(node, frozenset(folder.id for folder in where)))
        for folder in where:
            self._publish(Event(self._folder_changed(folder), frozenset({folder.id})))

    def _folder_changed(self, folder: Folder) -> Node:
        unread = sum(not each.is_read for each in self.contents(folder))
        which = E("t:FolderId", Id=folder.id, ChangeKey=folder.change_key)
        above = _parent(folder.parent or folder, "t:ParentFolderId")
        time = E("t:TimeStamp", written(now()))
        return E("t:ModifiedEvent", time, which, above, E("t:UnreadCount", str(unread)))

    def _publish(self, event: Event) -> None:
        for listener in list(self.listeners):
            listener(event)


def _parent(folder: Folder, name: str) -> Node:
    return E(name, Id=folder.id, ChangeKey=folder.change_key)
