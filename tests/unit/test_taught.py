"""What the person taught."""

from sendguard.audience.audience import AddressKind
from sendguard.audience.count import Basis, Count
from sendguard.audience.resolver import Resolver
from sendguard.audience.source import Query
from sendguard.audience.taught import read_taught

TAUGHT = read_taught(["Crew@x.test | 1,400", "all-hands@y.test|1", "no number | 3", "a@x.test | many", "b@x.test | 0"])


def test_a_taught_size_is_an_estimate_and_a_taught_person_an_assumption() -> None:
    found = TAUGHT.reach(Query(("crew@x.test", "all-hands@y.test", "c@x.test"), home_domains=frozenset({"x.test"})))
    assert found.parts["crew@x.test"].count == Count(1400, 1400, Basis.ESTIMATE, "taught")
    assert found.parts["all-hands@y.test"].kind is AddressKind.PERSON
    assert found.external == 1
    assert set(found.parts) == {"crew@x.test", "all-hands@y.test"}


def test_what_cannot_be_read_teaches_nothing() -> None:
    assert TAUGHT.reach(Query(("a@x.test", "b@x.test", "no number"))).parts == {}


def test_a_taught_person_is_no_list_whatever_its_name() -> None:
    resolver = Resolver([TAUGHT])
    assert resolver.resolve(Query(("all-hands@y.test",))).count == Count(1, 1, Basis.ASSUMED, "taught")
    assert resolver.resolve(Query(("all-others@y.test",))).count.is_open
