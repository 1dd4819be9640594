"""What an index answers: who is counted, how surely, and through which lists."""

from datetime import UTC, datetime

import pytest

from sendguard.audience.audience import AddressKind, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.draft import Draft, ListKind
from sendguard.audience.index.header import Mode
from sendguard.audience.source import Reach
from tests.indexes import MADE, Known, directory, drafted, known, pairs

DAY = datetime(2026, 11, 3, tzinfo=UTC)


def exact(people: int) -> Count:
    return Count.exact(people, "", MADE)


def test_everybody_is_counted_once_over_nested_and_overlapping_lists() -> None:
    found = directory(pairs(all="team@x.test a@x.test b@x.test", team="b@x.test c@x.test all@x.test")).ask(
        "all@x.test", "team@x.test", "c@x.test", me="a@x.test"
    )
    assert found.union == exact(2)
    assert found.closed
    assert {address: each.only for address, each in found.parts.items()} == {
        "all@x.test": 0, "team@x.test": 0, "c@x.test": 0,
    }  # fmt: skip


def test_each_address_says_how_many_only_it_brings() -> None:
    found = directory(pairs(one="a@x.test b@x.test c@x.test", two="c@x.test d@x.test")).ask(
        "one@x.test", "two@x.test", "d@x.test", "a@x.test", me="b@x.test"
    )
    assert {address: part.only for address, part in found.parts.items()} == {
        "one@x.test": 0, "two@x.test": 0, "d@x.test": 0, "a@x.test": 0,
    }  # fmt: skip
    found = directory(pairs(one="a@x.test b@x.test c@x.test", two="c@x.test d@x.test", e="e@x.test")).ask(
        "one@x.test", "two@x.test", "e@x.test", me="b@x.test"
    )
    assert [part.only for part in found.parts.values()] == [1, 1, 1]


def test_two_aliases_of_one_person_are_one_person() -> None:
    people = directory(pairs(team="ann@x.test"), {}, {"a@x.test": "ann@x.test", "aa@x.test": "a@x.test"})
    assert people.ask("aa@x.test", "a@x.test", "team@x.test").union == exact(1)
    assert people.part("aa@x.test").kind is AddressKind.PERSON


def test_an_address_two_people_have_reaches_both() -> None:
    draft = Draft()
    draft.person("dn:ann", ("ann@x.test", "office@x.test"))
    draft.person("dn:bob", ("bob@x.test", "office@x.test"))
    draft.group("dn:team", ("team@x.test",))
    draft.members("dn:team", ["dn:ann"])
    people = known(draft)
    assert people.part("office@x.test").count == exact(2)
    assert people.part("team@x.test").count == exact(1)
    assert people.ask("ann@x.test", "office@x.test").union == exact(2)


def test_what_two_sources_say_of_one_main_address_is_one_person_and_one_list() -> None:
    draft = Draft()
    draft.person("dn:ann", ("ann@x.test", "a@x.test"))
    draft.group("dn:team", ("team@x.test",))
    draft.members("dn:team", ["dn:ann"])
    draft.person("ann@x.test", ("ann@x.test", "aa@x.test"))
    draft.person("uid:ann", ("ann@x.test",))
    draft.group("cn:team", ("team@x.test",))
    draft.members("cn:team", ["uid:ann", "bob@x.test"])
    draft.take_for_people()
    people = known(draft)
    assert people.ask("a@x.test", "aa@x.test", "ann@x.test").union.high == 1
    assert people.part("team@x.test").count == exact(2)
    assert people.index.header.people == 2


def test_aliases_that_lead_in_a_circle_end() -> None:
    people = directory([], {}, {"a@x.test": "b@x.test", "b@x.test": "a@x.test"})
    assert set(people.ask("a@x.test").parts) == {"a@x.test"}
    assert people.ask("a@x.test", "b@x.test").union.high == 1


def test_an_alias_of_a_list_is_that_list() -> None:
    people = directory(pairs(team="a@x.test b@x.test"), {}, {"crew@x.test": "team@x.test"})
    assert people.part("crew@x.test").count == exact(2)
    assert people.part("crew@x.test").path == ("team@x.test",)


