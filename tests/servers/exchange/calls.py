"""One call: who makes it, in which mailbox, and how what it names is found."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.servers.exchange.answers import Refused
from tests.servers.exchange.site import Person, Site
from tests.servers.exchange.store import Folder, Item, Mailbox
from tests.servers.exchange.xml import E, Node


@dataclass(frozen=True)
class Call:
    """A request that was let in and fits the schema."""

    site: Site
    person: Person
    body: Node

    @property
    def mailbox(self) -> Mailbox:
        """The caller's own mailbox."""
        return self.site.mailbox(self.person)

    def folder(self, node: Node) -> Folder:
        """Find the folder an id names; another person's is refused."""
        owner = node.get("t:Mailbox")
        address = owner.text_of("t:EmailAddress") if owner else self.person.address
        if self.site.mailbox(address) is not self.mailbox:
            raise Refused("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if node.name == "t:DistinguishedFolderId":
            return self.mailbox.distinguished(node.attributes["Id"])
        return self.mailbox.folder(node.attributes["Id"])

    def folder_in(self, name: str, otherwise: str = "") -> Folder:
        """Find the folder in the child of that name, or the well-known one where it is absent."""
        child = self.body.get(name)
        return self.folder(child.children[0]) if child else self.mailbox.distinguished(otherwise)

    def item(self, node: Node) -> Item:
        """Find the item an id names; occurrences of a series are not kept here."""
        if "Id" not in node.attributes:
            raise Refused("ErrorCalendarOccurrenceIsDeletedFromRecurrence", "The occurrence couldn't be found.")
        return self.mailbox.item(node.attributes["Id"])


Operation = Callable[[Call], Node]


def item_id(item: Item) -> Node:
    """An item's id and change key."""
    return E("t:ItemId", Id=item.id, ChangeKey=item.change_key)
