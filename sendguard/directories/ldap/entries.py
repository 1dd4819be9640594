"""What the entries of a directory say of people and lists: the same for LDIF and LDAP."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sendguard.audience.draft import Draft, ListKind
from sendguard.audience.signs import DEFAULT_PATTERNS, has_list_name
from sendguard.audience.source import in_domains
from sendguard.directories.ldap.entry import Entry, plain_addresses
from sendguard.directories.ldap.names import is_foreign, key, keys, parent
from sendguard.directories.ldap.rule import Rule, rules_of
from sendguard.directories.ldap.sort import Sort, sort_of
from sendguard.directories.ldap.units import Units
from sendguard.mail.address import domain_of

BY_NAME = ("member", "uniquemember")
BY_ADDRESS = ("rfc822mailmember", "mgrprfc822mailmember")
BY_LOGIN = "memberuid"
MEMBERS = frozenset({*BY_NAME, *BY_ADDRESS, BY_LOGIN, "memberurl", "mgrpdeliverto", "msexchdynamicdlfilter"})
"""Attributes that make their entry a list, whatever its classes are."""

_RANGE = re.compile(r"(member|uniquemember);range=(\d+)-(\d+|\*)\Z")


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A list whose rules were not evaluated yet; ``listed`` says that the server has listed members already."""

    key: str
    rules: tuple[Rule | None, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A list of which the server gave the members up to ``following`` only (MS-ADTS section 3.1.1.3.1.3.3)."""

    key: str
    dn: bytes
    attribute: str
    following: int


class Entries:
    """Says entries into a draft, in any order. ``dynamic`` and ``cut`` hold what is left to do before ``finish``.

    Whoever has done it takes it out; a list that is still in there becomes one of unknown size. Hidden is a list with
    ``hideDLMembership: TRUE``, Exchange's mark for members that nobody but its owner may see.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._units = Units(draft)
        self._logins: dict[str, str] = {}
        self._by_login: list[tuple[str, Sequence[bytes]]] = []
        self._by_address: set[str] = set()
        self._mixed: list[tuple[str, tuple[str, ...]]] = []
        self.dynamic: list[Dynamic] = []
        self.cut: list[Cut] = []

    def say(self, entry: Entry) -> Sort:
        """Say one entry, and return what it is. An account that is disabled or in no address book gets mail as well."""
        attributes = entry.attributes
        sort = sort_of(attributes.get("objectclass", ()))
        ranged = [found for name in attributes if ";" in name and (found := _RANGE.match(name))]
        if sort.group or ranged or not MEMBERS.isdisjoint(attributes):
            self._list(key(entry.dn), entry, sort, ranged)
            return sort
        addresses = entry.addresses()
        if addresses or sort.person:
            named = key(entry.dn)
            self._draft.person(named, addresses)
            self._units.declared(parent(named))
            if sort.person and "uid" in attributes:
                self._logins.setdefault(_login(attributes["uid"][0]), named)
        return sort

    def members(self, listed: str, names: Sequence[bytes]) -> None:
        """Say that these names are in a list that was said before."""
        self._draft.members(listed, keys(names))

    def finish(self, is_absent: Callable[[str], bool]) -> None:
        """Say what only the whole shows. ``is_absent``: whether the entry of an unknown key would have been seen."""
        self._units.put_together()
        self._resolve_logins()
        for left in {*(each.key for each in self.dynamic if not each.listed), *(each.key for each in self.cut)}:
            self._draft.group(left, incomplete=True)
        known = self._draft.numbers
        declared = self._draft.people.keys() | self._draft.groups.keys() if self._mixed else set()
        for listed, addresses in self._mixed:
            self._draft.group(listed, [a for a in addresses if self._draft.resolve(known.get(a, -1)) not in declared])
        self._judge_addresses()
        unknown = [each for each, _ in self._draft.undeclared() if "=" in each and each not in self._by_address]
        for absent in unknown:
            if is_absent(absent) and not is_foreign(absent):
                self._draft.maybe(absent)

    def _list(self, listed: str, entry: Entry, sort: Sort, ranged: Iterable[re.Match[str]]) -> None:
        attributes = entry.attributes
        rules = rules_of(entry)
        addresses = entry.addresses()
        if any(rule and rule.copies for rule in rules):
            # A server that evaluates the rule may have copied its members' addresses in here, beside its own.
            self._mixed.append((listed, addresses))
            addresses = ()
        kind = ListKind.DYNAMIC if sort.dynamic or rules else ListKind.STATIC
        self._draft.group(listed, addresses, kind=kind, hidden=entry.says_yes("hidedlmembership"))
        some = False
        for name in (*BY_NAME, *(found[0] for found in ranged)):
            if values := attributes.get(name):
                self._draft.members(listed, keys(values))
                some = True
        for found in ranged:
            if found[3] != "*":
                self.cut.append(Cut(listed, entry.dn, found[1], int(found[3]) + 1))
        for name in BY_ADDRESS:
            if values := attributes.get(name):
                self._list_addresses(listed, values)
                some = True
        if values := attributes.get(BY_LOGIN):
            self._by_login.append((listed, values))
            some = True
        if rules:
            self.dynamic.append(Dynamic(listed, rules, some))
        elif not some:  # kept from us, or members of another kind: primaryGroupID, gidNumber. Never nobody
            self._draft.group(listed, incomplete=True)

    def _list_addresses(self, listed: str, values: Sequence[bytes]) -> None:
        addresses = list(plain_addresses(values))
        self._draft.members(listed, addresses)
        self._by_address.update(addresses)
        if len(addresses) < len(values):  # a file, a program, an alias of another machine
            self._draft.group(listed, incomplete=True)

    def _resolve_logins(self) -> None:
        for listed, values in self._by_login:
            logins = [_login(value) for value in values]
            self._draft.members(listed, [self._logins.get(login, f"{BY_LOGIN}={login}") for login in logins])
            for login in logins:
                if login not in self._logins:
                    self._draft.maybe(f"{BY_LOGIN}={login}")

    def _judge_addresses(self) -> None:
        """Members by address that nothing else declared: people, but for a list's name, and for a home domain."""
        left = [address for address, _ in self._draft.undeclared() if address in self._by_address]
        if not left:
            return
        declared = self._draft.people.keys() | self._draft.groups.keys()
        home = frozenset(self._draft.domains or {domain_of(self._draft.addresses[number]) for number in declared})
        for address in left:
            if not in_domains(address, home) and not has_list_name(address, DEFAULT_PATTERNS):
                self._draft.person(address, (address,))


def _login(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace").strip().casefold()
