"""What a client writes into an item: elements to header fields, bodies, stored fields and extended properties."""

import base64
from email.message import EmailMessage

from tests.servers.exchange import mime
from tests.servers.exchange.properties import MESSAGE_FLAGS, READ, UNSENT, extended_name
from tests.servers.exchange.store import Item
from tests.servers.exchange.xml import Node

_HEADERS = {
    "t:Subject": "Subject",
    "t:InReplyTo": "In-Reply-To",
    "t:InternetMessageId": "Message-ID",
    "t:References": "References",
    "t:ConversationIndex": "Thread-Index",
    "t:ConversationTopic": "Thread-Topic",
}
_MAILBOXES = mime.RECIPIENTS | mime.SENDERS
# What a client sends along but the server decides.
_SERVERS_OWN = {"t:ItemId", "t:ParentFolderId", "t:Size", "t:IsDraft", "t:IsSubmitted", "t:DateTimeCreated"}
_ATTENDEES = {"t:RequiredAttendees": "To", "t:OptionalAttendees": "Cc", "t:Resources": "Bcc"}


def write(item: Item, node: Node, sender: str) -> None:
    """Put everything in a Message or CalendarItem element into ``item``; what it has no element for stays.

    A client's own MIME is kept octet for octet unless something else in the call changes it.
    """
    given = node.get("t:MimeContent")
    if given is not None:
        item.mime = base64.b64decode(given.text)
    message = mime.read(item.mime) if item.mime else mime.new(sender)
    before = _said(message)
    for child in node.children:
        _write_field(item, message, child)
    mime.stamped(message, sender)
    bodies = {"t:Body", "t:Attachments"} & {child.name for child in node.children}
    if not item.mime or bodies or _said(message) != before:
        item.mime = mime.written(message)


def field_of(path: Node) -> str:
    """One name for a field, to tell two writers of the same field from two of different ones."""
    return path.attributes.get("FieldURI") or extended_name(path)


def forget(item: Item, path: Node) -> None:
    """Take a field away (DeleteItemField)."""
    if path.name == "t:ExtendedFieldURI":
        item.extended.pop(extended_name(path), None)
        return
    message = mime.read(item.mime)
    element = "t:" + path.attributes["FieldURI"].partition(":")[2]
    name = (_HEADERS | _MAILBOXES | _ATTENDEES).get(element) or path.attributes.get("FieldIndex")
    if name is not None:
        mime.set_header(message, name, "")
        item.mime = mime.written(message)
    item.stored.pop(path.attributes["FieldURI"], None)


def attach(message: EmailMessage, file: Node) -> None:
    """Add a file to a message."""
    kind = file.text_of("t:ContentType") or "application/octet-stream"
    maintype, _, subtype = kind.partition("/")
    content = base64.b64decode(file.text_of("t:Content"))
    content_id = file.text_of("t:ContentId")
    message.add_attachment(
        content,
        maintype="application" if maintype in ("multipart", "message", "text") else maintype,
        subtype="octet-stream" if maintype in ("multipart", "message", "text") else subtype or "octet-stream",
        filename=file.text_of("t:Name"),
        cid=f"<{content_id}>" if content_id else None,
    )


def _said(message: EmailMessage) -> list[tuple[str, str]]:
    return sorted((name.lower(), str(value)) for name, value in message.items())


def _write_field(item: Item, message: EmailMessage, node: Node) -> None:
    if node.name in _HEADERS:
        mime.set_header(message, _HEADERS[node.name], node.text)
    elif node.name in _MAILBOXES or node.name in _ATTENDEES:
        mime.set_header(message, (_MAILBOXES | _ATTENDEES)[node.name], mime.mailboxes(node))
    elif node.name == "t:Body":
        mime.set_body(message, node.text, html=node.attributes["BodyType"] == "HTML")
    elif node.name == "t:InternetMessageHeaders":
        for header in node.children:
            mime.set_header(message, header.attributes["HeaderName"], header.text)
    elif node.name == "t:Attachments":
        for file in node.all("t:FileAttachment"):
            attach(message, file)
    elif node.name == "t:ItemClass":
        item.item_class = node.text
    elif node.name == "t:IsRead":
        item.is_read = node.text.strip() in ("true", "1")
    elif node.name == "t:ExtendedProperty":
        _write_extended(item, node)
    elif node.name != "t:MimeContent" and node.name not in _SERVERS_OWN:
        item.stored[_uri(item, node)] = node


def _uri(item: Item, node: Node) -> str:
    in_items = node.local in ("Categories", "Importance", "Sensitivity", "Flag", "Culture")
    family = "item" if in_items else "calendar" if item.element == "t:CalendarItem" else "message"
    return f"{family}:{node.local}"


def _write_extended(item: Item, node: Node) -> None:
    name = extended_name(node.need("t:ExtendedFieldURI"))
    found = tuple(value.text for value in node.walk() if value.name == "t:Value")
    if name == MESSAGE_FLAGS:
        item.is_draft, item.is_read = bool(int(found[0]) & UNSENT), bool(int(found[0]) & READ)
    else:
        item.extended[name] = found
