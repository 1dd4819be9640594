"""ReplyToItem, ReplyAllToItem, ForwardItem, and the answers to a meeting: messages the server itself writes."""

from email.message import EmailMessage
from email.utils import formataddr

from tests.servers.exchange import mime
from tests.servers.exchange.answers import Refused
from tests.servers.exchange.calls import Call
from tests.servers.exchange.store import Item
from tests.servers.exchange.writing import write
from tests.servers.exchange.xml import E, Node

_PREFIXES = {"t:ReplyToItem": "RE: ", "t:ReplyAllToItem": "RE: ", "t:ForwardItem": "FW: "}
_MEETINGS = {
    "t:AcceptItem": "Accepted: ",
    "t:TentativelyAcceptItem": "Tentative: ",
    "t:DeclineItem": "Declined: ",
    "t:CancelCalendarItem": "Canceled: ",
}
RESPONSES = {**_PREFIXES, **_MEETINGS}
"""Elements that answer another item, with what comes before its subject."""
LAST_VERB = "0x1081"
_VERBS = {"t:ReplyToItem": "102", "t:ReplyAllToItem": "103", "t:ForwardItem": "104"}
"""PidTagLastVerbExecuted, [MS-OXOMSG] 2.2.1.21: it is on the original, not on the answer."""


def respond(call: Call, node: Node) -> Item:
    """Write the answer that an element asks for: a draft that is in no folder yet."""
    original = call.item(node.need("t:ReferenceItemId"))
    before = mime.read(original.mime)
    message = mime.new(call.person.address, RESPONSES[node.name] + mime.header(before, "Subject"))
    _address(message, before, node.name, call.person.address)
    parent = mime.header(before, "Message-ID")
    if parent and node.name != "t:ForwardItem":
        message["In-Reply-To"] = parent
        message["References"] = f"{mime.header(before, 'References')} {parent}".strip()
    element = {"t:CancelCalendarItem": "t:MeetingCancellation"}.get(node.name, "t:MeetingResponse")
    item = Item(original.folder, b"", element if node.name in _MEETINGS else "t:Message", is_draft=True, is_read=True)
    item.mime = mime.written(message)
    write(item, _as_message(node, before), call.person.address)
    if node.name in _VERBS:
        original.extended[LAST_VERB] = (_VERBS[node.name],)
    return item


def _address(message: EmailMessage, before: EmailMessage, kind: str, me: str) -> None:
    """Reply to Reply-To or From; to all: To and Cc as well, without oneself; meetings' answers go to the organizer."""
    if kind == "t:ForwardItem":
        return
    if kind == "t:CancelCalendarItem":
        _set(message, "To", [*mime.addresses(before, "To"), *mime.addresses(before, "Cc")], me)
        return
    _set(message, "To", mime.addresses(before, "Reply-To") or mime.addresses(before, "From"))
    if kind == "t:ReplyAllToItem":
        _set(message, "To", [*mime.addresses(message, "To"), *mime.addresses(before, "To")], me)
        _set(message, "Cc", mime.addresses(before, "Cc"), me)


def _set(message: EmailMessage, name: str, found: list[tuple[str, str]], without: str = "") -> None:
    once = {address.lower(): (title, address) for title, address in found if address.lower() != without.lower()}
    mime.set_header(message, name, ", ".join(formataddr(each) for each in once.values()))


def _as_message(node: Node, before: EmailMessage) -> Node:
    """The element's own fields as those of a message; its new text goes above the original's."""
    own = [child for child in node.children if child.name not in ("t:ReferenceItemId", "t:NewBodyContent")]
    text = node.get("t:NewBodyContent")
    if text is not None and node.get("t:Body") is not None:
        raise Refused("ErrorInvalidPropertyRequest", "Body and NewBodyContent may not both be set.")
    if text is not None:
        quoted, kind = mime.body(before, text.attributes["BodyType"])
        own.append(
            E("t:Body", f"{text.text}\r\n\r\n{quoted}", BodyType=kind if quoted else text.attributes["BodyType"])
        )
    return E("t:Message", *own)
