"""What has changed in a folder: SyncFolderItems, which misses nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from exchangelib import errors as ews

from sendguard.exchange.errors import mapping_ews_errors

_STATE_VOID = (
    ews.ErrorInvalidSyncStateData,
    ews.ErrorSyncFolderNotFound,
    AttributeError,  # of an error that comes without a SyncState: exchangelib looks at that first
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of items put there or changed, in the server's order, and of those taken out. ``anew``: it is everything."""

    arrived: tuple[str, ...] = ()
    left: frozenset[str] = frozenset()
    anew: bool = False


class Synchronised:
    """One folder and the state it was last seen in. Ids only: what is in the items is asked for afterwards."""

    def __init__(self) -> None:
        self._state: str | None = None
        self._next: str | None = None

    def seen(self) -> None:
        """What ``changes`` told last was looked at. Until then it is told again, whatever happened on the way."""
        self._state = self._next

    def changes(self, folder: Any) -> Changes:
        """What has changed since ``seen``; everything the first time, or when the server forgot the state.

        Raises MailboxError.
        """
        with mapping_ews_errors():
            if self._state is not None:
                try:
                    return self._since(folder, anew=False)
                except _STATE_VOID:
                    self._state = None
            return self._since(folder, anew=True)

    def _since(self, folder: Any, *, anew: bool) -> Changes:
        folder.item_sync_state = None
        changes = list(folder.sync_items(sync_state=self._state, only_fields=["id"]))
        self._next = folder.item_sync_state
        arrived = dict.fromkeys(_ids(changes, {"create", "update"}))
        left = frozenset(_ids(changes, {"delete"}))
        return Changes(tuple(id for id in arrived if id not in left), left, anew)


def _ids(changes: Iterable[tuple[str, Any]], kinds: set[str]) -> list[str]:
    return [item.id for kind, item in changes if kind in kinds]
