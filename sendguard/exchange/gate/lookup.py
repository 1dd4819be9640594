"""What lies on the server, asked for in the client's own name: whom the items of a call reach."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from sendguard.exchange.gate.line import Answer
from sendguard.exchange.gate.soap import MESSAGES, TYPES, Document
from sendguard.exchange.gate.tree import tree

NOT_OURS = frozenset({b"accept-encoding", b"content-type", b"soapaction"})
"""Fields of the client's request that are not for ours."""
_FIELDS = (
    "item:Subject", "item:InReplyTo", "item:Body", "item:Attachments",
    "message:From", "message:Sender", "message:ReplyTo", "message:References", "message:InternetMessageId",
    "message:ToRecipients", "message:CcRecipients", "message:BccRecipients",
    "calendar:Organizer", "calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Resources",
)  # fmt: skip
_SHAPE = (
    "<ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:BodyType>Text</t:BodyType><t:AdditionalProperties>"
    + "".join(f'<t:FieldURI FieldURI="{field}"/>' for field in _FIELDS)
    + "</t:AdditionalProperties></ItemShape>"
)


def request_for(ids: Iterable[Element], document: Document, beginning: bytes) -> bytes:
    """A GetItem with everything a client's envelope says before its own operation: version, impersonation, time zone.

    ``beginning`` are the ``document.before`` first octets of it.
    """
    names = "".join(f"<t:{each.tag.removeprefix('Reference')}{_attributes(each)}/>" for each in ids)
    call = f'<GetItem xmlns="{MESSAGES}" xmlns:t="{TYPES}">{_SHAPE}<ItemIds>{names}</ItemIds></GetItem>'
    end = "".join(f"</{name}>" for name in reversed(document.body_names))
    return beginning + (call + end).encode()


def _attributes(element: Element) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in element.attrib.items() if name != "ChangeKey")


def found_in(answer: Answer, asked: int) -> list[Element | None]:
    """The items, in the order asked for; None for each that the server did not show."""
    root = tree(answer.body) if answer.status == 200 else None
    messages = root.findall("Body/GetItemResponse/ResponseMessages/*") if root is not None else []
    if len(messages) != asked:
        return [None] * asked
    return [message.find("Items/*") if message.get("ResponseClass") == "Success" else None for message in messages]
