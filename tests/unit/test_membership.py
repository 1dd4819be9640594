"""Who is in which list, against a plain recursive oracle; and the folder it is read from."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendguard.audience.audience import AddressKind, Part, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.membership import Membership, build
from sendguard.audience.source import Query, Reach
from sendguard.directories.folder import FolderDirectory, FolderUnreadable

DAY = datetime(2026, 11, 3, tzinfo=UTC)


def pairs(**lists: str) -> list[tuple[str, str]]:
    return [(f"{name}@x.test", member) for name, members in lists.items() for member in members.split()]


def reach(directory: Membership, *addresses: str, me: str = "", home: str = "") -> Reach:
    return directory.reach(Query(addresses, frozenset(filter(None, [me])), frozenset(filter(None, [home]))))


def part(directory: Membership, address: str) -> Part:
    return reach(directory, address).parts[address]


def test_everybody_is_counted_once_over_nested_and_overlapping_lists() -> None:
    directory = build(pairs(all="team@x.test a@x.test b@x.test", team="b@x.test c@x.test all@x.test"), {}, {})
    found = reach(directory, "all@x.test", "team@x.test", "c@x.test", me="a@x.test")
    assert found.union == Count.exact(2, "")
    assert found.closed
    assert {address: each.only for address, each in found.parts.items()} == {
        "all@x.test": 0, "team@x.test": 0, "c@x.test": 0,
    }  # fmt: skip


def test_two_aliases_of_one_person_are_one_person() -> None:
    directory = build(pairs(team="ann@x.test"), {}, {"a@x.test": "ann@x.test", "aa@x.test": "a@x.test"})
    assert reach(directory, "aa@x.test", "a@x.test", "team@x.test").union == Count.exact(1, "")
    assert part(directory, "aa@x.test").kind is AddressKind.PERSON


def test_aliases_that_lead_in_a_circle_end() -> None:
    directory = build([], {}, {"a@x.test": "b@x.test", "b@x.test": "a@x.test"})
    assert set(reach(directory, "a@x.test").parts) == {"a@x.test"}


def test_an_alias_of_a_list_is_that_list() -> None:
    directory = build(pairs(team="a@x.test b@x.test"), {}, {"crew@x.test": "team@x.test"})
    assert part(directory, "crew@x.test").count == Count.exact(2, "")


def test_what_the_directory_does_not_know_is_not_answered() -> None:
    assert reach(build([], {}, {}), "a@x.test") == Reach({}, Count.exact(0), 0, True)


@pytest.mark.parametrize("members", ["", "void@x.test", "void@x.test other@x.test", "void@x.test void@x.test"])
def test_a_list_without_people_is_of_unknown_size(members: str) -> None:
    directory = build([*pairs(void=members, other="void@x.test"), ("void@x.test", "")], {"void@x.test": Seen(0)}, {})
    count = part(directory, "void@x.test").count
    assert (count.basis, count.high) == (Basis.UNKNOWN, None)


def test_a_list_that_holds_an_unknown_list_is_unknown_and_at_least_what_is_known() -> None:
    directory = build(pairs(all="a@x.test b@x.test c@x.test void@x.test", void="void@x.test"), {}, {})
    assert part(directory, "all@x.test").count == Count(3, None, Basis.UNKNOWN, "")


def test_a_member_that_is_a_list_elsewhere_makes_its_list_unknown() -> None:
    is_list = {"all-staff@other.test"}.__contains__
    directory = build(pairs(team="a@x.test all-staff@other.test"), {}, {}, is_foreign_list=is_list)
    assert part(directory, "team@x.test").count.is_open


def test_a_published_size_stands_for_a_list_whose_members_are_not_listed() -> None:
    directory = build(pairs(all="big@x.test a@x.test"), {"big@x.test": Seen(5000, DAY)}, {}, source="dir")
    assert part(directory, "big@x.test").count == Count(5000, 5000, Basis.EXACT, "dir", DAY)
    found = reach(directory, "all@x.test", "big@x.test")
    assert found.union == Count(5000, 5001, Basis.AT_MOST, "dir", DAY)
    assert not found.closed


def test_a_published_size_below_the_members_is_the_size_of_another_day() -> None:
    directory = build(pairs(team="a@x.test b@x.test"), {"team@x.test": Seen(1, DAY)}, {})
    assert part(directory, "team@x.test").seen == Seen(1, DAY)
    assert part(directory, "team@x.test").count == Count.exact(2, "")


def test_a_published_size_above_the_members_is_an_upper_bound() -> None:
    directory = build(pairs(team="a@x.test b@x.test"), {"team@x.test": Seen(40, DAY)}, {})
    found = part(directory, "team@x.test")
    assert (found.count, found.seen) == (Count(2, 40, Basis.AT_MOST, "", DAY), None)


def test_the_path_follows_the_list_that_brings_nearly_everybody() -> None:
    many = " ".join(f"p{n}@x.test" for n in range(40))
    directory = build(pairs(croydon="england@x.test", england=f"london@x.test kent@x.test {many}", london="a@x.test",
                            kent="b@x.test"), {}, {})  # fmt: skip
    found = part(directory, "croydon@x.test")
    assert found.path == ("croydon@x.test", "england@x.test")
    assert found.lists_inside == 2


def test_outsiders_are_those_in_no_domain_of_the_organisation() -> None:
    directory = build(pairs(team="a@x.test b@y.test c@sub.z.test"), {"far@y.test": Seen(30)}, {})
    assert reach(directory, "team@x.test", home="x.test").external == 2
    assert reach(directory, "team@x.test", home="*.z.test").external == 2
    assert reach(directory, "team@x.test").external == 0
    assert reach(directory, "team@x.test", "far@y.test", home="x.test").external == 32
    assert reach(directory, "b@y.test", home="x.test").parts["b@y.test"].outsiders == 1


names = st.sampled_from([f"{letter}@x.test" for letter in "abcdefghij"])
lists = st.sampled_from([f"l{number}@x.test" for number in range(6)])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(lists, st.one_of(names, lists)), max_size=30),
    st.dictionaries(names, names, max_size=3),
    st.lists(st.one_of(names, lists), min_size=1, max_size=6),
    names,
)
def test_an_exact_union_equals_the_oracle_and_nothing_is_ever_below_it(
    members: list[tuple[str, str]], aliases: dict[str, str], typed: list[str], me: str
) -> None:
    directory = build(members, {}, aliases)
    found = directory.reach(Query(tuple(dict.fromkeys(typed)), frozenset({me})))
    people = _oracle(members, aliases, set(found.parts)) - {_resolve(me, aliases)}
    assert found.union.low <= len(people) or found.union.basis is Basis.UNKNOWN
    assert found.union.high is None or found.union.high == len(people)


def _resolve(name: str, aliases: dict[str, str]) -> str:
    for _ in range(20):  # longer than any chain: inside a circle by then, where there is one
        name = aliases.get(name, name)
    return min([name] + [name := aliases.get(name, name) for _ in range(20)])


def _oracle(members: list[tuple[str, str]], aliases: dict[str, str], typed: set[str]) -> set[str]:
    groups = {_resolve(group, aliases) for group, _ in members}

    def people(name: str, above: frozenset[str]) -> set[str]:
        name = _resolve(name, aliases)
        if name not in groups:
            return {name}
        inside = [member for group, member in members if _resolve(group, aliases) == name]
        return set().union(
            *(people(each, above | {name}) for each in inside if _resolve(each, aliases) not in above | {name})
        )

    return set().union(*(people(name, frozenset()) for name in typed))


def write(folder: Path, **files: str) -> FolderDirectory:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return FolderDirectory(folder)


def test_a_folder_is_read_with_and_without_column_names_and_with_either_separator(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        members="\ufefflist,member\r\nTeam@x.test,A@x.test\n\nteam@x.test,b@x.test\n",
        sizes="big@x.test;5000;2026-11-03T08:00\nold@x.test;7;\n",
        aliases="alias,address\nb2@x.test,b@x.test\n",
        domains="domain\n@X.test\n",
    )
    found = directory.reach(Query(("team@x.test", "b2@x.test", "big@x.test")))
    assert found.parts["team@x.test"].count.high == 2
    assert found.parts["big@x.test"].count.as_of == datetime(2026, 11, 3, 8, tzinfo=UTC)
    assert directory.domains == {"x.test"}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    directory = write(tmp_path, members="team@x.test,a@x.test\n")
    assert directory.reach(Query(("team@x.test",))).union.high == 1
    write(tmp_path, members="team@x.test,a@x.test\nteam@x.test,b@x.test\n")
    assert directory.reach(Query(("team@x.test",))).union.high == 2


def test_a_list_elsewhere_among_the_members_is_known_by_its_name(tmp_path: Path) -> None:
    directory = write(tmp_path, members="team@x.test,all-staff@y.test\nteam@x.test,all-x@x.test\n", domains="x.test")
    assert directory.reach(Query(("team@x.test",))).union.is_open


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"neither members.csv nor sizes.csv"),
        ({"members": "team@x.test\n"}, r"members.csv, line 1"),
        ({"sizes": "list,people\nteam@x.test,many\n"}, r"sizes.csv, line 2: people"),
        ({"sizes": "team@x.test,-3\n"}, r"sizes.csv, line 1: people"),
        ({"sizes": "team@x.test,3,yesterday\n"}, r"sizes.csv, line 1: as_of"),
    ],
)
def test_a_folder_that_cannot_be_read_says_where(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(FolderUnreadable, match=said) as raised:
        write(tmp_path, **files).load()
    assert "@" not in str(raised.value)


def test_bytes_that_are_no_text_and_a_folder_in_place_of_a_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "members.csv").write_bytes(b"\xff\xfe\x00a@x.test,b\n")
    with pytest.raises(FolderUnreadable, match=r"members.csv: UnicodeDecodeError"):
        FolderDirectory(tmp_path).load()
    with pytest.raises(FolderUnreadable, match=r"members.csv: Not a directory"):
        FolderDirectory(tmp_path / "members.csv").load()
