"""The rule of a dynamic list: a search that finds its members."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from sendguard.directories.ldap.entry import Entry


class Scope(Enum):
    """How deep a search goes (RFC 4511 section 4.5.1.2)."""

    BASE = "base"
    ONE = "one"
    SUBTREE = "sub"


@dataclass(frozen=True, slots=True)
class Rule:
    """A search by which a server finds a list's members. ``copies`` says that it may copy attributes into the list."""

    base: str
    scope: Scope
    filter: str
    copies: bool = False


URLS = ("memberurl", "mgrpdeliverto")
"""Attributes that hold LDAP URLs: groupOfURLs and the mail groups of Netscape's servers."""


def rules_of(entry: Entry) -> tuple[Rule | None, ...]:
    """The rules of an entry, None for each that cannot be evaluated; nothing for an entry without any."""
    rules = [_of_url(value) for name in URLS for value in entry.attributes.get(name, ())]
    if wanted := entry.text("msexchdynamicdlfilter"):
        base = entry.text("msexchdynamicdlbasedn")
        rules.append(Rule(base, Scope.SUBTREE, in_brackets(wanted)) if base else None)
    return tuple(rules)


def _of_url(value: bytes) -> Rule | None:
    """RFC 4516: ``ldap:///base?attributes?scope?filter?extensions``; with a host, another server has to be asked."""
    url = value.decode("utf-8", "replace").strip()
    scheme, _, rest = url.partition("://")
    host, _, rest = rest.partition("/")
    base, attributes, scope, wanted, *extensions = [unquote(part) for part in [*rest.split("?"), "", "", "", ""]]
    if scheme.lower() != "ldap" or host or any(each.startswith("!") for each in extensions):
        return None
    try:
        depth = Scope(scope.lower() or "base")
    except ValueError:
        return None
    return Rule(base, depth, in_brackets(wanted or "(objectClass=*)"), copies=bool(attributes))


def in_brackets(wanted: str) -> str:
    """A filter as RFC 4515 has it: some write their own without the brackets around it."""
    wanted = wanted.strip()
    return wanted if wanted.startswith("(") else f"({wanted})"
