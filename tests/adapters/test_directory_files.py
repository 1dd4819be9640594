"""A directory on this computer: a folder of CSV files, an LDIF export, an index; read again when it changes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sendguard.audience.index.header import IndexRefused
from sendguard.audience.source import Query, SourceFailed
from sendguard.directories.index_file import IndexDirectory
from sendguard.directories.kept import KeptDirectory
from sendguard.directories.opening import directory_at
from tests.indexes import drafted, known, pairs


def write(folder: Path, **files: str) -> KeptDirectory | IndexDirectory:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return directory_at(folder)


def test_a_folder_is_read_with_and_without_column_names_and_with_either_separator(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        members="\ufefflist,member\r\nTeam@x.test,A@x.test\n\nteam@x.test,b@x.test\n",
        sizes="big@x.test;5000;2026-11-03T08:00\nold@x.test;7;\n",
        aliases="alias,address\nb2@x.test,b@x.test\n",
        domains="domain\n@X.test\n",
    )
    assert directory.domains == frozenset()
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
    with pytest.raises(SourceFailed, match=said) as raised:
        write(tmp_path, **files).load()
    assert "team@" not in str(raised.value)


def test_octets_that_are_no_text_are_named_by_their_file(tmp_path: Path) -> None:
    (tmp_path / "members.csv").write_bytes(b"team@x.test,\xff\xfe\n")
    with pytest.raises(SourceFailed, match=r"members.csv: UnicodeDecodeError"):
        directory_at(tmp_path).load()


def test_a_file_that_goes_away_while_it_is_looked_at_is_a_failure(tmp_path: Path) -> None:
    directory = KeptDirectory(directory_at, lambda: (tmp_path / "gone.ldif",))  # type: ignore[arg-type]
    with pytest.raises(SourceFailed, match=r"gone.ldif"):
        directory.load()


def test_an_ldif_export_answers_like_the_folder(tmp_path: Path) -> None:
    export = tmp_path / "staff.ldif"
    export.write_text(
        "dn: uid=a,o=x\nobjectClass: inetOrgPerson\nmail: a@x.test\n\n"
        "dn: uid=b,o=x\nobjectClass: inetOrgPerson\nmail: b@x.test\n\n"
        "dn: cn=team,o=x\nobjectClass: groupOfNames\nmail: team@x.test\nmember: uid=a,o=x\nmember: uid=b,o=x\n"
    )
    part = directory_at(export).reach(Query(("team@x.test",))).parts["team@x.test"]
    folder = tmp_path / "folder"
    folder.mkdir()
    same = write(folder, members="team@x.test,a@x.test\nteam@x.test,b@x.test\n")
    assert part.count.high == same.reach(Query(("team@x.test",))).union.high == 2


def test_a_file_of_sizes_knows_the_lists_in_it(tmp_path: Path) -> None:
    (tmp_path / "sizes.json").write_text('{"all@x.test": 850112}')
    found = directory_at(tmp_path / "sizes.json").reach(Query(("all@x.test", "a@x.test")))
    assert {address: part.count.high for address, part in found.parts.items()} == {"all@x.test": 850_112}


def test_an_index_file_is_opened_and_opened_again_when_another_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "staff.index"
    first = known(drafted(pairs(team="a@x.test"), domains=["x.test"])).index
    second = known(drafted(pairs(team="a@x.test b@x.test")), before=first).index
    path.write_bytes(first.body.octets)
    directory = directory_at(path)
    assert directory.domains == frozenset()
    assert directory.reach(Query(("team@x.test",))).union.high == 1
    assert directory.domains == {"x.test"}
    (tmp_path / "new").write_bytes(second.body.octets)
    (tmp_path / "new").replace(path)
    assert directory.reach(Query(("team@x.test",))).union.high == 2


def test_of_downloaded_indexes_the_one_with_the_highest_sequence_is_in_force(tmp_path: Path) -> None:
    with pytest.raises(IndexRefused, match="no directory was downloaded yet"):
        IndexDirectory(tmp_path).load()
    for sequence, people in ((9, "a@x.test"), (10, "a@x.test b@x.test")):
        index = known(drafted(pairs(team=people))).index
        (tmp_path / f"directory-{sequence}.index").write_bytes(index.body.octets)
    (tmp_path / "directory-x.index").touch()
    directory = directory_at(tmp_path)
    assert isinstance(directory, IndexDirectory)
    assert directory.reach(Query(("team@x.test",))).union.high == 2


def test_a_file_that_is_nothing_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(IndexRefused, match="not an index"):
        directory_at(tmp_path / "holiday.jpg").load()
    with pytest.raises(IndexRefused, match="cannot be read"):
        directory_at(tmp_path / "missing.index").load()
