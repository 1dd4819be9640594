"""Sources in parallel under one deadline, and what becomes of their answers."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from sendguard.audience.audience import AddressKind, Audience, Missed, Part
from sendguard.audience.count import Basis, Count
from sendguard.audience.resolver import Resolver
from sendguard.audience.signs import Signs
from sendguard.audience.source import Query, Reach, SourceFailed, in_domains
from sendguard.mail.message import ListSigns
from tests.indexes import directory


@dataclass
class Source:
    answer: Callable[[Query], Reach] = lambda query: Reach()
    domains: frozenset[str] = frozenset()
    name: str = "source"
    instant: bool = False


def sized(**sizes: Count) -> Source:
    """A source that knows sizes and no members."""

    def reach(query: Query) -> Reach:
        parts = {f"{n}@x.test": Part(f"{n}@x.test", AddressKind.LIST, c, outsiders=1) for n, c in sizes.items()}
        known = {address: part for address, part in parts.items() if address in query.addresses}
        high = sum(part.count.high or 0 for part in known.values())
        return Reach(known, Count(0, high, Basis.AT_MOST), len(known))

    source = Source()
    source.reach = reach  # type: ignore[attr-defined]
    return source


def listed(domains: tuple[str, ...] = (), **lists: str) -> Source:
    """A source that knows members."""
    known = directory([(f"{n}@x.test", m) for n, ms in lists.items() for m in ms.split()])
    source = Source(domains=frozenset(domains))
    source.reach = known.reach  # type: ignore[attr-defined]
    return source


def broken(error: Exception, domains: tuple[str, ...] = ()) -> Source:
    def reach(query: Query) -> Reach:
        raise error

    source = Source(domains=frozenset(domains))
    source.reach = reach  # type: ignore[attr-defined]
    return source


@pytest.fixture
def resolve() -> Iterator[Callable[..., Audience]]:
    resolvers: list[Resolver] = []

    def ask(*addresses: str, sources: tuple[Source, ...] = (), me: str = "me@x.test", **query: object) -> Audience:
        resolver = Resolver(sources, Signs(), deadline=5)  # type: ignore[arg-type]
        resolvers.append(resolver)
        return resolver.resolve(Query(addresses, frozenset({me}), **query))  # type: ignore[arg-type]

    yield ask
    for resolver in resolvers:
        resolver.close()


def test_without_a_directory_an_address_is_assumed_to_be_one_person(resolve: Callable[..., Audience]) -> None:
    audience = resolve("a@x.test", "b@y.test", "a@x.test", "me@x.test")
    assert audience.count == Count(2, 2, Basis.ASSUMED)
    assert audience.typed == 3
    assert audience.external == 1
    assert audience.outside_addresses == ("b@y.test",)
    assert [part.count.low for part in audience.parts] == [1, 1, 0]


@pytest.mark.parametrize("address", ["all-staff@y.test", "everyone@y.test", "x@lists.y.test", "alle@y.test"])
def test_a_name_that_lists_have_makes_a_list_of_unknown_size(resolve: Callable[..., Audience], address: str) -> None:
    (part,) = resolve(address).unknown_lists
    assert part.hint == "name_pattern"


@pytest.mark.parametrize(
    ("signs", "hint"),
    [
        (ListSigns(frozenset({"crew@y.test"})), "list_post"),
        (ListSigns(list_id="crew.y.test"), "list_post"),
        (ListSigns(precedence=True), "list_mail"),
    ],
)
def test_the_originals_list_headers_make_its_address_a_list(
    resolve: Callable[..., Audience], signs: ListSigns, hint: str
) -> None:
    audience = resolve("crew@y.test", list_signs=signs, original_addresses=frozenset({"crew@y.test"}))
    assert audience.unknown_lists[0].hint == hint


def test_a_source_that_takes_the_lists_own_address_for_a_person_is_not_believed(
    resolve: Callable[..., Audience],
) -> None:
    source = listed(team="crew@x.test")
    signs = ListSigns(frozenset({"crew@x.test"}))
    assert resolve("crew@x.test", sources=(source,), list_signs=signs).count.basis is Basis.UNKNOWN


def test_an_address_its_own_directory_does_not_know_is_unknown(resolve: Callable[..., Audience]) -> None:
    source = listed(domains=("x.test", "*.nhs.test"), team="a@x.test b@x.test")
    assert resolve("new@x.test", sources=(source,)).unknown_lists[0].hint == "not_in_directory"
    assert resolve("new@sub.nhs.test", sources=(source,)).count.is_open
    assert resolve("new@y.test", sources=(source,)).count == Count(1, 1, Basis.ASSUMED)


def test_listed_people_and_an_assumed_one_are_added_up_and_called_assumed(resolve: Callable[..., Audience]) -> None:
    source = listed(domains=("x.test",), team="a@x.test b@x.test me@x.test")
    audience = resolve("team@x.test", "a@x.test", "other@y.test", sources=(source,))
    assert (audience.count.low, audience.count.high, audience.count.basis) == (3, 3, Basis.ASSUMED)
    assert audience.external == 1


def test_the_best_answer_wins_and_a_contradiction_is_told(resolve: Callable[..., Audience]) -> None:
    exact, estimate = sized(big=Count.exact(14)), sized(big=Count(850, 850, Basis.ESTIMATE))
    audience = resolve("big@x.test", sources=(estimate, exact))
    assert audience.parts[0].count == Count.exact(14)
    assert audience.disagreements[0].other.high == 850
    near = resolve("big@x.test", sources=(exact, sized(big=Count(16, 16, Basis.ESTIMATE))))
    assert not near.disagreements
    unknown = resolve("big@x.test", sources=(exact, sized(big=Count.unknown())))
    assert not unknown.disagreements
    assert not unknown.count.is_open


@pytest.mark.parametrize(("share", "told"), [(0.2, False), (0.1, True)])
def test_what_differs_by_no_more_than_the_set_share_may_both_be_true(share: float, told: bool) -> None:
    index, mail_tips = sized(big=Count.exact(1000)), sized(big=Count(850, 850, Basis.ESTIMATE))
    resolver = Resolver([index, mail_tips], disagreement=share)
    audience = resolver.resolve(Query(("big@x.test",)))
    resolver.close()
    assert audience.parts[0].count == Count.exact(1000)
    assert bool(audience.disagreements) is told


def test_where_another_source_is_better_only_the_rest_is_taken_from_the_first(resolve: Callable[..., Audience]) -> None:
    first = sized(one=Count(10, 10, Basis.ESTIMATE), two=Count(5, 5, Basis.ESTIMATE))
    audience = resolve("one@x.test", "two@x.test", sources=(first, sized(one=Count.exact(9))))
    assert (audience.count.low, audience.count.high) == (5, 14)
    assert audience.external == 2


@pytest.mark.parametrize(("error", "why"), [(SourceFailed("x"), "failed"), (ZeroDivisionError(), "broken")])
def test_a_source_that_fails_makes_its_addresses_unknown(
    resolve: Callable[..., Audience], error: Exception, why: str
) -> None:
    source = broken(error, ("x.test",))
    audience = resolve("team@x.test", "b@y.test", sources=(source,))
    assert audience.missed == (Missed("source", why),)
    assert audience.unknown_lists[0].hint == "source_silent"
    assert [part.kind for part in audience.parts] == [AddressKind.LIST, AddressKind.PERSON]


def test_an_instant_source_is_asked_on_the_callers_thread_and_may_fail_too(resolve: Callable[..., Audience]) -> None:
    threads: list[int] = []

    def reach(query: Query) -> Reach:
        threads.append(threading.get_ident())
        raise SourceFailed("x")

    source = Source(instant=True)
    source.reach = reach  # type: ignore[attr-defined]
    assert resolve("team@x.test", sources=(source,)).missed == (Missed("source", "failed"),)
    assert threads == [threading.get_ident()]


def test_a_silent_source_does_not_matter_where_another_knows_everybody(resolve: Callable[..., Audience]) -> None:
    sources = (broken(SourceFailed("x"), ("x.test",)), listed(team="a@x.test b@x.test"))
    assert resolve("team@x.test", sources=sources).missed == ()


def test_nobody_is_asked_where_nobody_is_typed(resolve: Callable[..., Audience]) -> None:
    assert resolve(sources=(broken(ZeroDivisionError()),)) == Audience()


@dataclass
class Stalled:
    domains: frozenset[str] = frozenset()
    name: str = "stalled"
    instant: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def reach(self, query: Query) -> Reach:
        self.asked += 1
        self.go_on.wait(20)
        return Reach()


def test_a_source_over_the_deadline_makes_the_size_unknown_and_is_not_asked_again_while_busy() -> None:
    stalled = Stalled()
    resolver = Resolver([stalled], deadline=0.05)
    query = Query(("team@x.test",))
    try:
        for _ in range(2):
            audience = resolver.resolve(query)
            assert audience.missed == (Missed("stalled", "timeout"),)
            assert audience.count.is_open
        assert stalled.asked == 1
    finally:
        stalled.go_on.set()
        resolver.close()


def test_domains_with_a_star_hold_every_subdomain_and_not_the_domain_itself() -> None:
    assert in_domains("a@b.nhs.test", frozenset({"*.nhs.test"}))
    assert not in_domains("a@nhs.test", frozenset({"*.nhs.test"}))
    assert not in_domains("nothing", frozenset({"nhs.test"}))
