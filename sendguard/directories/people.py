"""People of whom a source knows no more than their addresses."""

from collections.abc import Iterable

from sendguard.audience.draft import Draft
from sendguard.audience.signs import DEFAULT_PATTERNS, has_list_name
from sendguard.audience.source import in_domains


def declare_people(draft: Draft, people: Iterable[Iterable[str]], *, at_home: bool = True) -> None:
    """Declare people, each given by all their addresses, as far as nobody has said yet what these addresses are.

    What another source said stands: an address that is somebody's gets the others as its aliases. One that bears a
    list's name, in a domain the directory does not speak for, stays undeclared: nobody knows how many people it is. So
    does, without ``at_home``, every address in a domain it speaks for, which it should have known.
    """
    domains = frozenset(draft.domains)
    for addresses in people:
        new, main = [], ""
        for address in addresses:
            number = draft.resolve(draft.numbers.get(address, -1))
            if number in draft.people:
                main = main or address
            elif number in draft.groups or number in draft.possible:
                continue
            elif at_home if in_domains(address, domains) else not has_list_name(address, DEFAULT_PATTERNS):
                new.append(address)
        if main:
            for address in new:
                draft.alias(address, main)
        elif new:
            draft.person(new[0], new)
