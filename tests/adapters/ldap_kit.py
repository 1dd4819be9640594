"""What tests of LDAP and LDIF share: a plain oracle over a draft, and a session that gives what a test wrote down."""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft, Group
from sendguard.directories.ldap.crawl import LdapCrawl
from sendguard.directories.ldap.entries import Entries
from sendguard.directories.ldap.entry import Entry
from sendguard.directories.ldap.rule import Scope
from sendguard.directories.ldap.session import Login, SearchRefused, Server, Session, Terms

DEBIAN = Path("/usr/lib/python3/dist-packages")
PYTHON_LDAP = ("ldap", "_ldap.*.so", "ldapurl.py", "ldif.py", "pyasn1_modules")


def entry(dn: str, **attributes: str | bytes | Sequence[str | bytes]) -> Entry:
    """An entry as a server gives it; ``member_range_0_1`` stands for ``member;range=0-1``, ``_all`` for ``*``."""
    named = []
    for name, said in attributes.items():
        values = [said] if isinstance(said, str | bytes) else said
        written, _, span = name.partition("_range_")
        option = f";range={span.replace('_', '-').replace('all', '*')}" if span else ""
        named.append((written + option, [each.encode() if isinstance(each, str) else each for each in values]))
    return Entry.of(dn.encode(), named)


def said(*entries: Entry, absent: bool = True, domains: Iterable[str] = ()) -> Draft:
    """The draft of these entries alone; ``absent`` as if everything around them was read."""
    draft = Draft()
    draft.speaks_for(domains)
    statements = Entries(draft)
    for each in entries:
        statements.say(each)
    statements.finish(lambda key: absent)
    return draft


def group(draft: Draft, name: str) -> Group:
    """What was said of the list with this key or address."""
    return draft.groups[draft.resolve(draft.numbers[name])]


def reach(draft: Draft, name: str) -> set[str]:
    """The main addresses of the people a list reaches: plain recursion over what is listed, the oracle."""
    found: set[str] = set()
    seen: set[int] = set()
    left = [draft.resolve(draft.numbers[name])]
    while left:
        here = draft.resolve(left.pop())
        if here in seen:
            continue
        seen.add(here)
        if here in draft.people and draft.addresses[here]:
            found.add(draft.addresses[here])
        left += draft.listed.get(here, ())
    return found


def undeclared(draft: Draft) -> set[str]:
    """The keys nobody has said anything of."""
    return {key for key, _ in draft.undeclared()}


def contents(draft: Draft) -> dict[str, Any]:
    """Everything a draft holds, to be compared."""
    return {**vars(draft), "people": list(draft.people)}


class Scripted:
    """A ``Session`` that gives entries a test wrote down, by base; a number among them is the server's refusal.

    No Active Directory was run here: what it answers is written down from its documentation.
    """

    def __init__(self, answers: dict[str, list[Entry | int]], references: Sequence[str] = ()) -> None:
        self.answers = answers
        self.references = references
        self.asked: list[tuple[str, Scope, str, tuple[str, ...]]] = []
        self.closed = 0

    def connect(self, server: Server, login: Login | None, terms: Terms) -> Session:
        """Be the connection."""
        return self

    def pages(
        self, base: str, scope: Scope, wanted: str, attributes: Sequence[str], seconds: int = 0
    ) -> Iterator[Entry]:
        """Give what was written down for the base, or for the base and the first attribute."""
        self.asked.append((base, scope, wanted, tuple(attributes)))
        for each in self.answers.get(f"{base}?{attributes[0]}", self.answers.get(base, [32])):
            if isinstance(each, int):
                raise SearchRefused(each)
            yield each

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed += 1

    def draft(self, *bases: str, **keywords: Any) -> Draft:
        """What a crawl over it says."""
        draft = Draft()
        LdapCrawl("ldap://localhost", bases, connect=self.connect, **keywords).read(draft, Unwatched())
        return draft


class Counted:
    """Progress that remembers the steps and how far each came."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int | None, str]] = []
        self.done: list[int] = []

    def begin(self, what: str, total: int | None, unit: str) -> None:
        """A step begins."""
        self.steps.append((what, total, unit))
        self.done.append(0)

    def advance(self, units: int) -> None:
        """So many more."""
        self.done[-1] += units


@contextmanager
def python_ldap_of_debian() -> Iterator[None]:
    """Let python-ldap be imported from Debian's packages, and nothing else of them."""
    with tempfile.TemporaryDirectory(prefix="sendguard-python-ldap-") as folder:
        found = [
            each
            for pattern in ("ldap", "_ldap.*.so", "ldapurl.py", "ldif.py", "pyasn1_modules")
            for each in DEBIAN.glob(pattern)
        ]
        assert len(found) == len(PYTHON_LDAP), "python3-ldap is not installed: packaging/linux/packages-test.txt"
        for each in found:
            (Path(folder) / each.name).symlink_to(each)
        sys.path.append(folder)
        try:
            yield
        finally:
            sys.path.remove(folder)
