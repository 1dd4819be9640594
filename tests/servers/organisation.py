"""A made-up organisation of any size, always the same for one size, and how many people each of its lists reaches."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.slapd import SUFFIX, TOP

DOMAIN = "example.test"
_UNIT = 40
"""People of one unit."""


@dataclass
class Organisation:
    """People in units; lists that overlap, hold one another, and now and then go round in a circle.

    ``members`` are the people and ``nested`` the lists in each list, all by number. One person in a hundred has no
    address, one in three has two. With 100,000 people and 5,000 lists it has 1.9 million memberships.
    """

    people: int
    lists: int
    members: list[list[int]] = field(default_factory=list)
    nested: list[list[int]] = field(default_factory=list)
    cycles: int = 0

    def __post_init__(self) -> None:
        """Draw it all from one seed."""
        chance = random.Random(f"{self.people} {self.lists}")
        for number in range(self.lists):
            size = min(self.people // 2, 1 + int(chance.lognormvariate(4.68, 1.6)))
            if chance.random() < 0.5:  # neighbours, as in a department
                start = chance.randrange(self.people - size + 1)
                self.members.append(list(range(start, start + size)))
            else:
                self.members.append(chance.sample(range(self.people), size))
            inside = chance.sample(
                range(number + 1, self.lists), min(chance.choice((0, 0, 0, 1, 2, 5)), self.lists - number - 1)
            )
            self.nested.append(inside)
        self.nested[0] = list(range(1, self.lists, 10))
        while self.cycles < max(3, self.lists // 200):
            above = chance.randrange(1, self.lists)
            if self.nested[above]:
                self.nested[self.nested[above][-1]].append(above)
                self.cycles += 1
        for members in self.members:
            if not any(map(self.has_mail, members)):  # a list of nobody is of unknown size, and so is what holds it
                members.append(members[0] - 1)

    def has_mail(self, person: int) -> bool:
        """Whether somebody has an address at all."""
        return person % 100 != 99

    def memberships(self) -> int:
        """All direct memberships, of people and lists."""
        return sum(map(len, self.members)) + sum(map(len, self.nested))

    def reach(self, number: int) -> set[int]:
        """The people with an address whom a list reaches: plain recursion, the oracle."""
        found: set[int] = set()
        seen: set[int] = set()
        left = [number]
        while left:
            here = left.pop()
            if here not in seen:
                seen.add(here)
                found.update(filter(self.has_mail, self.members[here]))
                left += self.nested[here]
        return found

    def person_dn(self, number: int) -> str:
        """The name of somebody's entry."""
        return f"uid=p{number:07d},ou=u{number // _UNIT:05d},ou=people,{SUFFIX}"

    def list_dn(self, number: int) -> str:
        """The name of a list's entry."""
        return f"cn=list {number:05d},ou=lists,{SUFFIX}"

    def person_addresses(self, number: int) -> list[str]:
        """Somebody's addresses, the main one first."""
        if not self.has_mail(number):
            return []
        return [f"p{number:07d}@{DOMAIN}", *([f"person.{number}@{DOMAIN}"] if number % 3 == 0 else [])]

    def list_address(self, number: int) -> str:
        """A list's address."""
        return f"list-{number:05d}@{DOMAIN}"

    def write(self, path: Path) -> None:
        """Write all of it as LDIF, in an order in which ``slapadd`` can load it."""
        with path.open("w") as file:
            file.write(TOP)
            file.writelines(self._entries())

    def _entries(self) -> Iterator[str]:
        for above in ("people", "lists"):
            yield f"dn: ou={above},{SUFFIX}\nobjectClass: organizationalUnit\nou: {above}\n\n"
        for person in range(self.people):
            if person % _UNIT == 0:
                name = f"u{person // _UNIT:05d}"
                yield f"dn: ou={name},ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: {name}\n\n"
            yield self._person(person)
        for number in range(self.lists):
            yield self._list(number)

    def _person(self, number: int) -> str:
        mail, *other = self.person_addresses(number) or [""]
        return "\n".join((
            f"dn: {self.person_dn(number)}",
            "objectClass: inetOrgPerson",
            "objectClass: inetLocalMailRecipient",
            f"uid: p{number:07d}",
            f"cn: Person {number}",
            f"sn: {number}",
            *([f"mail: {mail}"] if mail else []),
            *(f"mailLocalAddress: {each}" for each in other),
            "\n",
        ))  # fmt: skip

    def _list(self, number: int) -> str:
        unique = number % 4 == 3
        attribute = "uniqueMember" if unique else "member"
        return "\n".join((
            f"dn: {self.list_dn(number)}",
            f"objectClass: {'groupOfUniqueNames' if unique else 'groupOfNames'}",
            "objectClass: extensibleObject",
            f"cn: list {number:05d}",
            f"mail: {self.list_address(number)}",
            *(f"{attribute}: {self.person_dn(each)}" for each in self.members[number]),
            *(f"{attribute}: {self.list_dn(each)}" for each in self.nested[number]),
            "\n",
        ))  # fmt: skip
