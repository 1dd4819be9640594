"""What the crawl asks of an LDAP connection: a Protocol, where it leads and how it fails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from sendguard.audience.source import SourceFailed
from sendguard.directories.ldap.entry import Entry
from sendguard.directories.ldap.rule import Scope
from sendguard.guard.account import Security, is_loopback

PAGE = 1000
"""Entries of one page (RFC 2696): no more are given by Active Directory (MaxPageSize)."""
_PORTS = {"ldap": 389, "ldaps": 636}


class LdapFailed(SourceFailed):
    """The directory could not be read. The message says what happened and what to do, and names nobody."""


class SearchRefused(Exception):
    """The server answered one search with an error; the connection lives on. ``code`` as in RFC 4511 appendix A."""

    def __init__(self, code: int) -> None:
        super().__init__(f"result {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Login:
    """A simple bind: a distinguished name, or in Active Directory also ``name@domain``."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.password:  # RFC 4513 section 5.1.2: the server would take it for nobody, and say yes
            raise LdapFailed("the password of the directory's account is empty: set it, or ask without an account")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a directory listens."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a server is talked to; seconds.

    ``ca_file``: certificates (PEM) to trust instead of the system's. ``plain``: without encryption, to other computers
    as well. ``starttls``: StartTLS on loopback too, where ``ldap://`` is plain otherwise.
    """

    ca_file: Path | None = None
    plain: bool = False
    starttls: bool = False
    connect: int = 10
    answer: int = 60
    """For each piece of an answer."""
    rule: int = 20
    """For the search of one dynamic list, as the server is told."""


class Session(Protocol):
    """A connection that is logged in. Used by one thread."""

    def pages(
        self, base: str, scope: Scope, wanted: str, attributes: Sequence[str], seconds: int = 0
    ) -> Iterator[Entry]:
        """Search, in pages, and give each entry as it comes. ``seconds`` is what the server may take; 0 for no limit.

        Raises SearchRefused for an answer that is no success, and so after the entries of a search that hit a limit;
        LdapFailed when the connection has ended or does not answer.
        """
        ...

    @property
    def references(self) -> Sequence[str]:
        """URLs of other servers that hold parts of what was searched. Nobody follows them."""
        ...

    def close(self) -> None:
        """End the connection. Never raises, never waits for an answer."""
        ...


def server_at(url: str, terms: Terms) -> Server:
    """Read ``ldap://host:port`` or ``ldaps://…``. Raises LdapFailed for anything else, and for a password in it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise LdapFailed("this is no address of a directory; write it like ldaps://directory.example.org") from None
    if not host or parts.scheme not in _PORTS or parts.path.strip("/") or parts.query:
        raise LdapFailed("this is no address of a directory; write it like ldaps://directory.example.org")
    if parts.username is not None or parts.password is not None:
        raise LdapFailed("the address of a directory must not hold a user name or a password")
    return Server(host, port or _PORTS[parts.scheme], _security(parts.scheme, host, terms))


def _security(scheme: str, host: str, terms: Terms) -> Security:
    if scheme == "ldaps":
        return Security.TLS
    if terms.starttls or not (terms.plain or is_loopback(host)):
        return Security.STARTTLS
    return Security.PLAIN
