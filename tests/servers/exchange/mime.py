"""Between MIME and the fields of EWS: what a message says, and how it is written anew when a field changes."""

import contextlib
import itertools
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, getaddresses, parsedate_to_datetime

from tests.servers.exchange.xml import E, Node

_numbers = itertools.count(1)
_WIRE = policy.SMTP.clone(refold_source="none")
RECIPIENTS = {"t:ToRecipients": "To", "t:CcRecipients": "Cc", "t:BccRecipients": "Bcc", "t:ReplyTo": "Reply-To"}
"""The elements that hold mailboxes, and the header field of each."""
SENDERS = {"t:From": "From", "t:Sender": "Sender"}


def read(mime: bytes) -> EmailMessage:
    """Parse a message."""
    return message_from_bytes(mime, policy=_WIRE)


def new(sender: str, subject: str = "") -> EmailMessage:
    """Begin a message, as Exchange does one that a client gives in fields."""
    message = EmailMessage(policy=_WIRE)
    message["From"] = sender
    message["Subject"] = subject
    set_body(message, "", html=False)
    return message


def written(message: EmailMessage) -> bytes:
    """A message's octets, with CRLF."""
    return message.as_bytes()


def stamped(message: EmailMessage, sender: str) -> EmailMessage:
    """Add what Exchange adds to what is saved without it: From, Date and Message-ID."""
    if "From" not in message:
        message["From"] = sender
    if "Date" not in message:
        message["Date"] = format_datetime(datetime.now(UTC))
    if "Message-ID" not in message:
        message["Message-ID"] = f"<{next(_numbers):08x}@exchange.example.test>"
    return message


def header(message: EmailMessage, name: str) -> str:
    """A header field's text, decoded and on one line; nothing where it is absent."""
    value = message.get(name)
    return "" if value is None else re.sub(r"\s+", " ", str(value)).strip()


def set_header(message: EmailMessage, name: str, value: str) -> None:
    """Replace a header field, or take it away when ``value`` is empty."""
    del message[name]
    if value:
        message[name] = re.sub(r"[\r\n]+", " ", value)


def addresses(message: EmailMessage, name: str) -> list[tuple[str, str]]:
    """The names and addresses in all the fields called ``name``."""
    fields = [str(value) for value in message.get_all(name, [])]
    return [(title, address) for title, address in getaddresses(fields) if address]


def sent_at(message: EmailMessage) -> datetime | None:
    """The time in the Date field, or None where it is absent or cannot be read."""
    with contextlib.suppress(ValueError, TypeError):
        found = parsedate_to_datetime(header(message, "Date"))
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def mailboxes(node: Node) -> str:
    """A header field's value of the mailboxes in an element."""
    found = [
        (each.text_of("t:Name"), each.text_of("t:EmailAddress")) for each in node.walk() if each.name == "t:Mailbox"
    ]
    return ", ".join(formataddr((name if name != address else "", address)) for name, address in found)


def mailbox(name: str, address: str) -> Node:
    """A mailbox as an element."""
    return E(
        "t:Mailbox",
        E("t:Name", name or address),
        E("t:EmailAddress", address),
        E("t:RoutingType", "SMTP"),
        E("t:MailboxType", "Mailbox"),
    )


def body(message: EmailMessage, preferred: str = "Best") -> tuple[str, str]:
    """A message's text and its kind, HTML or Text; of both the first that is there in the preferred order."""
    order = ("plain", "html") if preferred == "Text" else ("html", "plain")
    part = message.get_body(order)
    if part is None:
        return "", "Text"
    with contextlib.suppress(LookupError, MessageError, KeyError):
        return str(part.get_content()), "HTML" if part.get_content_subtype() == "html" else "Text"
    return "", "Text"


def set_body(message: EmailMessage, text: str, *, html: bool) -> None:
    """Replace a message's text; its attachments stay."""
    part = message.get_body(("html", "plain"))
    mixed = part is not None and message.get_content_type() == "multipart/mixed"
    target = part if part is not None and mixed else message
    target.clear_content()
    target.set_content(text, subtype="html" if html else "plain", cte="base64")


def files(message: EmailMessage) -> list[EmailMessage]:
    """The parts that are attached files, in their order."""
    if not message.is_multipart():
        return []
    return list(message.iter_attachments())
