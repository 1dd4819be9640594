"""ExpandDL, read as it comes: the people of a list, counted without being kept."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from sendguard.exchange.session import Session
from sendguard.exchange.soap import FAULT_CODE, M, T, asking, raise_for, written
from sendguard.mail.address import domain_of, normalise
from sendguard.mailbox.errors import MailboxUnreachable

MOST_PEOPLE = 250_000
"""Where counting stops: a list of which so many are known is large enough for every question about it."""
_REQUEST = "<m:ExpandDL><m:Mailbox><t:EmailAddress>%s</t:EmailAddress></m:Mailbox></m:ExpandDL>"

_EXPANSION, _CODE, _MAILBOX = f"{M}DLExpansion", f"{M}ResponseCode", f"{T}Mailbox"
_ADDRESS, _TYPE = f"{T}EmailAddress", f"{T}MailboxType"
_LIST = "PublicDL"
_CLOSED = {"PrivateDL", "GroupMailbox", "Unknown"}
"""Members that may stand for several people, and cannot be opened by an address."""


@dataclass(slots=True)
class Expansion:
    """One level of a list: whom the server showed.

    ``people`` are hashes of their addresses, 64 bits each: 100,000 addresses would take twice the memory. ``lists`` are
    the addresses of lists inside. ``closed`` members may be lists and cannot be opened; ``nameless`` ones have no
    address. ``shown`` are the members of all kinds. ``complete``: the server says that these were all. ``own`` are
    those of the asked-about own addresses that are members; ``domains`` how many people each domain has.
    """

    people: set[int] = field(default_factory=set)
    lists: dict[str, None] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    domains: Counter[str] = field(default_factory=Counter)
    nameless: int = 0
    closed: int = 0
    shown: int = 0
    complete: bool = False

    @property
    def count(self) -> int:
        """People shown, each once."""
        return len(self.people) + self.nameless

    def reopened(self) -> "Expansion":
        """For another list: the same people, and nothing of it shown yet."""
        return Expansion(people=self.people, own=self.own, domains=self.domains, nameless=self.nameless)


def expand(
    session: Session,
    address: str,
    until: float,
    *,
    own: frozenset[str] = frozenset(),
    most: int = MOST_PEOPLE,
    before: Expansion | None = None,
) -> Expansion:
    """Ask who is in a list, for at most ``most`` people and until ``until`` (``time.monotonic``): then it is not
    ``complete``. The people of ``before`` are counted with it, and it with them.

    An answer without anybody in it is no statement that nobody is: Exchange gives it for lists it does not find.
    Raises CommandRefused (``nameresolutionnoresults`` for what is no list, or hidden) and other MailboxError.
    """
    reader = _Reader(before.reopened() if before else Expansion(), own)
    parser = etree.XMLParser(target=reader, resolve_entities=False, no_network=True)
    try:
        with asking(session, _REQUEST % written(address), until) as pieces:
            if _feed(parser, pieces, reader, until, most):
                parser.close()
                raise_for(reader.code)
                reader.found.complete = reader.says_complete
    except MailboxUnreachable as error:
        if error.why != "timeout" or not reader.found.shown:
            raise
    return reader.found


def _feed(parser: etree.XMLParser, pieces: Iterable[bytes], reader: "_Reader", until: float, most: int) -> bool:
    """Whether the answer was read to its end."""
    for piece in pieces:
        parser.feed(piece)
        if reader.found.count >= most or time.monotonic() >= until:
            return False
    return True


class _Reader:
    """A target for lxml's parser: is told of the document's events, and keeps no tree."""

    def __init__(self, found: Expansion, own: frozenset[str]) -> None:
        self.found = found
        self.code = ""
        self._own = own
        self._text = ""
        self._address = self._type = ""
        self._total = -1
        self._last = False

    @property
    def says_complete(self) -> bool:
        """Whether the server showed as many as it says there are, and that there are no more."""
        return self._last and self.found.shown >= self._total

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._text = ""
        if tag == _MAILBOX:
            self._address = self._type = ""
        elif tag == _EXPANSION:
            total = attributes.get("TotalItemsInView", "")
            self._total = int(total[:12]) if total.isascii() and total.isdecimal() else -1
            self._last = attributes.get("IncludesLastItemInRange") in {"true", "1"}

    def data(self, text: str) -> None:
        self._text += text

    def end(self, tag: str) -> None:
        if tag == _ADDRESS:
            self._address = self._text
        elif tag == _TYPE:
            self._type = self._text
        elif tag == _MAILBOX:
            self._member()
        elif tag in {_CODE, FAULT_CODE}:
            self.code = self._text

    def close(self) -> None:
        pass

    def _member(self) -> None:
        found = self.found
        found.shown += 1
        if self._type in _CLOSED or (self._type == _LIST and "@" not in self._address):
            found.closed += 1
        elif self._type == _LIST:
            found.lists[normalise(self._address)] = None
        elif not self._address:
            found.nameless += 1
        else:
            self._person(self._address.lower())

    def _person(self, address: str) -> None:
        key = hash(address)
        if key not in self.found.people:
            self.found.people.add(key)
            self.found.domains[domain_of(address)] += 1
            if address in self._own:
                self.found.own.add(address)
