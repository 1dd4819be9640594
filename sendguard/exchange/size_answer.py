"""What was learned of addresses, as the answer to a question about an audience."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sendguard.audience.audience import AddressKind, Part
from sendguard.audience.count import Basis, Count, together
from sendguard.audience.source import Query, Reach, in_domains
from sendguard.exchange.size_cache import PERSON, SOURCE, Learned


def answer(query: Query, own: frozenset[str], found: Mapping[str, Learned], silent: Iterable[str]) -> Reach:
    """One part for each address the server shows, and one of unknown size for each ``silent`` one: nothing was said of
    those in time. ``own`` are the addresses that were looked for among the members of lists.

    The union is of sizes, not of people: who is in two lists is counted once at least and twice at the most. Outsiders
    are added up.
    """
    parts = {
        address: _part(address, learned, query, own) for address, learned in found.items() if learned.kind is not None
    }
    for address in silent:
        parts[address] = Part(address, AddressKind.LIST, Count.unknown(SOURCE), hint="source_silent")
    counts = {
        found[address].main or address if address in found else address: parts[address].count for address in parts
    }
    lists = [address for address, part in parts.items() if part.kind is AddressKind.LIST]
    union = _union(counts.values(), only_people=not lists)
    return Reach(parts, union, sum(part.outsiders for part in parts.values()), closed=not lists)


def _union(counts: Iterable[Count], *, only_people: bool) -> Count:
    people = [count for count in counts if count == PERSON]
    rest = [count for count in counts if count != PERSON]
    known = [Count.exact(len(people), SOURCE)] if people else []
    return together([*known, *rest], disjoint=only_people)


def _part(address: str, learned: Learned, query: Query, own: frozenset[str]) -> Part:
    if learned.kind is AddressKind.PERSON:
        is_originator = learned.main in query.originators
        count = Count.exact(0, SOURCE) if is_originator else PERSON
        return Part(address, AddressKind.PERSON, count, outsiders=int(query.is_outside(address)))
    return Part(
        address,
        AddressKind.LIST,
        _without_originator(learned, query, own),
        lists_inside=learned.lists_inside,
        outsiders=_outsiders(learned, query),
        hint="nobody_listed" if learned.count.basis is Basis.UNKNOWN else "",
    )


def _without_originator(learned: Learned, query: Query, own: frozenset[str]) -> Count:
    """Where people were seen themselves, it is known whether the originator is one of them; a mere number is left."""
    count = learned.count
    if not learned.listed or count.basis is Basis.UNKNOWN:
        return count
    members = len(learned.own & query.originators)
    low = max(0, count.low - members - len(query.originators - own))
    high = None if count.high is None else max(low, count.high - members)
    basis = Basis.AT_MOST if count.basis is Basis.EXACT and low != high else count.basis
    return replace(count, low=low, high=high, basis=basis)


def _outsiders(learned: Learned, query: Query) -> int:
    """The server's own number, or whom we saw in other domains than the organisation's: the larger."""
    home = query.home_domains
    seen = sum(people for domain, people in learned.domains.items() if home and not in_domains(f"@{domain}", home))
    return max(learned.outsiders or 0, seen)
