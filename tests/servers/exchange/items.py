"""GetItem, UpdateItem, DeleteItem, MoveItem, CopyItem, MarkAsJunk, MarkAllItemsAsRead."""

import dataclasses

from tests.servers.exchange.answers import Refused, for_each
from tests.servers.exchange.calls import Call, item_id
from tests.servers.exchange.meetings import called_off, changed
from tests.servers.exchange.sending import dispatch
from tests.servers.exchange.shapes import show_item
from tests.servers.exchange.store import Item, new_change_key, new_id
from tests.servers.exchange.writing import field_of, forget, write
from tests.servers.exchange.xml import E, Node


def get(call: Call) -> Node:
    """Show items."""
    shape = call.body.need("m:ItemShape")
    ids = call.body.need("m:ItemIds").children
    return for_each("GetItem", ids, lambda node: [E("m:Items", show_item(call.item(node), shape))])


def update(call: Call) -> Node:
    """Write fields of items, and send those whose MessageDisposition says so."""

    def change(node: Node) -> list[Node]:
        item = call.item(node.children[0])
        fields = node.need("t:Updates").children
        if item.element == "t:Message" and "MessageDisposition" not in call.body.attributes:
            raise Refused("ErrorMessageDispositionRequired", "Message items require a MessageDisposition.")
        _refuse_conflict(call, item, node.children[0], {field_of(field.children[0]) for field in fields})
        for field in fields:
            _apply(call, item, field)
        call.mailbox.change(item, (field_of(field.children[0]) for field in fields))
        if item.element == "t:CalendarItem":
            changed(call, item)
        sent = dispatch(call, item, call.body.attributes.get("MessageDisposition", "SaveOnly"), "drafts")
        shown = E("m:Items", E(item.element, item_id(item))) if sent is None else E("m:Items")
        return [shown, E("m:ConflictResults", E("t:Count", "0"))]

    return for_each("UpdateItem", call.body.need("m:ItemChanges").children, change)


def delete(call: Call) -> Node:
    """Delete items, or move them to Deleted Items."""

    def drop(node: Node) -> list[Node]:
        item = call.item(node)
        if item.element == "t:CalendarItem":
            called_off(call, item)
        if call.body.attributes["DeleteType"] == "MoveToDeletedItems":
            call.mailbox.move(item, call.mailbox.distinguished("deleteditems"))
        else:
            call.mailbox.remove(item)
        return []

    return for_each("DeleteItem", call.body.need("m:ItemIds").children, drop)


def move(call: Call) -> Node:
    """Move items; they get new ids, which are said unless ReturnNewItemIds is false."""
    target = call.folder_in("m:ToFolderId")

    def carry(node: Node) -> list[Node]:
        item = call.mailbox.move(call.item(node), target)
        return [_new(call, item)]

    return for_each("MoveItem", call.body.need("m:ItemIds").children, carry)


def copy(call: Call) -> Node:
    """Copy items."""
    target = call.folder_in("m:ToFolderId")

    def double(node: Node) -> list[Node]:
        fresh = {"id": new_id("item"), "change_key": new_change_key(), "history": [], "folder": target}
        return [_new(call, call.mailbox.add(dataclasses.replace(call.item(node), **fresh)))]  # type: ignore[arg-type]

    return for_each("CopyItem", call.body.need("m:ItemIds").children, double)


def mark_as_junk(call: Call) -> Node:
    """Move items into the junk folder or out of it."""
    target = call.mailbox.distinguished("junkemail" if call.body.attributes["IsJunk"] == "true" else "inbox")

    def carry(node: Node) -> list[Node]:
        item = call.item(node)
        if call.body.attributes["MoveItem"] == "true":
            item = call.mailbox.move(item, target)
        return [E("m:MovedItemId", Id=item.id, ChangeKey=item.change_key)]

    return for_each("MarkAsJunk", call.body.need("m:ItemIds").children, carry)


def mark_all_as_read(call: Call) -> Node:
    """Set the read flag of everything in folders."""
    read = call.body.text_of("m:ReadFlag") in ("true", "1")

    def mark(node: Node) -> list[Node]:
        for item in call.mailbox.contents(call.folder(node)):
            if item.is_read != read:
                item.is_read = read
                call.mailbox.change(item, ["message:IsRead"])
        return []

    return for_each("MarkAllItemsAsRead", call.body.need("m:FolderIds").children, mark)


def _new(call: Call, item: Item) -> Node:
    said = call.body.text_of("m:ReturnNewItemIds", "true") in ("true", "1")
    return E("m:Items", E(item.element, item_id(item)) if said else None)


def _apply(call: Call, item: Item, field: Node) -> None:
    if field.name == "t:DeleteItemField":
        forget(item, field.children[0])
        return
    given = field.children[1]
    if len(given.children) != 1:
        raise Refused("ErrorIncorrectUpdatePropertyCount", "An update must contain exactly one property to update.")
    if field.name == "t:AppendToItemField":
        raise Refused("ErrorInvalidPropertyAppend", "Append action is invalid for property.")
    if item.is_submitted:
        raise Refused("ErrorItemSave", "Failed to save the changes of an item.")
    write(item, given, call.person.address)


def _refuse_conflict(call: Call, item: Item, node: Node, fields: set[str]) -> None:
    """NeverOverwrite wants the newest change key; AutoResolve one since which nobody wrote the same fields."""
    how = call.body.attributes.get("ConflictResolution", "AutoResolve")
    key = node.attributes.get("ChangeKey")
    if how == "AlwaysOverwrite" or key == item.change_key:
        return
    if key is None:
        raise Refused("ErrorChangeKeyRequiredForWriteOperations", "Change key is required for this operation.")
    keys = [old for old, _ in item.history]
    since = item.history[keys.index(key) :] if key in keys else None
    if how == "NeverOverwrite" or since is None or any(written & fields for _, written in since):
        raise Refused(
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does "
            "not match the current change key for the item.",
        )
