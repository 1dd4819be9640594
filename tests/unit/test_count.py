"""The algebra of counts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.audience.audience import AddressKind, Audience, Part
from sendguard.audience.count import Basis, Count, nobody, together

DAY = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("low", "high", "basis"),
    [
        (0, None, Basis.UNKNOWN),
        (1, None, Basis.UNKNOWN),
        (-1, 1, Basis.AT_MOST),
        (3, 2, Basis.AT_MOST),
        (3, None, Basis.EXACT),
        (3, 3, Basis.UNKNOWN),
        (3, 4, Basis.EXACT),
        (3, 4, Basis.ASSUMED),
    ],
)
def test_a_count_that_would_say_more_than_is_known_cannot_be_made(low: int, high: int | None, basis: Basis) -> None:
    with pytest.raises(ValueError, match=r"."):
        Count(low, high, basis)


def test_an_open_count_reaches_every_threshold() -> None:
    assert Count.unknown().reaches(10_000_000)
    assert Count.unknown().is_open
    assert Count.exact(20).reaches(20)
    assert not Count.exact(19).reaches(20)


def test_unknown_absorbs_everything_and_keeps_what_is_known_beside_it() -> None:
    whole = together([Count.exact(12), Count.unknown("x")], disjoint=False)
    assert (whole.low, whole.high, whole.basis) == (12, None, Basis.UNKNOWN)


def test_overlapping_sizes_add_up_to_an_upper_bound() -> None:
    whole = together([Count.exact(10, "a", DAY), Count.exact(7, "b")], disjoint=False)
    assert (whole.low, whole.high, whole.basis, whole.source, whole.as_of) == (10, 17, Basis.AT_MOST, "a, b", DAY)


def test_assumed_is_never_mistaken_for_exact() -> None:
    whole = together([Count.exact(10), Count(1, 1, Basis.ASSUMED)], disjoint=True)
    assert (whole.low, whole.high, whole.basis) == (11, 11, Basis.ASSUMED)


def test_nobody_adds_nothing() -> None:
    assert together([], disjoint=True) == nobody()
    assert together([nobody(), Count.exact(3)], disjoint=False) == Count.exact(3)


counts = st.one_of(
    st.integers(0, 99).map(Count.exact),
    st.integers(0, 99).map(lambda n: Count(n, n, Basis.ASSUMED)),
    st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda p: Count(min(p), max(p), Basis.AT_MOST)),
    st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda p: Count(min(p), max(p), Basis.ESTIMATE)),
    st.integers(0, 99).map(lambda n: Count(n, None, Basis.AT_LEAST)),
    st.integers(0, 99).map(lambda n: Count.unknown("", n)),
)


@given(st.lists(counts, max_size=6), st.booleans())
def test_a_union_is_never_smaller_than_a_part_nor_surer(parts: list[Count], disjoint: bool) -> None:
    whole = together(parts, disjoint=disjoint)
    for part in parts:
        assert whole.low >= part.low
        assert whole.high is None or (part.high is not None and whole.high >= part.high)
        assert list(Basis).index(whole.basis) >= list(Basis).index(part.basis) or part.high == 0


def test_lists_come_with_unknown_sizes_first_and_then_the_largest() -> None:
    audience = Audience(
        parts=(
            Part("p@x", AddressKind.PERSON, Count.exact(1)),
            Part("small@x", AddressKind.LIST, Count.exact(3)),
            Part("big@x", AddressKind.LIST, Count.exact(30)),
            Part("what@x", AddressKind.LIST, Count.unknown()),
        )
    )
    assert [part.address for part in audience.lists] == ["what@x", "big@x", "small@x"]
    assert [part.address for part in audience.unknown_lists] == ["what@x"]
