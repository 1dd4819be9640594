"""Thunderbird's address books: its lists by the texts people type, read while Thunderbird runs.

The schema, and the rows of ``THE_WARD``, are those a real Thunderbird 153.7 wrote: it was started with an empty profile
and told over Marionette to add cards (``nsIAbDirectory.addCard``) and lists (``addMailList``); the address books it
left were dumped with ``SELECT sql FROM sqlite_master`` and ``SELECT *``. Ids were shortened. Beside that Thunderbird
``mode=ro`` said "database is locked", ``immutable=1`` "no such table", and a copy with its log could be read. It let
two lists have one name, refused a name with a comma or ``<``, and added no list to a list.
"""
# ruff: noqa: S608  # the statements make the databases that are read here

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sendguard.audience.audience import Part
from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft, ListKind
from sendguard.audience.index.answer import reach as ask
from sendguard.audience.index.build import build
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query, Reach
from sendguard.directories import thunderbird_book
from sendguard.directories.thunderbird_book import AddressBookUnreadable
from sendguard.directories.thunderbird_books import AddressBookCrawl
from tests.adapters.ldap_kit import Counted, group, reach, undeclared

SCHEMA = """
PRAGMA user_version = 4;
CREATE TABLE properties (card TEXT, name TEXT, value TEXT);
CREATE TABLE lists (uid TEXT PRIMARY KEY, name TEXT, nickName TEXT, description TEXT);
CREATE TABLE list_cards (list TEXT, card TEXT, PRIMARY KEY(list, card));
CREATE INDEX properties_card ON properties(card);
CREATE INDEX properties_name ON properties(name);
"""
THE_WARD = """
INSERT INTO properties VALUES
 ('b32b', 'PopularityIndex', '0'), ('b32b', 'LastModifiedDate', '1795565570'),
 ('b32b', '_vCard', 'BEGIN:VCARD
VERSION:4.0
FN:Anna One
EMAIL;PREF=1:anna@example.test
EMAIL:anna.private@home.test
UID:b32b
END:VCARD
'),
 ('b32b', 'DisplayName', 'Anna One'), ('b32b', 'PrimaryEmail', 'anna@example.test'),
 ('b32b', 'SecondEmail', 'anna.private@home.test'),
 ('f4f5', 'DisplayName', 'Bert Two'), ('f4f5', 'PrimaryEmail', 'bert@example.test'),
 ('aedc', 'DisplayName', 'Cora Three'), ('aedc', 'PrimaryEmail', 'Cora@Example.test'),
 ('0ad6', 'DisplayName', 'No Mail'),
 ('77aa', 'DisplayName', 'In No List'), ('77aa', 'PrimaryEmail', 'croydon.practices@example.test');
INSERT INTO lists VALUES
 ('e50c', 'Team', 'tm', 'Our team of the ward'), ('b7eb', 'Ward 7', '', ''), ('82c3', 'Empty', '', ''),
 ('9bf8', 'Team', '', 'second of the same name');
INSERT INTO list_cards VALUES ('e50c', 'b32b'), ('e50c', 'f4f5'), ('e50c', '0ad6'), ('b7eb', 'f4f5'), ('b7eb', 'aedc'),
 ('9bf8', 'aedc');
"""


