"""What the resolver asks of a source of sizes: a Protocol, its question and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sendguard.audience.audience import Part
from sendguard.audience.count import Count, nobody
from sendguard.mail.message import ListSigns


@dataclass(frozen=True, slots=True)
class Query:
    """Whom to count: distinct normalised addresses, those that are the sender, the organisation's domain patterns."""

    addresses: tuple[str, ...]
    originators: frozenset[str] = frozenset()
    home_domains: frozenset[str] = frozenset()
    list_signs: ListSigns = field(default_factory=ListSigns)
    original_addresses: frozenset[str] = frozenset()
    """To, Cc and Reply-To of an original that bears list signs: any of them may be the list."""

    def is_outside(self, address: str) -> bool:
        """Whether the address lies outside the organisation's domains; False where none is known."""
        return bool(self.home_domains) and not in_domains(address, self.home_domains)


@dataclass(frozen=True, slots=True)
class Reach:
    """A source's answer: a part for each address it knows, and the union over all of those.

    ``closed`` says that the union is over listed people, so that an address the source does not know is none of them;
    ``complete`` that there is nobody in the source's domains whom it does not know.
    """

    parts: Mapping[str, Part] = field(default_factory=dict)
    union: Count = field(default_factory=nobody)
    external: int = 0
    closed: bool = False
    complete: bool = True


class SourceFailed(Exception):
    """A source could not answer. Its message names no address."""


class Source(Protocol):
    """Something that knows sizes of lists. Called from a worker thread of its own, one call at a time.

    A source that is ``instant`` answers from what lies on this computer, in well under a millisecond, and may be called
    from several threads at once: it is asked on the caller's own.
    """

    @property
    def instant(self) -> bool:
        """Whether it needs no worker."""
        ...

    @property
    def name(self) -> str:
        """What a person reads as the source of a number."""
        ...

    @property
    def domains(self) -> frozenset[str]:
        """The organisation's domain patterns. Where its answer is complete, an address in them that it does not know is
        of unknown size.
        """
        ...

    def reach(self, query: Query) -> Reach:
        """Answer for the addresses it knows; raise SourceFailed when it cannot answer at all."""
        ...


def in_domains(address: str, domains: frozenset[str]) -> bool:
    """Whether a normalised address lies in one of the domains; ``*.nhs.test`` stands for every subdomain."""
    domain = address.rpartition("@")[2]
    if domain in domains:
        return True
    while domain:
        _, _, domain = domain.partition(".")
        if domain and f"*.{domain}" in domains:
            return True
    return False
