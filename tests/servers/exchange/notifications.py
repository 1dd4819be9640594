"""Subscribe, Unsubscribe, GetStreamingEvents: who hears of a mailbox's changes, the moment they happen."""

import threading

from tests.servers.exchange.answers import Fault, Refused, failure, for_each, response
from tests.servers.exchange.calls import Call
from tests.servers.exchange.store import Event, Mailbox
from tests.servers.exchange.streams import Stream, Subscription
from tests.servers.exchange.xml import E, Node


class Notifications:
    """All subscriptions and streams of a server."""

    def __init__(self) -> None:
        self.heartbeat = 30.0
        """Seconds of silence after which a StatusEvent is written."""
        self.subscriptions: dict[str, Subscription] = {}
        self.streams: list[Stream] = []
        self.hanging_connections = 10
        """HangingConnectionLimit: streams a person may have open (3 in Exchange 2013)."""
        self.subscriptions_each = 20
        """EWSMaxSubscriptions of a person."""
        self._missed = 0
        self._moved: set[str] = set()
        self._lock = threading.RLock()

    def forget_subscriptions(self) -> None:
        """Lose all subscriptions, as after a failover; open streams are ended."""
        with self._lock:
            self.subscriptions.clear()
            self._moved.clear()
            self.end_streams()

    def end_streams(self) -> None:
        """End all streams as Exchange does at their time: ConnectionStatus Closed."""
        self._end("closed")

    def drop_streams(self) -> None:
        """Cut all streams in the middle of a chunk."""
        self._end("cut")

    def move_mailbox(self) -> None:
        """Move everybody to another server: streams end, and subscriptions are of a server that is not there."""
        with self._lock:
            self._moved |= set(self.subscriptions)
            self.end_streams()

    def miss_next_event(self) -> None:
        """Do not tell anybody of what happens next."""
        self._missed += 1

    def subscribe(self, call: Call) -> Node:
        """Make a subscription."""

        def make(request: Node) -> list[Node]:
            if request.name != "m:StreamingSubscriptionRequest":
                raise Refused("ErrorInvalidOperation", "The test Exchange only has streaming subscriptions.")
            folders = request.get("t:FolderIds")
            everything = request.attributes.get("SubscribeToAllFolders") in ("true", "1")
            if everything == bool(folders):
                raise Refused("ErrorInvalidSubscriptionRequest", "Either folders or all of them.")
            chosen = frozenset(call.folder(node).id for node in folders.children) if folders else frozenset()
            kinds = frozenset(node.text.strip() for node in request.need("t:EventTypes").children)
            made = Subscription(call.mailbox, chosen, kinds)
            self._add(made)
            return [E("m:SubscriptionId", made.id)]

        return for_each("Subscribe", call.body.children, make)

    def unsubscribe(self, call: Call) -> Node:
        """End a subscription."""

        def end(node: Node) -> list[Node]:
            with self._lock:
                if self.subscriptions.pop(node.text.strip(), None) is None:
                    raise Refused("ErrorSubscriptionNotFound", "The subscription wasn't found.")
            return []

        return for_each("Unsubscribe", call.body.children, end)

    def open(self, call: Call) -> Stream | Node:
        """Open a stream for the subscriptions a call names, or return the answer that says why not."""
        minutes = int(call.body.text_of("m:ConnectionTimeout"))
        if not 1 <= minutes <= 30:
            raise Fault("ErrorSchemaValidation", "ConnectionTimeout is from 1 to 30 minutes.")
        ids = [node.text.strip() for node in call.body.need("m:SubscriptionIds").children]
        with self._lock:
            found = [self.subscriptions[each] for each in ids if each in self.subscriptions]
            if bad := [each for each in ids if each not in self.subscriptions or each in self._moved]:
                return self._unknown(bad)
            mine = [each for each in self.streams if each.subscriptions[0].mailbox is call.mailbox]
            if len(mine) >= self.hanging_connections:
                raise Fault("ErrorExceededConnectionCount", "You have exceeded the available concurrent connections.")
            stream = Stream(found)
            self.streams.append(stream)
        return stream

    def close(self, stream: Stream) -> None:
        """Take a stream away that has ended."""
        with self._lock:
            self.streams.remove(stream)
            stream.close()

    def listen(self, mailbox: Mailbox) -> None:
        """Hear of everything in a mailbox from now on."""

        def hear(event: Event) -> None:
            with self._lock:
                if self._missed:
                    self._missed -= 1
                    return
                for stream in self.streams:
                    if stream.subscriptions[0].mailbox is mailbox:
                        stream.hear(event)

        mailbox.listeners.append(hear)

    def _add(self, made: Subscription) -> None:
        with self._lock:
            if sum(each.mailbox is made.mailbox for each in self.subscriptions.values()) >= self.subscriptions_each:
                raise Refused("ErrorExceededSubscriptionCount", "The maximum number of subscriptions is exceeded.")
            self.subscriptions[made.id] = made

    def _end(self, how: str) -> None:
        with self._lock:
            for stream in self.streams:
                stream.end(how)

    def _unknown(self, ids: list[str]) -> Node:
        code = "ErrorMailboxMoveInProgress" if set(ids) & self._moved else "ErrorSubscriptionNotFound"
        names = E("m:ErrorSubscriptionIds", *(E("m:SubscriptionId", each) for each in ids))
        for each in ids:
            self.subscriptions.pop(each, None)
            self._moved.discard(each)
        refused = Refused(code, "One or more subscriptions in the request were not found.")
        return response("GetStreamingEvents", [failure("GetStreamingEvents", refused, names)])
