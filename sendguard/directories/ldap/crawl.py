"""A directory that answers over LDAP, read as a whole: OpenLDAP, Active Directory and their like."""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft
from sendguard.directories.ldap.entries import Entries
from sendguard.directories.ldap.leftovers import Leftovers, Line
from sendguard.directories.ldap.libraries import Connect, connect
from sendguard.directories.ldap.names import is_under, key
from sendguard.directories.ldap.rule import Scope, in_brackets
from sendguard.directories.ldap.session import LdapFailed, Login, SearchRefused, Session, Terms, server_at
from sendguard.directories.ldap.wanted import ATTRIBUTES, WANTED
from sendguard.directories.ldap.words import NO_SUCH_OBJECT, NOTHING, refused

_ABOUT_ITSELF = ("cn=config", "cn=schema", "cn=monitor", "cn=accesslog", "cn=changelog")
_BATCH = 500


class LdapCrawl:
    """An ``audience.crawl.Crawl`` over a directory's server.

    ``bases`` are the names below which everything is read, what the server says it holds where none is given. ``only``
    is a filter that entries must fit as well. ``domains`` are the mail domains the directory is complete for. Raises
    LdapFailed at once for an address that is none.
    """

    name = "directory"

    def __init__(
        self,
        url: str,
        bases: Sequence[str] = (),
        bind: Login | None = None,
        *,
        only: str = "",
        terms: Terms | None = None,
        domains: Iterable[str] = (),
        connect: Connect = connect,
    ) -> None:
        self._terms = terms or Terms()
        self._server = server_at(url, self._terms)
        self._bases = tuple(bases)
        self._bind = bind
        self._only = only
        self._domains = tuple(domains)
        self._connect = connect

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say everything. Raises LdapFailed: also when a limit of the server's kept entries from us, or all of them.

        A dynamic list is asked for by its own rule. Where the server refuses that, it is of unknown size.
        """
        entries = Entries(draft)
        with Line(self._open) as line:
            roots = self._read_all(line.session, entries, progress)
            Leftovers(line, entries, WANTED, self._terms.rule).read(progress)
            elsewhere = [key(unquote(urlsplit(url).path.lstrip("/"))) for url in line.references]
        draft.speaks_for(domain.strip().lstrip("@").lower() for domain in self._domains)
        # With a filter of their own, what was not found may be a list that does not fit it.
        entries.finish(lambda name: not self._only and is_under(name, roots) and not is_under(name, elsewhere))

    def _open(self) -> Session:
        return self._connect(self._server, self._bind, self._terms)

    def _read_all(self, session: Session, entries: Entries, progress: Progress) -> list[str]:
        """Read below every base, and return the keys of those where something was."""
        progress.begin("directory", None, "entries")
        try:
            bases = self._bases or bases_of(session)
            filled = []
            for base in bases:
                if self._read_base(session, base, entries, progress):
                    filled.append(key(base))
                elif base in self._bases:
                    raise LdapFailed(NOTHING)
        except SearchRefused as error:
            raise refused(error.code) from None
        if not filled:
            raise LdapFailed(NOTHING)
        return filled

    def _read_base(self, session: Session, base: str, entries: Entries, progress: Progress) -> int:
        wanted = f"(&{WANTED}{in_brackets(self._only)})" if self._only else WANTED
        seen = told = 0
        try:
            for entry in session.pages(base, Scope.SUBTREE, wanted, ATTRIBUTES):
                entries.say(entry)
                seen += 1
                if seen - told == _BATCH:
                    progress.advance(_BATCH)
                    told = seen
        except SearchRefused as error:
            if error.code != NO_SUCH_OBJECT or base in self._bases:
                raise
        progress.advance(seen - told)
        return seen


def bases_of(session: Session) -> tuple[str, ...]:
    """What a server says it holds (RFC 4512 section 5.1): its domain in Active Directory, else all but management."""
    names = ("defaultNamingContext", "namingContexts")
    for entry in session.pages("", Scope.BASE, "(objectClass=*)", names):
        for name in names:
            held = [value.decode("utf-8", "replace") for value in entry.attributes.get(name.lower(), ())]
            if found := tuple(base for base in held if not base.lower().startswith(_ABOUT_ITSELF)):
                return found
    raise LdapFailed("the server does not say what it holds: name a base, like dc=example,dc=org")
