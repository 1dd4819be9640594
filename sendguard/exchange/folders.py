"""Finding folders with one call each: exchangelib's own ways ask for every well-known folder first.

Everything in here stands inside ``mapping_ews_errors``.
"""

from collections.abc import Iterator
from typing import Any

from exchangelib import Folder, Q
from exchangelib.folders import DEEP, SHALLOW, FolderCollection

MAIL = "IPF.Note"
"""The class of folders that hold messages (MS-OXOSFLD §2.2.5)."""


def find_or_make(box: Any, name: str) -> Any:
    """One's own folder of this name, ``/`` parting its levels; made where it is missing."""
    folder = box.msg_folder_root
    for level in name.split("/"):
        found = FolderCollection(account=box, folders=[folder]).find_folders(q=Q(name=level), depth=SHALLOW)
        # Compared once more: a server that overlooked the restriction would make a guarded outbox of any folder.
        known = next((each for each in found if isinstance(each, Folder) and _same(each.name, level)), None)
        folder = known or _made(folder, level)
    return folder


def with_mail(box: Any) -> Iterator[Any]:
    """Every folder in the mailbox that holds messages."""
    everywhere = FolderCollection(account=box, folders=[box.msg_folder_root])
    found = everywhere.find_folders(q=Q(folder_class=MAIL), depth=DEEP)
    yield from (each for each in found if isinstance(each, Folder) and each.folder_class == MAIL)


def _made(parent: Any, name: str) -> Any:
    folder = Folder(parent=parent, name=name, folder_class=MAIL)
    return folder.save()


def _same(one: str | None, other: str) -> bool:
    return (one or "").casefold() == other.casefold()
