"""What an Exchange server said of addresses, kept for a while; no message of ours should cost it the same twice."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sendguard.audience.audience import AddressKind
from sendguard.audience.count import Count, nobody

SOURCE = "Exchange"
"""What a person reads as the source of a number."""
PERSON = Count.exact(1, SOURCE)
LASTS = timedelta(hours=6)
"""The server's own counts are made once a day."""
FLEETING = timedelta(minutes=10)
"""For what may be known better soon: no count yet, no answer in time, nobody of that address."""
MOST_ADDRESSES = 5_000
"""Per server."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a server says an address is; ``kind`` is None where it shows nobody of that address.

    ``count`` is of everybody in it, the originator included. ``main``: its main address, where that was asked for.
    ``own``: those addresses of this computer's accounts that are surely in it. ``outsiders`` as the server counts them,
    or ``domains``: people in each domain. ``listed``: the people were seen themselves, not only their number.
    """

    kind: AddressKind | None
    count: Count = field(default_factory=nobody)
    main: str = ""
    own: frozenset[str] = frozenset()
    outsiders: int | None = None
    domains: Mapping[str, int] = field(default_factory=dict)
    lists_inside: int = 0
    listed: bool = False
    lasts: timedelta = LASTS


class ServerSizes:
    """What one server said, to whichever account. Used by any thread.

    ``counts`` once it gave a list's count: then no count means something.
    """

    def __init__(self) -> None:
        self.counts = False
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[datetime, Learned]] = OrderedDict()

    def get(self, address: str, now: datetime) -> Learned | None:
        """What is known of an address, unless it is too old. A clock that was set back makes everything too old."""
        with self._lock:
            at, learned = self._kept.get(address, (now, None))
            return learned if learned is not None and timedelta(0) <= now - at < learned.lasts else None

    def put(self, address: str, learned: Learned, now: datetime) -> None:
        """Keep it; what was put here longest ago is forgotten when there is too much."""
        with self._lock:
            self._kept.pop(address, None)
            self._kept[address] = (now, learned)
            if len(self._kept) > MOST_ADDRESSES:
                self._kept.popitem(last=False)