@contextmanager
def written(file: Path, *statements: str) -> Iterator[sqlite3.Connection]:
    """An address book that its Thunderbird still has open: locked, and everything in the log alone."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;")
        connection.executescript("PRAGMA wal_autocheckpoint = 0;" + SCHEMA)
        for each in statements:
            connection.executescript(each)
        yield connection


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    with written(tmp_path / "abook.sqlite", THE_WARD):
        pass
    return tmp_path


def said(profile: Path, draft: Draft | None = None) -> Draft:
    draft = draft or Draft()
    AddressBookCrawl(profile).read(draft, Unwatched())
    return draft


def lists(*rows: Iterable[str | bytes | None]) -> str:
    """A statement that makes lists: uid, name, nickname, description."""
    return "".join(f"INSERT INTO lists VALUES ({', '.join(map(_sql, row))});" for row in rows)


def card(uid: str, address: str | bytes, *in_lists: str) -> str:
    """A statement that makes a card, and puts it into lists."""
    member = "".join(f"INSERT INTO list_cards VALUES ('{each}', '{uid}');" for each in in_lists)
    return f"INSERT INTO properties VALUES ('{uid}', 'PrimaryEmail', {_sql(address)});{member}"


def _sql(value: str | bytes | None) -> str:
    if value is None:
        return "NULL"
    octets = value if isinstance(value, bytes) else value.encode()
    return f"CAST(X'{octets.hex()}' AS {'BLOB' if isinstance(value, bytes) else 'TEXT'})"


def test_a_list_goes_by_its_name_its_description_and_its_nickname(profile: Path) -> None:
    draft = said(profile)
    for text in "our team of the ward", "tm":
        assert reach(draft, text) == {"anna@example.test", "bert@example.test"}
    assert reach(draft, "ward 7") == {"bert@example.test", "cora@example.test"}
    assert group(draft, "ward 7").kind is ListKind.ADDRESS_BOOK


def test_a_name_two_lists_have_stands_for_both_of_them(profile: Path) -> None:
    part = asked(said(profile), "team")
    assert (part.count.low, part.count.high) == (3, 3)


def test_the_second_address_of_a_card_is_the_same_person(profile: Path) -> None:
    reached = ask_all(said(profile), "ward 7", "anna@example.test", "anna.private@home.test")
    assert reached.union.low == 3


def test_a_list_without_anybody_who_has_an_address_is_of_unknown_size(profile: Path) -> None:
    with sqlite3.connect(profile / "abook.sqlite") as connection:
        connection.execute("INSERT INTO list_cards VALUES ('82c3', '0ad6')")
        connection.execute("INSERT INTO list_cards VALUES ('82c3', 'a card that is gone')")
    connection.close()
    assert asked(said(profile), "empty").count.is_open


def test_a_card_in_no_list_does_not_make_one_person_of_what_may_be_a_lists_address(profile: Path) -> None:
    assert "croydon.practices@example.test" not in said(profile).numbers


def test_no_domain_is_spoken_for(profile: Path) -> None:
    assert not said(profile).domains


def test_what_the_directory_says_of_a_member_stands(profile: Path) -> None:
    draft = Draft()
    draft.speaks_for(["example.test"])
    draft.person("cn=anna", ("anna@example.test",))
    draft.group("cn=bert", ("bert@example.test",))
    draft.members("cn=bert", ["cn=anna"])
    said(profile, draft)
    assert not draft.shared.keys() - {"team"}
    assert asked(draft, "our team of the ward").count.high == 1
    assert draft.resolve(draft.numbers["anna.private@home.test"]) == draft.resolve(draft.numbers["cn=anna"])


def test_a_member_the_directory_ought_to_know_and_does_not_is_of_unknown_size(profile: Path) -> None:
    draft = Draft()
    draft.speaks_for(["example.test"])
    said(profile, draft)
    assert undeclared(draft) == {"anna@example.test", "bert@example.test", "cora@example.test"}
    assert asked(draft, "ward 7").count.is_open


def test_a_member_with_the_name_of_a_list_is_of_unknown_size(tmp_path: Path) -> None:
    with written(tmp_path / "abook.sqlite", lists(["a", "Mine", "", ""]), card("c", "all-staff@x.test", "a")):
        assert asked(said(tmp_path), "mine").count.is_open


def test_every_book_of_the_profile_is_read_collected_addresses_too(tmp_path: Path) -> None:
    names = "abook.sqlite", "abook-1.sqlite", "abook-12.sqlite", "history.sqlite"
    for number, name in enumerate(names):
        with written(
            tmp_path / name, lists(["same", f"List {number}", "", ""]), card("c", f"p{number}@x.test", "same")
        ):
            pass
    (tmp_path / "places.sqlite").write_bytes(b"of somebody else")
    (tmp_path / "abook.sqlite.corrupt").write_bytes(b"not this")
    draft, progress = Draft(), Counted()
    AddressBookCrawl(tmp_path).read(draft, progress)
    assert [reach(draft, f"list {number}") for number in range(4)] == [{f"p{number}@x.test"} for number in range(4)]
    assert (progress.steps, progress.done) == ([("Thunderbird address books", 4, "books")], [4])


# While Thunderbird runs


def test_a_book_is_read_while_thunderbird_has_it_locked_and_everything_is_in_its_log(tmp_path: Path) -> None:
    file = tmp_path / "abook.sqlite"
    with written(file, THE_WARD) as thunderbird:
        with (
            closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("SELECT * FROM lists")
        before = {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
        assert len(reach(said(tmp_path), "ward 7")) == 2
        assert before == {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
        thunderbird.executescript(card("new", "dora@example.test", "b7eb"))
        assert len(reach(said(tmp_path), "ward 7")) == 3


def test_a_book_that_changes_at_every_look_is_given_up_in_words(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1000))
    monkeypatch.setattr(thunderbird_book, "_stamp", lambda file: (1, next(times)))
    with pytest.raises(AddressBookUnreadable, match=r"abook\.sqlite is being written to; try again"):
        said(profile)


def test_a_profile_that_may_not_be_written_to_is_read(profile: Path) -> None:
    for each in (*profile.iterdir(), profile):
        each.chmod(0o500)
    try:
        assert reach(said(profile), "ward 7")
    finally:
        profile.chmod(0o700)


# What is no address book, and what is hostile


def test_a_profile_without_address_books_is_said(tmp_path: Path) -> None:
    for profile in tmp_path, tmp_path / "missing":
        with pytest.raises(AddressBookUnreadable, match="no address book in this Thunderbird profile"):
            said(profile)


@pytest.mark.parametrize(
    ("octets", "words"),
    [(b"no database" * 100, "is damaged, or no address book"), (b"", "this is no address book of a Thunderbird")],
)
def test_a_file_that_is_no_address_book_is_said_by_its_name(tmp_path: Path, octets: bytes, words: str) -> None:
    (tmp_path / "abook.sqlite").write_bytes(octets)
    with pytest.raises(AddressBookUnreadable, match=rf"^abook\.sqlite: {words}"):
        said(tmp_path)


def test_a_damaged_book_is_refused_or_read_and_never_a_fault(profile: Path) -> None:
    whole = (profile / "abook.sqlite").read_bytes()
    refusals = []
    for at in range(0, len(whole), 97):
        (profile / "abook.sqlite").write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            said(profile)
        except AddressBookUnreadable as failure:
            refusals.append(str(failure))
    assert refusals
    assert not [words for words in refusals if "example.test" in words]


def test_a_folder_in_the_place_of_a_book_is_said(tmp_path: Path) -> None:
    (tmp_path / "abook.sqlite").mkdir()
    with pytest.raises(AddressBookUnreadable, match=r"abook\.sqlite"):
        said(tmp_path)


def test_a_book_that_is_too_large_is_refused(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thunderbird_book, "MAX_OCTETS", 1000)
    with pytest.raises(AddressBookUnreadable, match="larger than the 1000 octets"):
        said(profile)


def test_a_book_whose_tables_never_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thunderbird_book, "SECONDS", 0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i, i FROM n WHERE i < 0"
    view = f"DROP TABLE lists; CREATE VIEW lists(uid, name, nickName, description) AS {endless};"
    with written(tmp_path / "abook.sqlite", view):
        pass
    with pytest.raises(AddressBookUnreadable, match=r"could not be read within 0\.1 s"):
        said(tmp_path)


def test_hostile_names_and_addresses_become_text_or_nothing(tmp_path: Path) -> None:
    with written(
        tmp_path / "abook.sqlite",
        lists(["a", "Wa\0rd\u202e 7\n", "", ""], ["b", "x" * 100_000, "short", ""], ["c", b"\xff\xfe", None, "  "]),
        lists(["d", "", "", ""], ["e", "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "", "odd"]),
        "INSERT INTO lists VALUES (NULL, 'without id', '', '');",
        "INSERT INTO lists VALUES (7, 'with a number', '', '');",
        card("1", "anna@x.test", "a", "b", "c", "d", "e"),
        card("2", "bert@x.test, cora@x.test", "a"),
        card("3", "y" * 100_000 + "@x.test", "a"),
        card("4", b"dora@x.test", "a"),
        card("5", "e\0@x.test", "a"),
    ):
        pass
    draft = said(tmp_path)
    assert [reach(draft, text) for text in ("ward 7", "short", "odd")] == [{"anna@x.test"}] * 3
    assert all(len(key) < 100 for key in draft.numbers)


def test_a_list_inside_a_list_nests_and_lists_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    with written(
        tmp_path / "abook.sqlite",
        lists(["a", "Outer", "", ""], ["b", "Inner", "", ""]),
        card("1", "anna@x.test", "b"),
        "INSERT INTO list_cards VALUES ('a', 'b'), ('b', 'a'), ('a', 'a'), ('gone', 'a');",
    ):
        pass
    draft = said(tmp_path)
    assert reach(draft, "outer") == reach(draft, "inner") == {"anna@x.test"}
    assert asked(draft, "outer").count.high == 1


def test_a_list_named_like_somebodys_address_brings_its_people_and_that_somebody(tmp_path: Path) -> None:
    with written(
        tmp_path / "abook.sqlite",
        lists(["a", "anna@x.test", "", ""], ["b", "Both", "", ""]),
        card("1", "bert@x.test", "a", "b"),
        card("2", "anna@x.test", "b"),
    ):
        pass
    draft = said(tmp_path)
    assert asked(draft, "anna@x.test").count.high == 2
    assert asked(draft, "both").count.high == 2


def asked(draft: Draft, text: str) -> Part:
    """What an index made of the draft says of one text."""
    return ask_all(draft, text).parts[text]


def ask_all(draft: Draft, *texts: str) -> Reach:
    octets = build(draft, source="tests", made_at=datetime(2026, 11, 24, tzinfo=UTC), new_key=os.urandom)
    return ask(Index.of(octets), Query(texts), "tests")
