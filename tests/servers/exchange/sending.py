"""CreateItem, SendItem: what is written, and what leaves."""

from tests.servers.exchange.answers import Refused, for_each
from tests.servers.exchange.calls import Call, item_id
from tests.servers.exchange.meetings import create_meeting
from tests.servers.exchange.replies import RESPONSES, respond
from tests.servers.exchange.site import deferred_until
from tests.servers.exchange.store import Folder, Item, now
from tests.servers.exchange.writing import write
from tests.servers.exchange.xml import E, Node

_FOLDERS = {"t:CalendarItem": "calendar", "t:Message": "drafts", "t:Item": "drafts"}


def create(call: Call) -> Node:
    """Make items, and save or send them as MessageDisposition and SendMeetingInvitations say."""

    def make(node: Node) -> list[Node]:
        if node.name == "t:CalendarItem":
            return [E("m:Items", create_meeting(call, node))]
        disposition = call.body.attributes.get("MessageDisposition", "")
        if not disposition:
            raise Refused("ErrorMessageDispositionRequired", "Message items require a MessageDisposition.")
        if node.name in RESPONSES:
            item = respond(call, node)
        else:
            item = Item(call.mailbox.distinguished("drafts"), b"", is_draft=True, is_read=True)
            write(item, node, call.person.address)
        if disposition == "SaveOnly":
            item.folder = call.folder_in("m:SavedItemFolderId", _FOLDERS.get(node.name, "drafts"))
            return [E("m:Items", E(item.element, item_id(call.mailbox.add(item))))]
        dispatch(call, item, disposition, "sentitems")
        return [E("m:Items")]

    return for_each("CreateItem", call.body.need("m:Items").children, make)


def send(call: Call) -> Node:
    """Send items that lie in the mailbox; each needs its newest change key."""
    saved = call.body.attributes["SaveItemToFolder"] in ("true", "1")
    if not saved and call.body.get("m:SavedItemFolderId"):
        raise Refused("ErrorInvalidSendItemSaveSettings", "The send item save settings are invalid.")

    def one(node: Node) -> list[Node]:
        item = call.item(node)
        _refuse_stale(item, node)
        if item.element == "t:CalendarItem":
            raise Refused("ErrorInvalidItemForOperationSendItem", "SendItem can't send a calendar item.")
        leave(call, item, call.folder_in("m:SavedItemFolderId", "sentitems") if saved else None)
        return []

    return for_each("SendItem", call.body.need("m:ItemIds").children, one)


def dispatch(call: Call, item: Item, disposition: str, otherwise: str) -> Item | None:
    """Send an item where ``disposition`` says so; returns it when it was, None when it only is saved."""
    if disposition == "SaveOnly":
        return None
    keep = disposition == "SendAndSaveCopy"
    leave(call, item, call.folder_in("m:SavedItemFolderId", "sentitems") if keep else None)
    return item


def leave(call: Call, item: Item, save_to: Folder | None) -> None:
    """Send an item, stored or not, and keep it in ``save_to`` if that is given."""
    until = deferred_until(item)
    if until is not None and until > now():
        _defer(call, item)
        return
    call.site.submit(call.mailbox, item.mime, item.element)
    item.is_draft, item.is_read = False, True
    _put(call, item, save_to)


def _defer(call: Call, item: Item) -> None:
    """Keep a message with a deferred send time in the Outbox, marked as submitted."""
    item.is_submitted = True
    _put(call, item, call.mailbox.distinguished("outbox"))


def _put(call: Call, item: Item, folder: Folder | None) -> None:
    stored = item.id in call.mailbox.items
    if folder is None:
        if stored:
            call.mailbox.remove(item)
    elif stored:
        call.mailbox.move(item, folder)
    else:
        item.folder = folder
        call.mailbox.add(item)


def _refuse_stale(item: Item, node: Node) -> None:
    key = node.attributes.get("ChangeKey")
    if key is None:
        raise Refused("ErrorChangeKeyRequired", "A change key is required for this operation.")
    if key != item.change_key:
        raise Refused("ErrorStaleObject", "The request's change key is not the item's current one.")
