"""From a call that was read whole to what has to be asked about."""

from xml.etree.ElementTree import Element

from sendguard.exchange.gate import answers
from sendguard.exchange.gate.content import Content
from sendguard.exchange.gate.items import Item, items_of, may_send
from sendguard.exchange.gate.letters import letter
from sendguard.exchange.gate.line import Answer
from sendguard.exchange.gate.passage import HeldCall
from sendguard.exchange.gate.relay import Relay

_STALE = "The item has changed since this change key was given out. Nothing was sent."


async def held_call(content: Content, token: bytes, relay: Relay, own: str) -> HeldCall | Answer:
    """Look up what the call only names, and make of every item that is sent the message it will be.

    An Answer where the call's change key is not the one of what would be asked about.
    """
    items = items_of(content)
    found = await _found(items, content, relay)
    operation = content.root.tag
    for item in items:
        if operation == "SendItem" and not _is_current(item, found.get(item.number)):
            return answers.not_done(operation, len(items), _STALE, "ErrorStaleObject")
    made = {item.number: letter(item, content, found.get(item.number), own) for item in items}
    return HeldCall(operation, len(items), {n: each for n, each in made.items() if each is not None}, token)


async def _found(items: list[Item], content: Content, relay: Relay) -> dict[int, Element | None]:
    named = [(item.number, item.reference) for item in items if item.reference is not None and may_send(item, content)]
    if not named:
        return {}
    shown = await relay.look_up([reference for _, reference in named])
    return {number: each for (number, _), each in zip(named, shown, strict=True)}


def _is_current(item: Item, found: Element | None) -> bool:
    """Whether what was looked up is what the server will send; where it cannot be seen, its own check has to do."""
    key = item.reference.get("ChangeKey") if item.reference is not None else None
    if found is None:
        return bool(key)
    shown = found.find("ItemId")
    return shown is not None and key == shown.get("ChangeKey")
