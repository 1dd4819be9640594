"""The items of a call that may send: which of them send, and which lie on the server and have to be looked up."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from sendguard.exchange.gate.calls import MAY_SEND, creates_and_sends, update_invites, update_sends
from sendguard.exchange.gate.content import Content

IDS = ("ItemId", "OccurrenceItemId", "RecurringMasterItemId")
ANSWERS = frozenset({"AcceptItem", "TentativelyAcceptItem", "DeclineItem"})
"""To an invitation: they go to its organizer."""
REPLIES = frozenset({"ReplyToItem", "ReplyAllToItem"})


@dataclass(frozen=True, slots=True)
class Item:
    """One item. ``kind`` is its element in a CreateItem, and the operation's name in the others.

    ``reference`` is the id of the item on the server that it is about; None where all of it is in the call.
    """

    number: int
    kind: str
    element: Element
    reference: Element | None = None


def items_of(content: Content) -> list[Item]:
    """Every item of a call, in the order the server answers for them."""
    root, operation = content.root, content.root.tag
    elements = [each for held in root.findall(MAY_SEND[operation]) for each in held]
    return [_item(number, operation, element) for number, element in enumerate(elements)]


def _item(number: int, operation: str, element: Element) -> Item:
    if operation == "CreateItem":
        return Item(number, element.tag, element, element.find("ReferenceItemId"))
    reference = element if element.tag in IDS else next((each for each in element if each.tag in IDS), None)
    return Item(number, operation, element, reference)


def may_send(item: Item, content: Content) -> bool:
    """Whether the call sends this item, as far as the call alone says."""
    return item.kind == content.root.tag or creates_and_sends(item.kind, content.root.attrib)


def sends_found(item: Item, content: Content, found: Element) -> bool:
    """Whether the call sends this item, which lies on the server as ``found``: a message, or a meeting with people."""
    is_meeting = found.tag == "CalendarItem"
    if item.kind == "UpdateItem":
        return update_invites(content.root.attrib) if is_meeting else update_sends(content.root.attrib)
    return is_meeting if item.kind == "DeleteItem" else True
