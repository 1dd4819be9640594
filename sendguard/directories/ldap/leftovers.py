"""What is read after the crawl: lists too large for one answer, and lists that are a rule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sendguard.audience.crawl import Progress
from sendguard.directories.ldap.entries import Cut, Dynamic, Entries
from sendguard.directories.ldap.rule import Rule, Scope
from sendguard.directories.ldap.session import LdapFailed, SearchRefused, Session
from sendguard.directories.ldap.words import NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, UNWILLING

_RECONNECTIONS = 3
_NO_ATTRIBUTES = ("1.1",)
"""RFC 4511 section 4.5.1.8: the names alone."""


class Line:
    """The connection, which may have to be made anew; closed in any case, also by Ctrl-C."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._left = _RECONNECTIONS
        self._before: list[str] = []
        self.session = open_session()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    @property
    def references(self) -> list[str]:
        """URLs of other servers, of all sessions."""
        return [*self._before, *self.session.references]

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Let a search within be refused, or end the connection: a new one is made, a few times."""
        try:
            yield
        except SearchRefused:
            return
        except LdapFailed:
            self._left -= 1
            if self._left < 0:
                raise
            self._before += self.session.references
            self.session.close()
            self.session = self._open()


class Leftovers:
    """Takes what it could read out of ``entries.cut`` and ``entries.dynamic``; what stays is of unknown size.

    ``wanted`` is the filter of the crawl: whatever else a rule finds gets no mail. ``seconds``: for each rule.
    """

    def __init__(self, line: Line, entries: Entries, wanted: str, seconds: int) -> None:
        self._line = line
        self._entries = entries
        self._wanted = wanted
        self._seconds = seconds

    def read(self, progress: Progress) -> None:
        """Read all of it. Raises LdapFailed when the server has gone for good."""
        if cut := list(self._entries.cut):
            progress.begin("large lists", len(cut), "lists")
        for each in cut:
            with self._line.surviving():
                self._continue(each)
                self._entries.cut.remove(each)
            progress.advance(1)
        if dynamic := self._entries.dynamic[:]:
            progress.begin("dynamic lists", len(dynamic), "lists")
        self._entries.dynamic.clear()
        for one in dynamic:
            self._entries.dynamic.append(replace(one, listed=False))
            with self._line.surviving():
                self._evaluate(one)
                self._entries.dynamic.pop()
            progress.advance(1)

    def _continue(self, cut: Cut) -> None:
        following: int | None = cut.following
        while following is not None:
            following = self._range(cut, following)

    def _range(self, cut: Cut, following: int) -> int | None:
        """Read one range more, and return where the next begins; None after the last."""
        dn = cut.dn.decode("utf-8", "replace")
        asked = f"{cut.attribute};range={following}-*"
        for entry in self._line.session.pages(dn, Scope.BASE, "(objectClass=*)", (asked,)):
            for name, values in entry.attributes.items():
                if name.startswith(asked[:-1]):
                    self._entries.members(cut.key, values)
                    last = name.rpartition("-")[2]
                    return None if last == "*" else int(last) + 1
        raise SearchRefused(NO_SUCH_ATTRIBUTE)

    def _evaluate(self, dynamic: Dynamic) -> None:
        found: list[bytes] = []
        for rule in dynamic.rules:
            if rule is None:
                raise SearchRefused(UNWILLING)
            found += self._found(rule)
        if not found and not dynamic.listed:  # nobody, or nobody we may see
            raise SearchRefused(NO_SUCH_OBJECT)
        self._entries.members(dynamic.key, found)

    def _found(self, rule: Rule) -> list[bytes]:
        both = f"(&{rule.filter}{self._wanted})"
        found = self._line.session.pages(rule.base, rule.scope, both, _NO_ATTRIBUTES, self._seconds)
        return [entry.dn for entry in found]
