"""What the watches over drafts have in common, whatever server they lie on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.watching import FolderWatch, Watched, WatchState

FRESH = timedelta(days=1)
"""Drafts already there are judged when they were changed within a day: old ones would be a storm."""
MAX_AT_START = 50


class DraftsInSight:
    """What is judged, by whom, and what the person knows of."""

    def __init__(
        self, intake: Intake, gatekeeper: Gatekeeper, clock: Callable[[], datetime], known: Compositions | None
    ) -> None:
        self._intake = intake
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._known = known or Compositions()


class WatchOverDrafts:
    """A watch, to be started and stopped. ``service`` begins the codes of troubles with the server."""

    def __init__(
        self,
        service: str,
        account: str,
        gatekeeper: Gatekeeper,
        connect: Callable[[], Any],
        drafts: Watched[Any, Any],
    ) -> None:
        self._watch: FolderWatch[Any] = FolderWatch(
            f"{service} drafts watch", connect, drafts, lambda why: gatekeeper.trouble(f"{service}_{why}", account)
        )

    @property
    def state(self) -> WatchState:
        """How the watch is doing."""
        return self._watch.state

    def start(self) -> None:
        """Start watching, on a thread of its own."""
        self._watch.start()

    def stop(self) -> None:
        """Stop watching."""
        self._watch.stop()
