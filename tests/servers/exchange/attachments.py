"""CreateAttachment, GetAttachment, DeleteAttachment, for files: items within items are not kept here."""

import base64

from tests.servers.exchange import mime
from tests.servers.exchange.answers import Refused, for_each
from tests.servers.exchange.calls import Call
from tests.servers.exchange.properties import attachment
from tests.servers.exchange.store import Item
from tests.servers.exchange.writing import attach
from tests.servers.exchange.xml import E, Node


def create(call: Call) -> Node:
    """Attach files to an item, which so gets a new change key."""
    item = call.item(call.body.need("m:ParentItemId"))

    def add(node: Node) -> list[Node]:
        if node.name != "t:FileAttachment":
            raise Refused("ErrorInvalidOperation", "The test Exchange attaches files only.")
        message = mime.read(item.mime)
        attach(message, node)
        item.mime = mime.written(message)
        call.mailbox.change(item, ["item:Attachments"])
        number = f"{item.id}#{len(mime.files(message)) - 1}"
        which = E("t:AttachmentId", Id=number, RootItemId=item.id, RootItemChangeKey=item.change_key)
        return [E("m:Attachments", E("t:FileAttachment", which))]

    return for_each("CreateAttachment", call.body.need("m:Attachments").children, add)


def get(call: Call) -> Node:
    """Show attached files with what is in them."""

    def show(node: Node) -> list[Node]:
        item, number = _named(call, node)
        part = mime.files(mime.read(item.mime))[number]
        shown = attachment(item, number, part)
        content = part.get_payload(decode=True)
        shown.children.append(E("t:Content", base64.b64encode(content if isinstance(content, bytes) else b"").decode()))
        return [E("m:Attachments", shown)]

    return for_each("GetAttachment", call.body.need("m:AttachmentIds").children, show)


def delete(call: Call) -> Node:
    """Take attached files away."""

    def drop(node: Node) -> list[Node]:
        item, number = _named(call, node)
        message = mime.read(item.mime)
        parts = message.get_payload()
        assert isinstance(parts, list)
        parts.remove(mime.files(message)[number])
        item.mime = mime.written(message)
        call.mailbox.change(item, ["item:Attachments"])
        return [E("m:RootItemId", RootItemId=item.id, RootItemChangeKey=item.change_key)]

    return for_each("DeleteAttachment", call.body.need("m:AttachmentIds").children, drop)


def _named(call: Call, node: Node) -> tuple[Item, int]:
    item_id, _, number = node.attributes["Id"].partition("#")
    item = call.mailbox.item(item_id)
    if not number.isdigit() or int(number) >= len(mime.files(mime.read(item.mime))):
        raise Refused("ErrorCannotFindFile", "The file attachment could not be found.")
    return item, int(number)
