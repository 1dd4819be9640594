"""The time an item waits for on the server before it is sent (PidTagDeferredSendTime, MS-OXOMSG §2.2.3.9)."""

from datetime import datetime
from typing import Any

from exchangelib import EWSDateTime, ExtendedProperty, Message

NAME = "deferred_send"


class DeferredSend(ExtendedProperty):  # type: ignore[misc]
    """Absent in most items. Some servers write fractions of a second, over which exchangelib loses the whole item."""

    property_tag = 0x3FEF
    property_type = "SystemTime"

    @classmethod
    def from_xml(cls, elem: Any, account: Any) -> Any:
        """The time; None for one that cannot be read: the item is then judged like any other."""
        value = next((each.text for each in elem.iter() if each.tag.endswith("}Value")), None)
        try:
            return EWSDateTime.from_datetime(datetime.fromisoformat(value or ""))
        except ValueError:
            return None


Message.register(NAME, DeferredSend)


def due_of(item: Message, now: datetime) -> datetime | None:
    """When the server will send an item that was fetched with ``NAME``; None for one that does not wait."""
    due: datetime | None = getattr(item, NAME)
    return due if due is not None and due > now else None