def test_two_lists_that_turn_out_to_be_one_have_the_members_of_both() -> None:
    draft = Draft()
    draft.members("one@x.test", ["a@x.test"])
    draft.group("two@x.test", ("two@x.test",), hidden=True, incomplete=True, size=Seen(9, DAY))
    draft.members("two@x.test", ["b@x.test"])
    draft.alias("two@x.test", "one@x.test")
    draft.take_for_people()
    assert known(draft).part("one@x.test").count == Count(2, None, Basis.UNKNOWN)


@pytest.mark.parametrize(("mode", "closed"), [(Mode.EXACT, True), (Mode.COUNTS, False)])
def test_what_the_directory_does_not_know_is_not_answered(mode: Mode, closed: bool) -> None:
    assert directory([], mode=mode).ask("a@x.test") == Reach(closed=closed, complete=closed)


@pytest.mark.parametrize("members", ["", "void@x.test", "void@x.test other@x.test", "void@x.test void@x.test"])
def test_a_list_without_people_is_of_unknown_size(members: str) -> None:
    people = directory([*pairs(void=members, other="void@x.test"), ("void@x.test", "")], {"void@x.test": Seen(0)})
    count = people.part("void@x.test").count
    assert (count.basis, count.high) == (Basis.UNKNOWN, None)


def test_a_list_that_holds_an_unknown_list_is_unknown_and_at_least_what_is_known() -> None:
    people = directory(pairs(all="a@x.test b@x.test c@x.test void@x.test", void="void@x.test"))
    assert people.part("all@x.test").count == Count(3, None, Basis.UNKNOWN)
    assert people.ask("all@x.test", "a@x.test").union == Count(3, None, Basis.UNKNOWN)


def test_empty_lists_in_a_circle_make_the_list_around_them_unknown() -> None:
    people = directory(pairs(all="a@x.test one@x.test", one="two@x.test", two="one@x.test"))
    assert people.part("all@x.test").count.is_open


def test_a_member_that_is_a_list_elsewhere_makes_its_list_unknown() -> None:
    is_list = {"all-staff@other.test"}.__contains__
    people = directory(pairs(team="a@x.test all-staff@other.test"), is_foreign_list=is_list)
    assert people.part("team@x.test").count.is_open


def test_a_member_nothing_is_found_under_is_one_person_at_most() -> None:
    draft = Draft()
    draft.person("dn:ann", ("ann@x.test",))
    draft.person("dn:nobody")
    draft.group("dn:team", ("team@x.test",))
    draft.members("dn:team", ["dn:ann", "dn:deleted", "dn:nobody"])
    draft.maybe("dn:deleted")
    assert known(draft).part("team@x.test").count == Count(1, 2, Basis.AT_MOST, "", MADE)
    assert not known(draft).ask("team@x.test").closed


def test_what_was_taken_for_a_maybe_and_is_declared_later_is_what_was_declared() -> None:
    draft = Draft()
    draft.members("team@x.test", ["dn:ann"])
    draft.maybe("dn:ann")
    draft.person("dn:ann", ("ann@x.test",))
    assert known(draft).part("team@x.test").count == exact(1)


def test_a_member_nobody_declared_makes_its_list_unknown() -> None:
    draft = Draft()
    draft.members("team@x.test", ["dn:elsewhere"])
    assert known(draft).part("team@x.test").count.is_open


def test_a_list_that_is_not_listed_whole_is_unknown() -> None:
    people = directory(pairs(team="a@x.test b@x.test c@x.test"), incomplete=["team@x.test"])
    assert people.part("team@x.test").count == Count(3, None, Basis.UNKNOWN)


def test_a_published_size_stands_for_a_list_whose_members_are_not_listed() -> None:
    people = directory(pairs(all="big@x.test a@x.test"), {"big@x.test": Seen(5000, DAY)})
    assert people.part("big@x.test").count == Count(5000, 5000, Basis.EXACT, "", DAY)
    found = people.ask("all@x.test", "big@x.test")
    assert found.union == Count(5000, 5001, Basis.AT_MOST, "", DAY)
    assert not found.closed


