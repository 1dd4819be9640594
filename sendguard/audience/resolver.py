"""Ask every source at once, under one deadline, and make one audience of their answers."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace

from sendguard.audience.audience import AddressKind, Audience, Disagreement, Missed, Part
from sendguard.audience.count import Basis, Count, together
from sendguard.audience.signs import STRONG, Signs
from sendguard.audience.source import Query, Reach, Source, SourceFailed, in_domains
from sendguard.mail.address import domain_of

DEADLINE = 1.5
"""Seconds all sources have together."""

DISAGREEMENT_SHARE = 0.2
DISAGREEMENT_PEOPLE = 10
"""Two numbers for one list disagree when they differ by more than this share of the larger (a setting) and by more
people: one may be a day older than the other.
"""

_SURENESS = (Basis.EXACT, Basis.AT_MOST, Basis.ESTIMATE, Basis.ASSUMED, Basis.AT_LEAST, Basis.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Answer:
    source: Source
    reach: Reach


class Resolver:
    """Resolves audiences; may be called from any thread. Each source has one worker thread."""

    def __init__(
        self,
        sources: Sequence[Source],
        signs: Signs = Signs(),  # noqa: B008 - frozen
        *,
        organisation: frozenset[str] = frozenset(),
        deadline: float = DEADLINE,
        disagreement: float = DISAGREEMENT_SHARE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desks = [_Desk(source) for source in sources]
        self._signs = signs
        self._organisation = organisation
        self._deadline = deadline
        self._disagreement = disagreement
        self._monotonic = monotonic

    def resolve(self, query: Query) -> Audience:
        """Count the distinct people behind the query's addresses. Never raises for what a source does."""
        typed = tuple(dict.fromkeys(query.addresses))
        query = replace(
            query,
            addresses=tuple(a for a in typed if a not in query.originators),
            home_domains=self._home(query),
        )
        answers, missed = self._ask(query)
        choice = _Choice(query, self._signs, answers, missed)
        parts = {address: choice.part(address) for address in query.addresses}
        own = {address: Part(address, AddressKind.PERSON, Count.exact(0)) for address in typed if address not in parts}
        return Audience(
            count=choice.total(parts),
            typed=len(typed),
            external=choice.external(parts),
            outside_addresses=tuple(address for address in query.addresses if query.is_outside(address)),
            parts=tuple({**parts, **own}[address] for address in typed),
            missed=tuple(Missed(desk.source.name, why) for desk, why in missed) if choice.unanswered(parts) else (),
            disagreements=tuple(choice.disagreements(query.addresses, self._disagreement)),
        )

    def close(self) -> None:
        """Let the workers go; a source that is still busy ends by its own timeout."""
        for desk in self._desks:
            desk.close()

    def _home(self, query: Query) -> frozenset[str]:
        known = self._organisation | query.home_domains
        for desk in self._desks:
            known |= desk.source.domains
        return known or frozenset(domain_of(address) for address in query.originators if "@" in address)

    def _ask(self, query: Query) -> tuple[list[_Answer], list[tuple["_Desk", str]]]:
        until = self._monotonic() + self._deadline
        asked = [(desk, desk.ask(query)) for desk in self._desks] if query.addresses else []
        answers: list[_Answer] = []
        missed: list[tuple[_Desk, str]] = []
        for desk, future in asked:
            try:
                reach = future.result(max(0.0, until - self._monotonic()))
                answers.append(_Answer(desk.source, reach))
            except FutureTimeout:
                missed.append((desk, "timeout"))
            except Exception as error:  # a source is foreign ground: whatever it raises, the guard asks
                missed.append((desk, "failed" if isinstance(error, SourceFailed) else "broken"))
        return answers, missed


