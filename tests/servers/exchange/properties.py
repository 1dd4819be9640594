"""What an item has, by field URI and by the names of extended properties."""

import base64
import hashlib
from collections.abc import Callable
from email.message import EmailMessage

from tests.servers.exchange import mime
from tests.servers.exchange.store import Item, written
from tests.servers.exchange.xml import E, Node

_View = Callable[[Item, EmailMessage], Node | None]

UNSENT, READ, SUBMITTED, ATTACHED = 0x8, 0x1, 0x4, 0x10
"""Bits of PidTagMessageFlags, [MS-OXCMSG] 2.2.1.6."""
MESSAGE_FLAGS = "0x0e07"
DEFERRED_SEND = "0x3fef"
"""PidTagDeferredSendTime, [MS-OXOMSG] 2.2.3.9."""


def _text(name: str, value: str) -> Node | None:
    return E(name, value) if value else None


def _flag(name: str, value: bool) -> Node:
    return E(name, str(value).lower())


def _header(element: str, field: str) -> _View:
    return lambda item, message: _text(element, mime.header(message, field))


def _recipients(element: str) -> _View:
    def view(item: Item, message: EmailMessage) -> Node | None:
        found = mime.addresses(message, mime.RECIPIENTS[element])
        return E(element, *(mime.mailbox(*each) for each in found)) if found else None

    return view


def _sender(element: str) -> _View:
    def view(item: Item, message: EmailMessage) -> Node | None:
        found = mime.addresses(message, element.removeprefix("t:")) or mime.addresses(message, "From")
        return E(element, mime.mailbox(*found[0])) if found else None

    return view


def _attendees(element: str, field: str) -> _View:
    def view(item: Item, message: EmailMessage) -> Node | None:
        found = mime.addresses(message, field)
        return E(element, *(E("t:Attendee", mime.mailbox(*each)) for each in found)) if found else None

    return view


def _display(element: str, field: str) -> _View:
    def view(item: Item, message: EmailMessage) -> Node | None:
        return E(element, "; ".join(name or address for name, address in mime.addresses(message, field)))

    return view


def _mime_content(item: Item, message: EmailMessage) -> Node:
    return E("t:MimeContent", base64.b64encode(item.mime).decode(), CharacterSet="UTF-8")


def _headers(item: Item, message: EmailMessage) -> Node | None:
    # What was never sent has no headers to show: the property behind this is PidTagTransportMessageHeaders.
    if item.is_draft:
        return None
    found = [(name, mime.header(message, name)) for name in dict.fromkeys(message.keys())]
    return E("t:InternetMessageHeaders", *(E("t:InternetMessageHeader", v, HeaderName=n) for n, v in found))


def attachment(item: Item, number: int, part: EmailMessage) -> Node:
    """An attached file, without what is in it; its id ends with its place in the message."""
    return E(
        "t:FileAttachment",
        E("t:AttachmentId", Id=f"{item.id}#{number}"),
        E("t:Name", part.get_filename() or f"Untitled {number}"),
        E("t:ContentType", part.get_content_type()),
        _text("t:ContentId", mime.header(part, "Content-ID").strip("<>")),
        E("t:Size", str(len(part.as_bytes()))),
        E("t:IsInline", str(part.get_content_disposition() == "inline").lower()),
    )


def _attachments(item: Item, message: EmailMessage) -> Node | None:
    found = [attachment(item, number, part) for number, part in enumerate(mime.files(message))]
    return E("t:Attachments", *found) if found else None


def _sent(item: Item, message: EmailMessage) -> Node | None:
    time = mime.sent_at(message)
    return None if time is None else E("t:DateTimeSent", written(time))


def _conversation(item: Item, message: EmailMessage) -> Node:
    topic = mime.header(message, "References").split(" ")[0] or mime.header(message, "Message-ID")
    return E("t:ConversationId", Id="AAQkADkw" + base64.b64encode(hashlib.sha256(topic.encode()).digest()).decode())


def _response_objects(item: Item, message: EmailMessage) -> Node | None:
    if item.is_draft:
        return None
    return E("t:ResponseObjects", E("t:ReplyToItem"), E("t:ReplyAllToItem"), E("t:ForwardItem"))


