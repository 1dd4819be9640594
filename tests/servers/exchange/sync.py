"""SyncFolderItems and SyncFolderHierarchy: what changed since a state, in pages."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.exchange.answers import Refused, for_each
from tests.servers.exchange.calls import Call
from tests.servers.exchange.shapes import show_folder, show_item
from tests.servers.exchange.store import Change
from tests.servers.exchange.xml import E, Node

PAGE = 512
"""The most changes SyncFolderItems returns, and the largest MaxChangesReturned it takes."""


@dataclass(frozen=True)
class State:
    """How far a client has come: all changes up to ``since``, and the first ``done`` of those up to ``until``."""

    of: str
    since: int = 0
    until: int = 0
    done: int = 0

    def written(self) -> str:
        """As the client keeps it."""
        return base64.b64encode(json.dumps([self.of, self.since, self.until, self.done]).encode()).decode()


def read_state(text: str, of: str) -> State:
    """Return the state in a client's text; Refused ErrorInvalidSyncStateData for another folder's, or none at all."""
    if not text:
        return State(of)
    try:
        state = State(*json.loads(base64.b64decode(text, validate=True)))
    except (binascii.Error, ValueError, TypeError):
        raise _invalid() from None
    if state.of != of:
        raise _invalid()
    return state


def net(log: Sequence[Change], since: int, until: int) -> list[Change]:
    """What is left of the changes after ``since`` up to ``until`` when each object is looked at once."""
    histories: dict[str, list[Change]] = {}
    for change in log:
        if since < change.number <= until:
            histories.setdefault(change.id, []).append(change)
    return [left for history in histories.values() if (left := _together(history))]


def items(call: Call) -> Node:
    """Show the changes in a folder."""
    shape, limit = call.body.need("m:ItemShape"), int(call.body.text_of("m:MaxChangesReturned"))
    if not 1 <= limit <= PAGE:
        raise Refused("ErrorInvalidSyncStateData", f"MaxChangesReturned must be from 1 to {PAGE}.")
    ignoring = call.body.get("m:Ignore")
    ignored = {node.attributes["Id"] for node in ignoring.children} if ignoring else set()

    def changes(node: Node) -> list[Node]:
        folder = call.folder(node)
        state = read_state(call.body.text_of("m:SyncState"), call.site.sync_name(folder.id))
        page, last, state = _page(folder.log, state, limit)
        shown = [_item(call, change, shape) for change in page if change.id not in ignored]
        return _answer("m:IncludesLastItemInRange", shown, last, state)

    return for_each("SyncFolderItems", [call.body.need("m:SyncFolderId").children[0]], changes)


def hierarchy(call: Call) -> Node:
    """Show the changes of folders in folders."""
    shape = call.body.need("m:FolderShape")

    def changes(_: str) -> list[Node]:
        top = call.folder_in("m:SyncFolderId", "msgfolderroot")
        state = read_state(call.body.text_of("m:SyncState"), call.site.sync_name(top.id))
        page, last, state = _page(call.mailbox.log, state, 100_000)
        below = {folder.id for folder in call.mailbox.children(top, deep=True)}
        shown = [_folder(call, change, shape) for change in page if change.id in below or change.kind == "delete"]
        return _answer("m:IncludesLastFolderInRange", shown, last, state)

    return for_each("SyncFolderHierarchy", [""], changes)


def _together(history: list[Change]) -> Change | None:
    first, last = history[0], history[-1]
    if last.kind == "delete":
        return None if first.kind == "create" else last
    kinds = {change.kind for change in history}
    return Change(last.number, last.id, next(kind for kind in ("create", "update", "read") if kind in kinds))


def _page(log: Sequence[Change], state: State, limit: int) -> tuple[list[Change], bool, State]:
    until = state.until or (log[-1].number if log else state.since)
    found = net(log, state.since, until)
    page = found[state.done : state.done + limit]
    if state.done + limit < len(found):
        return page, False, State(state.of, state.since, until, state.done + limit)
    return page, True, State(state.of, max(until, state.since))


def _item(call: Call, change: Change, shape: Node) -> Node | None:
    if change.kind == "delete":
        return E("t:Delete", E("t:ItemId", Id=change.id))
    item = call.mailbox.items.get(change.id)
    if item is None:
        return None
    if change.kind == "read":
        which = E("t:ItemId", Id=item.id, ChangeKey=item.change_key)
        return E("t:ReadFlagChange", which, E("t:IsRead", str(item.is_read).lower()))
    return E(f"t:{change.kind.capitalize()}", show_item(item, shape, in_list=True))


def _folder(call: Call, change: Change, shape: Node) -> Node | None:
    if change.kind == "delete":
        return E("t:Delete", E("t:FolderId", Id=change.id))
    folder = call.mailbox.folders.get(change.id)
    return E(f"t:{change.kind.capitalize()}", show_folder(call.mailbox, folder, shape)) if folder else None


def _answer(included: str, shown: list[Node | None], last: bool, state: State) -> list[Node]:
    return [E("m:SyncState", state.written()), E(included, str(last).lower()), E("m:Changes", *shown)]


def _invalid() -> Refused:
    return Refused("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.")