def test_two_lists_of_one_published_size_are_not_taken_for_one() -> None:
    people = directory(pairs(all="one@x.test two@x.test"), {"one@x.test": Seen(50, DAY), "two@x.test": Seen(50, DAY)})
    assert people.part("all@x.test").count == Count(50, 100, Basis.AT_MOST, "", DAY)


def test_a_published_size_below_the_members_is_the_size_of_another_day() -> None:
    people = directory(pairs(team="a@x.test b@x.test"), {"team@x.test": Seen(1, DAY)})
    assert people.part("team@x.test").seen == Seen(1, DAY)
    assert people.part("team@x.test").count == exact(2)
    assert directory(pairs(team="a@x.test b@x.test"), {"team@x.test": Seen(1)}).part("team@x.test").seen == Seen(1)


def test_a_published_size_above_the_members_is_an_upper_bound_for_the_lists_around_as_well() -> None:
    people = directory(pairs(team="a@x.test b@x.test", all="team@x.test c@x.test"), {"team@x.test": Seen(40, DAY)})
    found = people.part("team@x.test")
    assert (found.count, found.seen) == (Count(2, 40, Basis.AT_MOST, "", DAY), None)
    assert people.part("all@x.test").count == Count(3, 41, Basis.AT_MOST, "", DAY)


def test_a_published_size_is_believed_before_a_sum_over_the_lists_inside() -> None:
    people = directory(
        pairs(all="team@x.test c@x.test", team="a@x.test"), {"team@x.test": Seen(40, DAY), "all@x.test": Seen(50, DAY)}
    )
    assert people.part("all@x.test").count == Count(2, 50, Basis.AT_MOST, "", DAY)


def test_a_hidden_list_is_counted_and_its_members_are_not_in_the_file() -> None:
    members = pairs(secret="a@x.test b@x.test", all="secret@x.test b@x.test c@x.test")
    people = directory(members, hidden=["secret@x.test"])
    assert people.part("secret@x.test").count == exact(2)
    assert people.part("all@x.test").count == exact(3)
    assert people.ask("secret@x.test", "b@x.test").union == Count(2, 3, Basis.AT_MOST, "", MADE)
    assert people.ask("all@x.test", me="a@x.test").union == Count(2, 3, Basis.AT_MOST, "", MADE)
    assert not people.ask("all@x.test").closed
    number = people.index.target("secret@x.test")
    assert number is not None
    assert not people.index.people(number & 0xFFFF).range_cardinality(0, 1 << 30)


def test_a_hidden_list_of_unknown_size_stays_unknown() -> None:
    people = directory(pairs(all="secret@x.test a@x.test b@x.test c@x.test"), hidden=["secret@x.test"])
    assert people.ask("all@x.test", "a@x.test").union == Count(3, None, Basis.UNKNOWN)


def test_the_path_follows_the_list_that_brings_nearly_everybody() -> None:
    many = " ".join(f"p{n}@x.test" for n in range(40))
    people = directory(pairs(croydon="england@x.test", england=f"london@x.test kent@x.test {many}", london="a@x.test",
                             kent="b@x.test"))  # fmt: skip
    found = people.part("croydon@x.test")
    assert found.path == ("croydon@x.test", "england@x.test")
    assert found.lists_inside == 2


def test_a_path_in_a_circle_ends() -> None:
    people = directory(pairs(one="two@x.test a@x.test", two="one@x.test"))
    assert people.part("one@x.test").path == ("one@x.test", "two@x.test")


def outsiders_of(people: Known) -> None:
    assert people.ask("team@x.test", home="x.test").external == 2
    assert people.ask("team@x.test", home="*.z.test").external == 2
    assert people.ask("team@x.test").external == 0
    assert people.ask("team@x.test", "far@y.test", home="x.test").external == 32
    assert people.ask("b@y.test", home="x.test").parts["b@y.test"].outsiders == 1
    assert people.ask("b@y.test", home="x.test").external == 1


@pytest.mark.parametrize("domains", [[], ["x.test"], ["other.test"]])
def test_outsiders_are_those_in_no_domain_of_the_organisation(domains: list[str]) -> None:
    outsiders_of(directory(pairs(team="a@x.test b@y.test c@sub.z.test"), {"far@y.test": Seen(30)}, domains=domains))