VIEWS: dict[str, _View] = {
    "item:MimeContent": _mime_content,
    "item:ItemId": lambda item, _: E("t:ItemId", Id=item.id, ChangeKey=item.change_key),
    "item:ParentFolderId": lambda item, _: E("t:ParentFolderId", Id=item.folder.id, ChangeKey=item.folder.change_key),
    "item:ItemClass": lambda item, _: E("t:ItemClass", item.item_class),
    "item:Subject": lambda item, message: E("t:Subject", mime.header(message, "Subject")),
    "item:Sensitivity": lambda item, _: item.stored.get("item:Sensitivity") or E("t:Sensitivity", "Normal"),
    "item:Attachments": _attachments,
    "item:DateTimeReceived": lambda item, _: E("t:DateTimeReceived", written(item.received)),
    "item:Size": lambda item, _: E("t:Size", str(len(item.mime))),
    "item:Importance": lambda item, _: item.stored.get("item:Importance") or E("t:Importance", "Normal"),
    "item:InReplyTo": _header("t:InReplyTo", "In-Reply-To"),
    "item:IsSubmitted": lambda item, _: _flag("t:IsSubmitted", item.is_submitted),
    "item:IsDraft": lambda item, _: _flag("t:IsDraft", item.is_draft),
    "item:IsFromMe": lambda item, _: _flag("t:IsFromMe", item.is_draft),
    "item:IsAssociated": lambda item, _: _flag("t:IsAssociated", False),
    "item:InternetMessageHeaders": _headers,
    "item:DateTimeSent": _sent,
    "item:DateTimeCreated": lambda item, _: E("t:DateTimeCreated", written(item.created)),
    "item:ResponseObjects": _response_objects,
    "item:DisplayTo": _display("t:DisplayTo", "To"),
    "item:DisplayCc": _display("t:DisplayCc", "Cc"),
    "item:HasAttachments": lambda item, message: _flag("t:HasAttachments", bool(mime.files(message))),
    "item:LastModifiedTime": lambda item, _: E("t:LastModifiedTime", written(item.modified)),
    "item:ConversationId": _conversation,
    "item:Preview": lambda item, message: _text("t:Preview", mime.body(message, "Text")[0][:255]),
    "item:TextBody": lambda item, message: E("t:TextBody", mime.body(message, "Text")[0], BodyType="Text"),
    "message:Sender": _sender("t:Sender"),
    "message:From": _sender("t:From"),
    "message:ToRecipients": _recipients("t:ToRecipients"),
    "message:CcRecipients": _recipients("t:CcRecipients"),
    "message:BccRecipients": _recipients("t:BccRecipients"),
    "message:ReplyTo": _recipients("t:ReplyTo"),
    "message:InternetMessageId": _header("t:InternetMessageId", "Message-ID"),
    "message:References": _header("t:References", "References"),
    "message:ConversationIndex": _header("t:ConversationIndex", "Thread-Index"),
    "message:ConversationTopic": _header("t:ConversationTopic", "Thread-Topic"),
    "message:IsRead": lambda item, _: _flag("t:IsRead", item.is_read),
    "calendar:Organizer": _sender("t:Organizer"),
    "calendar:RequiredAttendees": _attendees("t:RequiredAttendees", "To"),
    "calendar:OptionalAttendees": _attendees("t:OptionalAttendees", "Cc"),
    "calendar:Resources": _attendees("t:Resources", "Bcc"),
    "calendar:IsMeeting": lambda _, message: _flag("t:IsMeeting", "To" in message),
}
"""What an item shows of itself, by field URI; None where it has nothing to show."""


def extended_name(path: Node) -> str:
    """One name for all ways to write the same extended property: by tag, or by set and name or number."""
    found = path.attributes
    if "PropertyTag" in found:
        return f"0x{int(found['PropertyTag'], 0):04x}"
    of = (found.get("DistinguishedPropertySetId") or found.get("PropertySetId", "")).lower()
    return f"{of}/{found.get('PropertyName') or found.get('PropertyId')}"


def values(item: Item, name: str, message: EmailMessage) -> tuple[str, ...]:
    """An extended property's values; nothing where the item does not have it."""
    flags = READ * item.is_read | UNSENT * item.is_draft | SUBMITTED * item.is_submitted
    fields = {"0x1035": "Message-ID", "0x1042": "In-Reply-To", "0x1039": "References", "0x0037": "Subject"}
    if name == MESSAGE_FLAGS:
        return (str(flags | ATTACHED * bool(mime.files(message))),)
    if name in item.extended:
        return item.extended[name]
    found = mime.header(message, fields[name]) if name in fields else ""
    if name == "0x007d" and not item.is_draft:
        found = item.mime.partition(b"\r\n\r\n")[0].decode(errors="replace")
    return (found,) if found else ()
