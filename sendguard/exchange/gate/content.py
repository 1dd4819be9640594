"""What a call that may send says, as a tree: small, whatever the size of the message in it."""

import hashlib
from xml.etree.ElementTree import Element, TreeBuilder

from sendguard.exchange.gate.calls import MAY_SEND
from sendguard.exchange.gate.mime import Mime

MOST_TEXT = 1_000_000
"""Characters that are kept of the bodies in a call, of which the rest is digested, and that all else in it may have."""
_BODIES = frozenset({"Body", "NewBodyContent"})
MOST_ELEMENTS = 50_000
_MIME = frozenset({"MimeContent", "MimeContentUTF8"})
_DIGESTED = _MIME | {"Content"}
"""Base64 that is not kept: the message itself, and attached files and items."""
_OF_AN_ITEM = 3
"""Levels below the operation's element: Items, an item, and what belongs to it."""


class TooMuch(Exception):
    """More elements, or more text in them, than a person can mean."""


class Content:
    """The operation's element; ``root`` is complete once it has ended. Names are without their namespaces.

    ``mimes`` are the messages in it, in the order of the items they belong to (by the item's number from 0). ``rests``
    are digests of what was left out, in the same way.
    """

    def __init__(self, operation: str, attributes: dict[str, str]) -> None:
        self._list = MAY_SEND[operation]
        self._builder = TreeBuilder()
        self.root: Element = self._builder.start(operation, attributes)
        self.mimes: dict[int, Mime] = {}
        self._rests: dict[int, hashlib.blake2b] = {}
        self._path: list[str] = []
        self._item = -1
        self._mime: Mime | None = None
        self._bodies = self._others = self._elements = 0

    def rest(self, item: int) -> str:
        """Digest of what an item holds and the tree does not; empty where that is nothing."""
        found = self._rests.get(item)
        return found.hexdigest() if found else ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins. Raises TooMuch."""
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise TooMuch
        self._path.append(name)
        self._builder.start(name, attributes)
        if len(self._path) == _OF_AN_ITEM - 1 and self._path[0] == self._list:
            self._item += 1
        if len(self._path) == _OF_AN_ITEM and self._path[0] == "Items" == self._list and name in _MIME:
            if self._item in self.mimes:
                raise TooMuch
            self._mime = self.mimes[self._item] = Mime()

    def end(self) -> None:
        """The element that began last ends. Raises BadBase64."""
        if self._mime is not None and len(self._path) == _OF_AN_ITEM:
            self._mime.close()
            self._mime = None
        self._builder.end(self._path.pop())

    def data(self, text: str) -> None:
        """Text. Raises BadBase64, TooMuch."""
        element = self._path[-1] if self._path else ""
        if self._mime is not None:
            self._mime.add(text)
        elif element in _DIGESTED or (element in _BODIES and self._bodies + len(text) > MOST_TEXT):
            self._rests.setdefault(self._item, hashlib.blake2b(digest_size=32)).update(text.encode())
        else:
            self._keep(element, text)

    def _keep(self, element: str, text: str) -> None:
        if element in _BODIES:
            self._bodies += len(text)
        else:
            self._others += len(text)
        if self._others > MOST_TEXT:
            raise TooMuch
        self._builder.data(text)
