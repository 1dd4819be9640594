"""A question about some addresses, with what is known of them so far. Needs no exchangelib."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sendguard.exchange.size_cache import Learned


@dataclass(slots=True)
class SizeQuestion:
    """``asking`` is the account's address, ``own`` are those looked for in lists, ``wanted`` the ones to learn about.

    ``found`` grows: what is in it is what is known at that moment, and final once it is ``settled``. A list that is
    being opened at ``until`` is "at least" what was seen by then. Afterwards nobody waits any more, but the next
    message will be glad of what is learned until ``later`` (both ``time.monotonic``).
    """

    asking: str
    own: frozenset[str]
    wanted: tuple[str, ...]
    is_outside: Callable[[str], bool]
    until: float
    later: float
    clock: Callable[[], datetime]
    found: dict[str, Learned] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    @property
    def unsettled(self) -> list[str]:
        """What is still to be learned about, in the order asked."""
        return [address for address in self.wanted if address not in self.settled]

    def settle(self, address: str, learned: Learned) -> None:
        """This is all there is to know of it."""
        self.found[address] = learned
        self.settled.add(address)
