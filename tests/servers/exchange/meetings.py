"""Meetings: what is sent to whom when one is made, changed or called off."""

from tests.servers.exchange import mime
from tests.servers.exchange.answers import Refused
from tests.servers.exchange.calls import Call, item_id
from tests.servers.exchange.store import Item
from tests.servers.exchange.writing import write
from tests.servers.exchange.xml import E, Node


def create_meeting(call: Call, node: Node) -> Node:
    """Make a CalendarItem and, where SendMeetingInvitations says so, invite its attendees."""
    how = _said(call, "SendMeetingInvitations")
    item = Item(
        call.folder_in("m:SavedItemFolderId", "calendar"), b"", "t:CalendarItem", "IPM.Appointment", is_read=True
    )
    write(item, node, call.person.address)
    call.mailbox.add(item)
    announce(call, item, "t:MeetingRequest", how)
    return E("t:CalendarItem", item_id(item))


def changed(call: Call, item: Item) -> None:
    """Tell attendees of a changed meeting, where SendMeetingInvitationsOrCancellations says so."""
    announce(call, item, "t:MeetingRequest", _said(call, "SendMeetingInvitationsOrCancellations"))


def called_off(call: Call, item: Item) -> None:
    """Tell attendees that there is no meeting, where SendMeetingCancellations says so."""
    announce(call, item, "t:MeetingCancellation", _said(call, "SendMeetingCancellations"))


def announce(call: Call, item: Item, element: str, how: str) -> None:
    """Send a meeting to its attendees as a message of its own, unless ``how`` is SendToNone or nobody is invited."""
    message = mime.read(item.mime)
    if how == "SendToNone" or not any(mime.addresses(message, name) for name in ("To", "Cc", "Bcc")):
        return
    if element == "t:MeetingCancellation":
        mime.set_header(message, "Subject", "Canceled: " + mime.header(message, "Subject"))
    raw = mime.written(message)
    call.site.submit(call.mailbox, raw, element)
    if how.endswith("SaveCopy"):
        call.mailbox.add(Item(call.mailbox.distinguished("sentitems"), raw, element, is_read=True))


def _said(call: Call, attribute: str) -> str:
    if attribute not in call.body.attributes:
        raise Refused(f"Error{attribute}Required", f"{attribute} is required for calendar items.")
    return call.body.attributes[attribute]
