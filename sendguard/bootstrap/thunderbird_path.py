"""The path of Thunderbird's add-on. What it stands on is imported when it starts: that is after the tray."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.storage.places import Places
from sendguard.wording.sentences import Sentences

if TYPE_CHECKING:
    from sendguard.thunderbird.gate import AddonGate


class ThunderbirdPath:
    """The one path that is no account's: any account of Thunderbird's may be behind it."""

    def __init__(
        self,
        places: Places,
        gatekeeper: Gatekeeper,
        accounts: Callable[[], tuple[Account, ...]],
        sentences: Callable[[], Sentences],
    ) -> None:
        self._places = places
        self._gatekeeper = gatekeeper
        self._accounts = accounts
        self._sentences = sentences
        self._gate: AddonGate | None = None
        self._trouble = ""

    @property
    def state(self) -> str:
        """``running``, ``stopped``, or the code of a trouble."""
        return self._trouble or (self._gate.state if self._gate is not None else "stopped")

    @property
    def thunderbirds(self) -> int:
        """How many Thunderbirds are connected now."""
        return self._gate.thunderbirds if self._gate is not None else 0

    def start(self) -> None:
        """Listen. What keeps it from that is trouble, and told."""
        from importlib.metadata import version

        from sendguard.thunderbird.door import DoorNotOpened, door_here
        from sendguard.thunderbird.gate import AddonGate

        door = door_here(self._places.thunderbird_door)
        self._gate = AddonGate(door, self._gatekeeper, self._accounts, self._sentences, version("sendguard"))
        try:
            self._gate.start()
        except DoorNotOpened as error:
            self._trouble = error.code
            self._gatekeeper.trouble(error.code)

    def stop(self) -> None:
        """End every conversation."""
        if self._gate is not None:
            self._gate.stop()
