"""One open GetStreamingEvents: what its client hears, and how it ends."""

import select
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.servers.exchange.answers import response, success
from tests.servers.exchange.store import Event, Mailbox, new_id
from tests.servers.exchange.xml import E, Node


@dataclass(eq=False)
class Subscription:
    """One mailbox's folders and kinds of events; no folder means all."""

    mailbox: Mailbox
    folders: frozenset[str]
    kinds: frozenset[str]
    id: str = field(default_factory=lambda: new_id("subscription"))

    def wants(self, event: Event) -> bool:
        """Tell whether an event is one of these."""
        return event.node.local in self.kinds and (not self.folders or bool(self.folders & event.folders))


class Stream:
    """One open GetStreamingEvents: what is to be written next, and how it ends."""

    def __init__(self, subscriptions: list[Subscription]) -> None:
        self.subscriptions = subscriptions
        self.ending = ""
        """``closed`` as Exchange ends it, ``cut`` in the middle of a chunk, or nothing while it runs."""
        self._events: deque[tuple[str, Event]] = deque()
        self._wakes, self._waits = socket.socketpair()
        self._wakes.setblocking(False)

    def hear(self, event: Event) -> None:
        """Take an event that one of the subscriptions wants. Any thread."""
        for subscription in self.subscriptions:
            if subscription.wants(event):
                self._events.append((subscription.id, event))
                self._wake()

    def end(self, how: str) -> None:
        """End the stream. Any thread."""
        self.ending = how
        self._wake()

    def wait(self, client: socket.socket, seconds: float) -> bool:
        """Wait for something to write; False when the client has gone."""
        ready, _, _ = select.select([self._waits, client], [], [], seconds)
        if self._waits in ready:
            self._waits.recv(4096)
        return client not in ready

    def take(self) -> list[Node]:
        """The notifications that have come since, one for each subscription."""
        found: dict[str, list[Node]] = {}
        while self._events:
            name, event = self._events.popleft()
            found.setdefault(name, []).append(event.node)
        return [E("m:Notification", E("t:SubscriptionId", name), *nodes) for name, nodes in found.items()]

    def close(self) -> None:
        """Free the stream's own sockets."""
        self._wakes.close()
        self._waits.close()

    def _wake(self) -> None:
        try:
            self._wakes.send(b"!")
        except OSError:
            return  # closed meanwhile, or so full that it wakes anyway


def envelopes(stream: Stream, client: socket.socket, heartbeat: float, seconds: float) -> Iterator[Node]:
    """Yield the bodies of a stream's answers, one after another, until it ends, the time is over or nobody reads."""
    yield _status("OK")
    while not stream.ending and seconds > 0:
        if not stream.wait(client, min(heartbeat, seconds)):
            return
        found = stream.take()
        seconds -= 0 if found else heartbeat
        if found:
            yield _events(found)
        elif not stream.ending:
            yield _events([E("m:Notification", E("t:SubscriptionId", stream.subscriptions[0].id), E("t:StatusEvent"))])
    stream.ending = stream.ending or "closed"
    if stream.ending != "cut":
        yield _status("Closed")


def _status(status: str) -> Node:
    return response("GetStreamingEvents", [success("GetStreamingEvents", E("m:ConnectionStatus", status))])


def _events(found: list[Node]) -> Node:
    return response("GetStreamingEvents", [success("GetStreamingEvents", E("m:Notifications", *found))])
