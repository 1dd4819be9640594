"""What Mailman's REST interface says of lists and rosters, checked, in our own words."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from sendguard.directories.mailman_rest import MailmanFailed, MailmanRest
from sendguard.mail.address import domain_of, is_addr_spec, normalise

LISTS_AT_ONCE = 100
MEMBERS_AT_ONCE = 1_000
MAX_PEOPLE = 2**31
"""A larger number is no number of people."""
TRIES = 3
"""How often a roster is read that changes while it is read."""


@dataclass(frozen=True, slots=True)
class MailmanList:
    """A list: normalised addresses, Mailman's id and count of its members, and when it said so."""

    address: str
    aliases: frozenset[str]
    list_id: str
    people: int
    at: datetime
    hidden: bool


@dataclass(frozen=True, slots=True)
class Roster:
    """``members``: an address as Mailman writes it, to the user it belongs to (empty where to none).

    ``complete``: these were all of them at one moment; else there were ``total`` in the end.
    """

    members: Mapping[str, str]
    total: int
    complete: bool


class Lists:
    """Reads lists. Each method raises MailmanFailed; a list that is deleted meanwhile is passed over."""

    def __init__(self, rest: MailmanRest, now: Callable[[], datetime]) -> None:
        self._rest = rest
        self._now = now

    def all(self) -> list[MailmanList]:
        """Every list, small ones first, with those aliases no other list has."""
        other_domains = self._other_domains()
        stated = {normalise(each["fqdn_listname"]): (each, at) for each, at in self._stated()}
        claims = Counter(stated.keys())
        found = []
        for address, (each, at) in stated.items():
            if (config := self._config(each["list_id"])) is not None:
                aliases = frozenset(_aliases(address, config, other_domains)) - {address}
                claims.update(aliases)
                hidden = config.get("member_roster_visibility") != "public"
                found.append(MailmanList(address, aliases, each["list_id"], each["member_count"], at, hidden))
        own = frozenset(alias for alias, lists in claims.items() if lists == 1)
        return sorted((replace(each, aliases=each.aliases & own) for each in found), key=lambda each: each.people)

    def roster(self, each: MailmanList) -> Roster | None:
        """The members of a list; None where it is gone. Read again where it changed from one page to the next."""
        seen: dict[str, str] = {}
        total = 0
        try:
            for _ in range(TRIES):
                found: dict[str, str] = {}
                rows, totals = 0, set[int]()
                path = f"{_path(each.list_id)}/roster/member"
                for total, page in self._rest.entries(path, MEMBERS_AT_ONCE, fields=("email", "user")):
                    totals.add(total)
                    rows += len(page)
                    found.update(map(self._member, page))
                if totals == {rows}:
                    return Roster(found, total, complete=True)
                seen |= found
        except MailmanFailed as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return Roster(seen, total, complete=False)

    def inside(self, lists: Iterable[MailmanList], known: Iterable[MailmanList]) -> dict[str, list[str]]:
        """For each of ``lists`` that has such: the known lists that are members of it. By address."""
        asked_for = {each.list_id: each.address for each in lists}
        found: dict[str, list[str]] = {}
        for member in known:
            for address in (member.address, *sorted(member.aliases)):
                for list_id in self._lists_with(address):
                    if list_id in asked_for:
                        found.setdefault(asked_for[list_id], []).append(member.address)
        return found

    def _lists_with(self, address: str) -> Iterator[str]:
        if "*" in address:  # Mailman would take it for a pattern
            return
        try:
            for _, page in self._rest.entries("lists/find", LISTS_AT_ONCE, subscriber=address, role="member"):
                yield from (str(each.get("list_id")) for each in page)
        except MailmanFailed as error:
            if error.status != HTTPStatus.NOT_FOUND:  # its way of saying that there is none
                raise

    def _stated(self) -> Iterator[tuple[Mapping[str, Any], datetime]]:
        for _, page in self._rest.entries("lists", LISTS_AT_ONCE):
            at = self._now()
            for each in page:
                people = each.get("member_count")
                named = isinstance(each.get("fqdn_listname"), str) and isinstance(each.get("list_id"), str)
                if not (named and type(people) is int and 0 <= people < MAX_PEOPLE):
                    raise self._rest.strange()
                yield each, at

    def _config(self, list_id: str) -> Mapping[str, Any] | None:
        try:
            return self._rest.get(f"{_path(list_id)}/config")
        except MailmanFailed as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _other_domains(self) -> dict[str, str]:
        """The domains under which the mail server knows a list's domain as well."""
        return {
            str(each.get("mail_host")): str(each["alias_domain"])
            for _, page in self._rest.entries("domains", LISTS_AT_ONCE)
            for each in page
            if each.get("alias_domain")
        }

    def _member(self, entry: Mapping[str, Any]) -> tuple[str, str]:
        email, user = entry.get("email"), entry.get("user", "")
        if not (isinstance(email, str) and isinstance(user, str)):
            raise self._rest.strange()
        return email, user


def _aliases(address: str, config: Mapping[str, Any], other_domains: Mapping[str, str]) -> Iterator[str]:
    """Other addresses a list is written to.

    Of its "acceptable aliases" only those in the list's own domain: elsewhere they may be of a larger list around it.
    """
    domain = domain_of(address)
    said = config.get("acceptable_aliases")
    for text in said if isinstance(said, list) else ():
        alias = normalise(str(text))
        if is_addr_spec(alias) and not alias.startswith("^") and domain_of(alias) == domain:
            yield alias
    if domain in other_domains:
        alias = normalise(f"{address.rpartition('@')[0]}@{other_domains[domain]}")
        if is_addr_spec(alias):
            yield alias


def _path(list_id: str) -> str:
    return f"lists/{quote(list_id, safe='')}"
