"""The items of a call as the messages they are or will become."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from sendguard.exchange.gate.content import Content
from sendguard.exchange.gate.items import ANSWERS, REPLIES, Item, may_send, sends_found
from sendguard.mail.address import Mailbox, normalise
from sendguard.mail.message import Message, read_message
from sendguard.mail.submission import Envelope
from sendguard.mail.synthesis import written

UNREADABLE = b"To: ?\r\n"
"""A field that is read as a doubt: not all that the message reaches is known."""
_FIELDS = {
    "from": ("From",),
    "sender": ("Sender",),
    "reply-to": ("ReplyTo",),
    "to": ("ToRecipients", "RequiredAttendees", "Resources"),
    "cc": ("CcRecipients", "OptionalAttendees"),
    "bcc": ("BccRecipients",),
}
_REACHED = ("to", "cc", "bcc")
Addresses = dict[str, tuple[Mailbox, ...]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as the gate sees it: ``raw`` stands for its octets, ``original`` is what it answers, where known."""

    raw: bytes
    envelope: Envelope
    original: Message | None = None


def letter(item: Item, content: Content, found: Element | None, own: str) -> Letter | None:
    """The message an item sends, None where it sends nothing.

    ``found`` is what its reference names, as the server showed it; ``own`` the account's main address.
    """
    if not may_send(item, content) or (found is not None and not sends_found(item, content, found)):
        return None
    is_known = item.reference is None or found is not None
    if (mime := content.mimes.get(item.number)) is not None:
        return _of_mime(item, content, mime.raw, own, is_known=is_known and item.kind == "Message")
    addresses = _addresses(item, found)
    if _is_meeting(item, found) and not any(addresses[name] for name in _REACHED):
        return None  # an appointment of one's own
    return _of_parts(item, content, found, addresses, own, is_known=is_known and not _hides_mime(item))


def _of_mime(item: Item, content: Content, raw: bytes, own: str, *, is_known: bool) -> Letter:
    message, addresses = read_message(raw, with_body=False), addresses_of(item.element)
    named = [box.address for name in _REACHED for box in addresses[name]]
    sender = _first(addresses["from"], addresses["sender"], message.originators) or own
    recipients = [*named, *(box.address for box in message.recipients)]
    # A message that begins with a space would go on with the field that is put before it.
    is_clear = is_known and all("@" in address for address in named) and not raw[:1].isspace()
    doubt = b"" if is_clear else UNREADABLE
    return Letter(doubt + _marked(item, content) + raw, Envelope.of(sender, recipients))


def _of_parts(
    item: Item, content: Content, found: Element | None, addresses: Addresses, own: str, *, is_known: bool
) -> Letter:
    sender = _first(addresses["from"], addresses["sender"]) or own
    addresses["from"] = addresses["from"] or (Mailbox("", normalise(sender)),)
    source = item.element if found is None or item.kind == item.element.tag else found
    body = source.find("NewBodyContent") if source.find("NewBodyContent") is not None else source.find("Body")
    raw = written(
        addresses,
        _texts(item, found),
        (body.text or "") if body is not None else "",
        html=body is not None and body.get("BodyType") == "HTML",
        attachments=len(source.findall("Attachments/*")),
    )
    recipients = [box.address for name in _REACHED for box in addresses[name]]
    doubt = b"" if is_known else UNREADABLE
    original = _message(found) if found is not None and _is_answer(item) else None
    return Letter(doubt + _marked(item, content) + raw, Envelope.of(sender, recipients), original)


def _addresses(item: Item, found: Element | None) -> Addresses:
    """Whom an item names, and whom the server adds."""
    said = addresses_of(item.element)
    if found is None:
        return said
    there = addresses_of(found)
    if item.kind in ANSWERS:
        organizer = _mailboxes(found, "Organizer") or there["from"]
        return said | {"to": said["to"] or organizer}
    if item.kind in REPLIES:
        return said | _replying(item.kind, said, there)
    if item.kind == "ForwardItem":
        return said
    if item.kind == "UpdateItem":
        said = _union(addresses_of(each) for each in item.element.iter())
    return _union((said, there))


def _replying(kind: str, said: Addresses, there: Addresses) -> Addresses:
    """RFC 5322 §3.6.3: answers go to Reply-To, else to From; to all means To and Cc besides."""
    to = there["reply-to"] or there["from"] or there["sender"]
    cc: tuple[Mailbox, ...] = ()
    if kind == "ReplyAllToItem":
        to, cc = (*to, *there["to"]), there["cc"]
    return {"to": said["to"] or to, "cc": said["cc"] or cc}


def addresses_of(element: Element) -> Addresses:
    """Every field of addresses that an item has of its own."""
    return {field: _mailboxes(element, *names) for field, names in _FIELDS.items()}


def _mailboxes(element: Element, *names: str) -> tuple[Mailbox, ...]:
    """One without an SMTP address (a private list, an X.500 name) cannot be read as one, and so is asked about."""
    boxes = [box for name in names for field in element.findall(name) for box in field.iter("Mailbox")]
    return tuple(_mailbox(box.findtext("Name") or "", box.findtext("EmailAddress") or "") for box in boxes)


def _mailbox(name: str, address: str) -> Mailbox:
    return Mailbox(name, normalise(address.strip() or name.strip() or "?"))


def _union(many: Iterable[Addresses]) -> Addresses:
    every = list(many)
    return {field: tuple(dict.fromkeys(box for each in every for box in each[field])) for field in _FIELDS}


def _texts(item: Item, found: Element | None) -> Mapping[str, str]:
    own = {
        "subject": item.element.findtext("Subject") or "",
        "in-reply-to": item.element.findtext("InReplyTo") or "",
        "references": item.element.findtext("References") or "",
    }
    if found is None:
        return own
    if not _is_answer(item) and item.kind != "ForwardItem":
        return {
            "subject": own["subject"] or found.findtext("Subject") or "",
            "in-reply-to": found.findtext("InReplyTo") or "",
            "references": found.findtext("References") or "",
        }
    mark, field = ("Re", "in-reply-to") if _is_answer(item) else ("Fw", "x-forwarded-message-id")
    subject = own["subject"] or f"{mark}: {found.findtext('Subject') or ''}"
    return {"subject": subject, field: found.findtext("InternetMessageId") or ""}


def _message(found: Element) -> Message:
    texts = {"subject": found.findtext("Subject") or "", "message-id": found.findtext("InternetMessageId") or ""}
    return read_message(written(addresses_of(found), texts), with_body=False)


def _is_answer(item: Item) -> bool:
    return item.kind in REPLIES or item.kind in ANSWERS


def _is_meeting(item: Item, found: Element | None) -> bool:
    return item.kind == "CalendarItem" or (found is not None and found.tag == "CalendarItem" and not _is_answer(item))


def _hides_mime(item: Item) -> bool:
    """Whether a change puts a whole message in, which nobody has read."""
    return any(each.tag.startswith("MimeContent") for each in item.element.iter())


def _first(*many: tuple[Mailbox, ...]) -> str:
    return next((box.address for each in many for box in each), "")


def _marked(item: Item, content: Content) -> bytes:
    """A field with the digest of all that the call says of an item and that is not in the message made of it."""
    digest = hashlib.blake2b(content.rest(item.number).encode(), digest_size=32)
    for each in item.element.iter():
        if each.tag != "InternetMessageId":  # written anew at every try
            digest.update(f"{each.tag}\0{sorted(each.attrib.items())}\0{each.text or ''}\0".encode())
    return b"X-SendGuard-Item: " + digest.hexdigest().encode() + b"\r\n"