class _Desk:
    """One source with its one worker. While it is busy with an earlier question it takes no new one."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sizes")
        self._last: Future[Reach] | None = None

    def ask(self, query: Query) -> Future[Reach]:
        if self.source.instant:
            return _answered(lambda: self.source.reach(query))
        if self._last is not None and not self._last.done():
            return _answered(_busy)
        self._last = self._worker.submit(self.source.reach, query)
        return self._last

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)


def _answered(reach: Callable[[], Reach]) -> Future[Reach]:
    future: Future[Reach] = Future()
    try:
        future.set_result(reach())
    except Exception as error:  # told apart where the answers are collected
        future.set_exception(error)
    return future


def _busy() -> Reach:
    raise FutureTimeout


class _Choice:
    """Chooses the best answer for each address and adds them up."""

    def __init__(self, query: Query, signs: Signs, answers: list[_Answer], missed: list[tuple[_Desk, str]]) -> None:
        self._query = query
        self._signs = signs
        self._answers = answers
        self._silent_domains = [desk.source.domains for desk, _ in missed]
        complete = [answer.source.domains for answer in answers if answer.reach.complete]
        self._spoken_for: frozenset[str] = frozenset().union(*complete)

    def part(self, address: str) -> Part:
        """The best known part for an address; a list of unknown size, or one assumed person, where nobody knows it."""
        known = self._known(address)
        hint = self._signs.hint(address, self._query)
        if known and not (hint in STRONG and known[0][1].kind is AddressKind.PERSON):
            return known[0][1]
        if not hint and in_domains(address, self._spoken_for):
            hint = "not_in_directory"
        if not hint and any(not domains or in_domains(address, domains) for domains in self._silent_domains):
            hint = "source_silent"
        if hint:
            return Part(address, AddressKind.LIST, Count.unknown(), hint=hint)
        return Part(
            address,
            AddressKind.PERSON,
            Count(1, 1, Basis.ASSUMED),
            only=1,
            outsiders=int(self._query.is_outside(address)),
        )

    def total(self, parts: dict[str, Part]) -> Count:
        """The union of all parts, as exact as what is known of overlaps allows."""
        unions = [(reach.union, reach.closed) for reach, whole in self._shares(parts) if whole]
        split = [part.count for reach, whole in self._shares(parts) if not whole for part in self._owned(reach, parts)]
        assumed = sum(part.count.basis is Basis.ASSUMED and not self._known(address) for address, part in parts.items())
        unknown = [part.count for part in parts.values() if part.count.basis is Basis.UNKNOWN and part.hint]
        people = [Count(assumed, assumed, Basis.ASSUMED)] if assumed else []
        closed = len(unions) <= 1 and not split and all(closed for _, closed in unions)
        known = together([*(union for union, _ in unions), *split, *people], disjoint=closed)
        return together([known, *unknown], disjoint=False)

    def external(self, parts: dict[str, Part]) -> int:
        """People surely outside: each source's own union, and the typed outsiders no source knows."""
        found = 0
        for reach, whole in self._shares(parts):
            found += reach.external if whole else max((part.outsiders for part in self._owned(reach, parts)), default=0)
        return found + sum(part.outsiders for address, part in parts.items() if not self._known(address))

    def unanswered(self, parts: dict[str, Part]) -> bool:
        """Whether an address is left that only a silent source could have known."""
        return any(not self._known(address) for address in parts)

    def disagreements(self, addresses: Iterable[str], share: float) -> Iterable[Disagreement]:
        """Every list for which two sources give numbers that differ by more than that share, and so are not both
        true.
        """
        for address in addresses:
            known = self._known(address)
            for _, other in known[1:]:
                if _contradict(known[0][1].count, other.count, share):
                    yield Disagreement(address, known[0][1].count, other.count)
                    break

    def _known(self, address: str) -> list[tuple[Reach, Part]]:
        found = [
            (answer.reach, answer.reach.parts[address]) for answer in self._answers if address in answer.reach.parts
        ]
        return sorted(found, key=lambda pair: _SURENESS.index(pair[1].count.basis))

    def _owned(self, reach: Reach, parts: dict[str, Part]) -> list[Part]:
        return [part for address, part in parts.items() if reach.parts.get(address) is part]

    def _shares(self, parts: dict[str, Part]) -> list[tuple[Reach, bool]]:
        shares = [(answer.reach, self._owned(answer.reach, parts)) for answer in self._answers]
        return [(reach, len(owned) == len(reach.parts)) for reach, owned in shares if owned]


def _contradict(one: Count, other: Count, share: float) -> bool:
    if one.high is None or other.high is None:
        return False
    gap = max(one.low - other.high, other.low - one.high)
    return gap > DISAGREEMENT_PEOPLE and gap > share * max(one.high, other.high)
