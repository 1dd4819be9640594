"""GetFolder, FindFolder, CreateFolder, UpdateFolder, DeleteFolder, EmptyFolder, MoveFolder."""

from tests.servers.exchange.answers import Refused, for_each, response, success
from tests.servers.exchange.calls import Call
from tests.servers.exchange.finding import matches
from tests.servers.exchange.shapes import show_folder
from tests.servers.exchange.store import Folder
from tests.servers.exchange.xml import E, Node

_ID_ONLY = E("m:FolderShape", E("t:BaseShape", "IdOnly"))
_CLASSES = {"t:CalendarFolder": "IPF.Appointment", "t:ContactsFolder": "IPF.Contact", "t:TasksFolder": "IPF.Task"}


def get(call: Call) -> Node:
    """Show folders."""
    shape = call.body.need("m:FolderShape")

    def show(node: Node) -> list[Node]:
        return [E("m:Folders", show_folder(call.mailbox, call.folder(node), shape))]

    return for_each("GetFolder", call.body.need("m:FolderIds").children, show)


def find(call: Call) -> Node:
    """Show the folders in folders, those that a restriction lets through."""
    shape = call.body.need("m:FolderShape")
    deep = call.body.attributes["Traversal"] == "Deep"

    def show(node: Node) -> list[Node]:
        found = [each for each in call.mailbox.children(call.folder(node), deep=deep) if _passes(each, call)]
        folders = E("t:Folders", *(show_folder(call.mailbox, each, shape) for each in found))
        count = {"TotalItemsInView": str(len(found)), "IncludesLastItemInRange": "true"}
        return [E("m:RootFolder", folders, IndexedPagingOffset=str(len(found)), **count)]

    return for_each("FindFolder", call.body.need("m:ParentFolderIds").children, show)


def _passes(folder: Folder, call: Call) -> bool:
    fields = {"folder:DisplayName": folder.name, "folder:FolderClass": folder.folder_class}

    def reads(field: Node) -> str:
        uri = field.attributes.get("FieldURI", "")
        if uri not in fields:
            raise Refused("ErrorUnsupportedPathForQuery", "The property can not be used with this type of restriction.")
        return fields[uri]

    restriction = call.body.get("m:Restriction")
    return restriction is None or matches(restriction.children[0], reads)


def create(call: Call) -> Node:
    """Make folders."""

    def make(node: Node) -> list[Node]:
        folder_class = node.text_of("t:FolderClass") or _CLASSES.get(node.name, "IPF.Note")
        folder = call.mailbox.new_folder(
            node.text_of("t:DisplayName"), call.folder_in("m:ParentFolderId"), folder_class
        )
        return [E("m:Folders", show_folder(call.mailbox, folder, _ID_ONLY))]

    return for_each("CreateFolder", call.body.need("m:Folders").children, make)


def update(call: Call) -> Node:
    """Rename folders."""

    def change(node: Node) -> list[Node]:
        folder = call.folder(node.children[0])
        for field in node.need("t:Updates").children:
            if field.children[0].attributes.get("FieldURI") != "folder:DisplayName" or len(field.children) != 2:
                raise Refused("ErrorInvalidPropertySet", "Set action is invalid for property.")
            folder.name = field.children[1].text_of("t:DisplayName")
        call.mailbox.change_folder(folder)
        return [E("m:Folders", show_folder(call.mailbox, folder, _ID_ONLY))]

    return for_each("UpdateFolder", call.body.need("m:FolderChanges").children, change)


def delete(call: Call) -> Node:
    """Delete folders with what is in them, or move them to Deleted Items."""

    def drop(node: Node) -> list[Node]:
        folder = call.folder(node)
        if call.body.attributes["DeleteType"] == "MoveToDeletedItems" and not folder.distinguished:
            _move(call, folder, call.mailbox.distinguished("deleteditems"))
        else:
            call.mailbox.remove_folder(folder)
        return []

    return for_each("DeleteFolder", call.body.need("m:FolderIds").children, drop)


def empty(call: Call) -> Node:
    """Delete what folders hold."""

    def clear(node: Node) -> list[Node]:
        folder = call.folder(node)
        for item in call.mailbox.contents(folder):
            call.mailbox.remove(item)
        if call.body.attributes["DeleteSubFolders"] == "true":
            for child in call.mailbox.children(folder):
                call.mailbox.remove_folder(child)
        return []

    return for_each("EmptyFolder", call.body.need("m:FolderIds").children, clear)


def move(call: Call) -> Node:
    """Move folders; their ids stay."""
    target = call.folder_in("m:ToFolderId")
    moved = [_move(call, call.folder(node), target) for node in call.body.need("m:FolderIds").children]
    shown = [E("m:Folders", show_folder(call.mailbox, folder, _ID_ONLY)) for folder in moved]
    return response("MoveFolder", [success("MoveFolder", each) for each in shown])


def _move(call: Call, folder: Folder, target: Folder) -> Folder:
    folder.parent = target
    call.mailbox.change_folder(folder)
    return folder
