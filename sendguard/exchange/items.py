"""Exchange's items as messages we can judge."""

from collections.abc import Iterable
from typing import Any

from exchangelib import Message

from sendguard.mail.address import Mailbox, normalise
from sendguard.mail.message import read_message
from sendguard.mail.synthesis import fields_of, written

WHOLE = ("mime_content",)
HEADERS = (
    "subject", "author", "sender", "reply_to", "to_recipients", "cc_recipients", "bcc_recipients",
    "message_id", "in_reply_to", "references", "conversation_index",
)  # fmt: skip
"""What is asked for where a body is nobody's business."""
RECEIVED = (*HEADERS, "headers")
"""And what a received message has besides: the fields it came with, those of its mailing list among them."""

FIRST_OF_CONVERSATION = 22

_ADDRESSES = {
    "from": "author", "sender": "sender", "reply-to": "reply_to",
    "to": "to_recipients", "cc": "cc_recipients", "bcc": "bcc_recipients",
}  # fmt: skip
_TEXTS = {
    "subject": "subject",
    "message-id": "message_id",
    "in-reply-to": "in_reply_to",
    "references": "references",
}
_OF_A_LIST = ("list-id", "list-post", "list-unsubscribe", "precedence", "x-beenthere", "x-mailing-list", "mailing-list")


def header_of(item: Message, own_address: str = "") -> bytes:
    """The header block of an item that was fetched with ``HEADERS`` or ``RECEIVED``.

    A draft may have no From yet: then it is from ``own_address``.
    """
    addresses = {name: _mailboxes(getattr(item, attribute)) for name, attribute in _ADDRESSES.items()}
    if own_address and not addresses["from"] and not addresses["sender"]:
        addresses["from"] = [Mailbox("", normalise(own_address))]
    texts = {name: str(getattr(item, attribute) or "") for name, attribute in _TEXTS.items()}
    if not texts["in-reply-to"] and not texts["references"]:
        texts["references"] = _conversation(getattr(item, "conversation_index", None))
    came_with = getattr(item, "headers", None) or ()
    texts |= {each.name.lower(): each.value for each in came_with if each.name.lower() in _OF_A_LIST}
    return written(addresses, texts).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def _conversation(index: bytes | None) -> str:
    """A reference for a reply that bears nothing but its place in a conversation: what it answers is not found by it.

    A message that begins one has 22 octets, each answer five more (MS-OXOMSG §2.2.1.3).
    """
    answers = index is not None and len(index) > FIRST_OF_CONVERSATION
    return f"<{index.hex()[:200]}@conversation.invalid>" if index is not None and answers else ""


def whole_message(item: Message, own_address: str) -> bytes:
    """The message of an item that was fetched with ``HEADERS`` and ``WHOLE``, as it can be judged.

    Exchange's MIME of an unsent message need not hold its blind recipients, nor a From: the item's own are set before.
    """
    raw = bytes(item.mime_content or b"")
    known = read_message(raw, with_body=False)
    addressed = {box.address for box in known.recipients}
    missing = {
        name: [box for box in _mailboxes(getattr(item, _ADDRESSES[name])) if box.address not in addressed]
        for name in ("to", "cc", "bcc")
    }
    if not known.originators:
        missing["from"] = _mailboxes(item.author) or [Mailbox("", normalise(own_address))]
    return fields_of(missing) + raw


def _mailboxes(found: Any) -> list[Mailbox]:
    """One mailbox or many. One without an SMTP address (a private list, an X.500 name) cannot be read, and so is asked
    about.
    """
    boxes: Iterable[Any] = found if isinstance(found, list) else [found] if found else []
    return [Mailbox(box.name or "", normalise(box.email_address or box.name or "?")) for box in boxes]
