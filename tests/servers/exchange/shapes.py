"""Items and folders as EWS shows them: in the shape a request asks for and in the order of the schema."""

from collections.abc import Iterable
from email.message import EmailMessage

from tests.servers.exchange import mime, schema
from tests.servers.exchange.properties import VIEWS, extended_name, values
from tests.servers.exchange.store import Folder, Item, Mailbox
from tests.servers.exchange.xml import E, Node

_DEFAULT = [
    "item:ItemId",
    "item:Subject",
    "item:Sensitivity",
    "item:DateTimeReceived",
    "item:Size",
    "item:Importance",
    "item:IsSubmitted",
    "item:IsDraft",
    "item:IsFromMe",
    "item:DateTimeSent",
    "item:DateTimeCreated",
    "item:HasAttachments",
    "item:ResponseObjects",
    "message:Sender",
    "message:From",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:IsRead",
    "message:InternetMessageId",
]
_ALL = [uri for uri in VIEWS if uri not in ("item:MimeContent", "item:TextBody", "item:Preview")]
# A list of items has only what lies in the folder's table: no recipients, no bodies, no headers.
_NOT_IN_LISTS = {
    "item:MimeContent", "item:Attachments", "item:InternetMessageHeaders", "item:ResponseObjects", "item:TextBody",
    "message:ToRecipients", "message:CcRecipients", "message:BccRecipients", "message:ReplyTo", "item:Body",
}  # fmt: skip


def text(item: Item, path: Node) -> str:
    """What a search compares: the text behind a path."""
    message = mime.read(item.mime)
    if path.name == "t:ExtendedFieldURI":
        return "".join(values(item, extended_name(path), message)[:1])
    node = _one(item, message, path)
    return "" if node is None else node.text or " ".join(each.text for each in node.walk())


def show_item(item: Item, shape: Node, *, in_list: bool = False) -> Node:
    """An item in the shape that a request asks for; ``in_list`` as FindItem has it."""
    message = mime.read(item.mime)
    base = shape.text_of("t:BaseShape")
    uris = {"IdOnly": ["item:ItemId"], "Default": _DEFAULT, "AllProperties": _ALL}[base]
    nodes = [VIEWS[uri](item, message) for uri in uris if not (in_list and uri in _NOT_IN_LISTS)]
    if base == "AllProperties":
        nodes += [node for uri, node in item.stored.items() if uri not in VIEWS]
    if base != "IdOnly" and not in_list:
        nodes.append(_body(message, shape))
    if shape.text_of("t:IncludeMimeContent") in ("true", "1") and not in_list:
        nodes.append(VIEWS["item:MimeContent"](item, message))
    more = shape.get("t:AdditionalProperties")
    for path in more.children if more else ():
        if not (in_list and path.attributes.get("FieldURI") in _NOT_IN_LISTS):
            nodes.append(_one(item, message, path, shape))
    return _ordered(item.element, nodes)


def show_folder(mailbox: Mailbox, folder: Folder, shape: Node) -> Node:
    """A folder in the shape that a request asks for."""
    items = mailbox.contents(folder)
    nodes = {
        "folder:FolderId": E("t:FolderId", Id=folder.id, ChangeKey=folder.change_key),
        "folder:ParentFolderId": E("t:ParentFolderId", Id=folder.parent.id if folder.parent else folder.id),
        "folder:FolderClass": E("t:FolderClass", folder.folder_class),
        "folder:DisplayName": E("t:DisplayName", folder.name),
        "folder:TotalCount": E("t:TotalCount", str(len(items))),
        "folder:ChildFolderCount": E("t:ChildFolderCount", str(len(mailbox.children(folder)))),
        "folder:UnreadCount": E("t:UnreadCount", str(sum(not item.is_read for item in items))),
    }
    default = ["folder:FolderId", "folder:DisplayName", *list(nodes)[4:]]
    uris = {"IdOnly": ["folder:FolderId"], "Default": default, "AllProperties": list(nodes)}[
        shape.text_of("t:BaseShape")
    ]
    more = shape.get("t:AdditionalProperties")
    asked = [path.attributes.get("FieldURI", "") for path in more.children] if more else []
    kind = {"IPF.Appointment": "t:CalendarFolder", "IPF.Contact": "t:ContactsFolder"}.get(
        folder.folder_class, "t:Folder"
    )
    return _ordered(kind, (nodes.get(uri) for uri in dict.fromkeys([*uris, *asked])))


def _one(item: Item, message: EmailMessage, path: Node, shape: Node | None = None) -> Node | None:
    if path.name == "t:ExtendedFieldURI":
        found = values(item, extended_name(path), message)
        return E("t:ExtendedProperty", path, *_values(path, found)) if found else None
    uri = path.attributes["FieldURI"]
    if path.name == "t:IndexedFieldURI":
        value = mime.header(message, path.attributes["FieldIndex"])
        header = E("t:InternetMessageHeader", value, HeaderName=path.attributes["FieldIndex"])
        return E("t:InternetMessageHeaders", header) if value else None
    if uri == "item:Body":
        return _body(message, shape or E("m:ItemShape"))
    return VIEWS[uri](item, message) if uri in VIEWS else item.stored.get(uri)


def _values(path: Node, found: tuple[str, ...]) -> list[Node]:
    nodes = [E("t:Value", value) for value in found]
    return [E("t:Values", *nodes)] if path.attributes["PropertyType"].endswith("Array") else nodes[:1]


def _body(message: EmailMessage, shape: Node) -> Node:
    asked = shape.text_of("t:BodyType", "Best")
    content, kind = mime.body(message, asked)
    if asked == "HTML" and kind == "Text":
        content, kind = f"<html><body><pre>{content}</pre></body></html>", "HTML"
    return E("t:Body", content, BodyType=kind)


def _ordered(element: str, nodes: Iterable[Node | None]) -> Node:
    """Put properties into the schema's order, each once; header fields asked for singly become one element."""
    there = [node for node in nodes if node is not None]
    headers = [header for node in there if node.name == "t:InternetMessageHeaders" for header in node.children]
    once: dict[str, Node] = {}
    for node in there:
        path = node.need("t:ExtendedFieldURI") if node.name == "t:ExtendedProperty" else None
        once.setdefault(extended_name(path) if path else node.name, node)
    if headers:
        once["t:InternetMessageHeaders"] = E("t:InternetMessageHeaders", *headers)
    names = schema.order(element)
    shown = [node for node in once.values() if node.name in names]
    return E(element, *sorted(shown, key=lambda node: names.index(node.name)))