def test_the_counts_say_how_many_outsiders_a_list_has() -> None:
    people = directory(pairs(team="a@x.test b@y.test"), domains=["x.test"], mode=Mode.COUNTS)
    assert people.ask("team@x.test", home="x.test").external == 1


def test_counts_are_upper_bounds_and_what_is_inside_is_counted_once() -> None:
    members = pairs(
        all="team@x.test c@x.test d@x.test", team="a@x.test b@x.test", other="a@x.test team@x.test e@x.test"
    )
    people = directory(members, mode=Mode.COUNTS)
    assert people.ask("team@x.test").union == exact(2)
    assert people.ask("all@x.test", "team@x.test").union == exact(4)
    assert people.ask("all@x.test", "other@x.test").union == Count(4, 5, Basis.AT_MOST, "", MADE)
    assert people.ask("team@x.test", me="a@x.test").union == Count(1, 2, Basis.AT_MOST, "", MADE)
    assert people.ask("a@x.test").parts == {}
    assert people.part("all@x.test").only is None


def test_counts_with_an_unknown_list_are_unknown() -> None:
    people = directory([*pairs(all="a@x.test b@x.test c@x.test"), ("void@x.test", "")], mode=Mode.COUNTS)
    assert people.ask("all@x.test", "void@x.test").union == Count(3, None, Basis.UNKNOWN)


def test_no_person_is_in_a_file_of_counts() -> None:
    index = directory(pairs(team="ann@x.test bob@x.test"), {}, {"b@x.test": "bob@x.test"}, mode=Mode.COUNTS).index
    assert index.header.addresses == 1
    assert not {name for name, _, _ in index.header.sections} & {"sets", "outside", "domain_names"}


def test_a_size_of_an_earlier_index_is_remembered_while_it_is_recent() -> None:
    first = known(drafted(pairs(team="a@x.test b@x.test", same="a@x.test")), made_at=datetime(2026, 10, 1, tzinfo=UTC))
    many = " ".join(f"p{n}@x.test" for n in range(50))
    grown = drafted(pairs(team=many, same="a@x.test", fresh="a@x.test"))
    second = known(grown, before=first.index, made_at=datetime(2026, 10, 20, tzinfo=UTC))
    assert second.part("team@x.test").seen == Seen(2, datetime(2026, 10, 1, tzinfo=UTC))
    assert second.part("same@x.test").seen is None
    third = known(grown, before=second.index, made_at=datetime(2026, 10, 25, tzinfo=UTC))
    assert third.part("team@x.test").seen == Seen(2, datetime(2026, 10, 1, tzinfo=UTC))
    late = known(grown, before=third.index, made_at=datetime(2026, 11, 24, tzinfo=UTC))
    assert late.part("team@x.test").seen is None


def test_numbers_stay_from_one_index_to_the_next() -> None:
    first = known(drafted(pairs(team="a@x.test b@x.test", gone="a@x.test"), {}, {"bb@x.test": "b@x.test"})).index
    second = known(drafted(pairs(fresh="c@x.test", team="b2@x.test a@x.test"), {}, {"bb@x.test": "b2@x.test"}),
                   before=first).index  # fmt: skip
    assert second.target("a@x.test") == first.target("a@x.test")
    assert second.target("b2@x.test") == first.target("b@x.test")
    assert second.target("team@x.test") == first.target("team@x.test")
    assert second.target("gone@x.test") is None
    assert (second.header.sequence, second.header.lists, second.list_count) == (2, 2, 3)


def test_people_are_numbered_anew_when_most_of_the_numbers_are_nobodys() -> None:
    first = known(drafted(pairs(team=" ".join(f"p{n}@x.test" for n in range(9))))).index
    second = known(drafted(pairs(team="q@x.test")), before=first).index
    third = known(drafted(pairs(team="q@x.test")), before=second).index
    assert (second.header.ids, third.header.ids) == (10, 1)


def test_what_kind_of_list_it_is_is_kept() -> None:
    draft = Draft()
    draft.members("rule@x.test", ["a@x.test"])
    draft.group("rule@x.test", ("rule@x.test",), kind=ListKind.DYNAMIC)
    draft.take_for_people()
    assert [each.kind for each in known(draft).index.lists()] == [ListKind.DYNAMIC]
