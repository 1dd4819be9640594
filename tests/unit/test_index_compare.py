"""What changed between two indexes, and what IT is warned of."""

from sendguard.audience.audience import Seen
from sendguard.audience.index.compare import Limits, Noticed, compare, warnings
from sendguard.audience.index.header import Mode
from sendguard.audience.index.reader import Index
from tests.indexes import drafted, known, pairs

MANY = " ".join(f"p{n}@x.test" for n in range(400))


def two(mode: Mode = Mode.EXACT, *, follow: bool = True) -> tuple[Index, Index]:
    first = drafted(pairs(team="p1@x.test p2@x.test", gone="p3@x.test", same="p3@x.test", shrunk="p1@x.test p2@x.test"))
    before = known(first, mode).index
    second = drafted(pairs(team=MANY, fresh="p1@x.test", same="p3@x.test", shrunk="p1@x.test"))
    return before, known(second, mode, before if follow else None).index


def test_joined_left_new_gone_and_grown_lists_are_told() -> None:
    found = compare(*two())
    assert (found.joined, found.left, found.people) == (397, 0, 400)
    assert [(change.name, change.growth, change.joined, change.left) for change in found.changes] == [
        ("team@x.test", 398, 398, 0),
        ("fresh@x.test", 1, None, None),
        ("gone@x.test", -1, None, None),
        ("shrunk@x.test", -1, 0, 1),
    ]


def test_without_common_numbers_only_sizes_are_compared() -> None:
    for before, after in (two(follow=False), two(Mode.COUNTS)):
        found = compare(before, after)
        assert (found.joined, found.left) == (None, None)
        assert [change.name for change in found.changes] == [
            "team@x.test",
            "fresh@x.test",
            "gone@x.test",
            "shrunk@x.test",
        ]
        assert {change.joined for change in found.changes} == {None}


def test_a_list_that_has_grown_past_the_limits_is_warned_of() -> None:
    assert list(warnings(compare(*two()), Limits())) == [Noticed("team@x.test", 2, 400)]
    assert list(warnings(compare(*two()), Limits(by=500, share=2))) == []
    assert list(warnings(compare(*two()), Limits(known=("team",)))) == []


def test_a_list_that_newly_reaches_a_share_of_everybody_is_warned_of() -> None:
    before = known(drafted(pairs(most=MANY.replace(" p399@x.test", ""), all="p399@x.test"))).index
    after = known(
        drafted(pairs(most=MANY.replace(" p399@x.test", ""), all="p399@x.test most@x.test")), before=before
    ).index
    assert list(warnings(compare(before, after), Limits(factor=1000))) == [Noticed("all@x.test", 1, 400, 1.0)]
    assert [each.name for each in warnings(compare(None, before), Limits())] == ["most@x.test"]
    assert list(warnings(compare(after, after), Limits())) == []
    assert list(warnings(compare(before, after), Limits(by=401))) == []


def test_a_list_nobody_knows_the_size_of_any_more_is_warned_of() -> None:
    before = known(drafted(pairs(team="p1@x.test p2@x.test"), {"size@x.test": Seen(4)})).index
    after = known(drafted([*pairs(team="p1@x.test p2@x.test"), ("void@x.test", "")], {"size@x.test": Seen(0)}),
                  before=before).index  # fmt: skip
    assert list(warnings(compare(before, after), Limits())) == [Noticed("size@x.test", 4, None)]
