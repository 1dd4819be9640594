"""Mailman 3: its lists, their sizes and, where they may be known, who is in them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from sendguard.audience.audience import Seen
from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft, ListKind
from sendguard.directories.mailman_lists import Lists, MailmanList
from sendguard.directories.mailman_rest import MailmanRest
from sendguard.directories.people import declare_people
from sendguard.mail.address import normalise


class MailmanCrawl:
    """An ``audience.crawl.Crawl`` over the REST interface of Mailman 3 core, as its administrator.

    A list's people are its members: those who get digests and those whose delivery is turned off as well (they may
    turn it on at any moment, and no number shall be too small); not its owners, its moderators, or the non-members it
    knows. Several addresses of one Mailman user are one person. A member that is itself a list nests.

    With ``rosters`` the members of each list are said. Those of a list whose roster is not public are not, and it is
    ``hidden``; Mailman makes every list so until somebody changes it. A list whose members are not said has Mailman's
    ``member_count`` as its size, as of the answer. But there a list inside it counts as one: a list with lists inside
    is *at least* what those bring. A list without members has no size. Lists that are not advertised are said, too:
    they can be written to.

    ``domains``: the patterns of the domains in which there is nobody, and no list, that is not on this server; none
    by default. ``plain``: another computer than this one may be asked without encryption. Sources that know people by
    more than an address are to be read before this one.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        rosters: bool,
        domains: Iterable[str] = (),
        plain: bool = False,
        ca_file: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rest = MailmanRest(url, user, password, plain=plain, ca_file=ca_file)
        self._rosters = rosters
        self._domains = tuple(domains)
        self._now = now

    @property
    def name(self) -> str:
        """Mailman, and on which server."""
        return f"Mailman on {self._rest.host}"

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say every list, at two or three requests a list and one more for each thousand members.

        Raises MailmanFailed.
        """
        try:
            self._read(draft, progress)
        finally:
            self._rest.close()

    def _read(self, draft: Draft, progress: Progress) -> None:
        lists = Lists(self._rest, self._now)
        users: dict[str, str] = {}
        unsaid: list[MailmanList] = []
        known = lists.all()
        progress.begin(self.name, len(known), "lists")
        for each in known:
            progress.advance(1)
            if self._rosters and not each.hidden:
                self._say_members(draft, lists, each, users)
            else:
                unsaid.append(each)
        inside = lists.inside(unsaid, known) if unsaid else {}
        for each in unsaid:
            self._say_size(draft, each, inside.get(each.address, []))
        for each in known:
            draft.group(each.address, (each.address, *sorted(each.aliases)), kind=ListKind.MAILING_LIST)
        draft.speaks_for(self._domains)
        _declare(draft, users)

    def _say_members(self, draft: Draft, lists: Lists, each: MailmanList, users: dict[str, str]) -> None:
        roster = lists.roster(each)
        if roster is None:
            return
        members = {normalise(email): user for email, user in roster.members.items()}
        users.update(members)
        # A size beside members who are all known would only be wrong: it counts addresses, and a list inside as one.
        size = None if roster.complete else Seen(roster.total, self._now())
        draft.group(each.address, kind=ListKind.MAILING_LIST, size=size)
        draft.members(each.address, members)

    def _say_size(self, draft: Draft, each: MailmanList, inside: list[str]) -> None:
        draft.group(
            each.address,
            kind=ListKind.MAILING_LIST,
            hidden=each.hidden,
            size=Seen(each.people, each.at) if each.people and not inside else None,
            incomplete=bool(inside),
        )
        draft.members(each.address, inside)


def _declare(draft: Draft, users: dict[str, str]) -> None:
    people: dict[str, list[str]] = {}
    for address, user in users.items():
        people.setdefault(user or address, []).append(address)
    declare_people(draft, people.values())
