"""A directory read out of a file."""

import gzip
import tracemalloc
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest

from sendguard.audience.crawl import Progress, Unwatched
from sendguard.audience.draft import Draft
from sendguard.directories.ldif import LdifCrawl, LdifUnreadable
from sendguard.directories.ldif_reader import LdifReader
from tests.adapters.ldap_kit import Counted, contents, group, reach, undeclared
from tests.servers.organisation import Organisation

WHOLE = """\
# a comment
#  that goes on
version: 1

dn: ou=staff,dc=test
objectClass: organizationalUnit


dn: uid=ada,ou=staff,dc=test
objectClass: inetOrgPerson
mail: ada@exam
 ple.test
jpegPhoto:: /9j/4AAQ
description;lang-de: x:y

dn:: dWlkPWLDqW4sb3U9c3RhZmYsZGM9dGVzdA==
changetype: add
objectClass: inetOrgPerson
mail;lang-en: ben@example.test

dn: cn=all,dc=test
objectClass: groupOfNames
mail: all@example.test
member: uid=ada,
 ou=staff,dc=test
member:: dWlkPWLDqW4sb3U9c3RhZmYsZGM9dGVzdA==
member: uid=gone,ou=staff,dc=test
member: uid=elsewhere,ou=branch,dc=test
"""
SECRET = "ada.secret@example.test"


def read(folder: Path, text: str | bytes, name: str = "d.ldif", progress: Progress | None = None) -> Draft:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    draft = Draft()
    LdifCrawl(path, domains=["@Example.TEST"]).read(draft, progress or Unwatched())
    return draft


def refusal(folder: Path, text: str | bytes, name: str = "d.ldif") -> str:
    with pytest.raises(LdifUnreadable) as raised:
        read(folder, text, name)
    assert SECRET not in str(raised.value)
    return str(raised.value)


def test_a_file_says_its_people_and_lists(tmp_path: Path) -> None:
    draft = read(tmp_path, WHOLE)
    assert reach(draft, "all@example.test") == {"ada@example.test", "ben@example.test"}
    assert draft.domains == {"example.test"}
    assert len(draft.people) == 2


def test_a_missing_member_is_at_most_one_person_only_where_the_unit_around_it_is_in_the_file(tmp_path: Path) -> None:
    draft = read(tmp_path, WHOLE)
    assert draft.possible == {draft.numbers["uid=gone,ou=staff,dc=test"]}
    assert undeclared(draft) == {"uid=elsewhere,ou=branch,dc=test"}


def test_line_ends_of_windows_and_packing_change_nothing(tmp_path: Path) -> None:
    plain = contents(read(tmp_path, WHOLE))
    assert contents(read(tmp_path, WHOLE.replace("\n", "\r\n"))) == plain
    assert contents(read(tmp_path, gzip.compress(WHOLE.encode()), "d.ldif.gz")) == plain


def test_entries_are_the_same_wherever_the_file_is_cut_into_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = contents(read(tmp_path, WHOLE))
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("sendguard.directories.ldif_reader._CHUNK", size)
        for text in (WHOLE, WHOLE.replace("\n", "\r\n")):
            assert contents(read(tmp_path, text)) == plain


def test_progress_is_told_in_bytes_up_to_the_last_one(tmp_path: Path) -> None:
    progress = Counted()
    read(tmp_path, WHOLE, progress=progress)
    assert progress.steps == [("d.ldif", len(WHOLE), "bytes")]
    assert progress.done == [len(WHOLE)]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (f"dn: cn=a,dc=test\nobjectClass: person\nmail:: {b64encode(SECRET.encode()).decode()[:-1]}\n", 3),
        (f"dn: cn=a,dc=test\nobjectClass: per\n son\nmail:: {SECRET}\n", 4),
        (f"dn: cn=a,dc=test\nmail: {SECRET}\nno colon here\n", 3),
        (f"dn: cn=a,dc=test\nmail:< file:///etc/{SECRET}\n", 2),
        (f"dn: cn=a,dc=test\njpegPhoto:< file:///etc/{SECRET}\n", 2),
        (f"dn: cn={SECRET},dc=test\nchangetype: delete\n", 2),
        (f"dn: cn={SECRET},dc=test\nchangetype: modify\nadd: mail\nmail: x@example.test\n-\n", 2),
        (f"dn: cn=a,dc=test\nmail: {SECRET}\ndn: cn=b,dc=test\n", 3),
        (f"mail: {SECRET}\n", 1),
        ("version: 2\n\ndn: dc=test\nobjectClass: domain\n", 1),
        (f"dn: cn=a,dc=test\nobjectClass: person\nmail: {SECRET}", 3),
        (f"dn: dc=test\nobjectClass: domain\n\n\n\n# x\ndn: cn=a,dc=test\ncn: a\n b\n c\nmail:: {SECRET}\n", 11),
        ("dn: dc=test\nobjectClass: domain\n\nversion: 1\n", 4),
        ("\x00\x01\x02\n", 1),
        ("-----BEGIN CERTIFICATE-----\nxyz\n", 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_nobodys_address(
    tmp_path: Path, wrong: str, line: int
) -> None:
    assert refusal(tmp_path, wrong).startswith(f"d.ldif, line {line}: ")
    assert refusal(tmp_path, wrong.replace("\n", "\r\n")).startswith(f"d.ldif, line {line}: ")


def test_a_search_that_hit_a_limit_is_refused_and_a_whole_one_is_read(tmp_path: Path) -> None:
    result = "# search result\nsearch: 2\nresult: {}\ncontrol: 1.2 false x\npagedresults: cookie=\n"
    whole = read(tmp_path, f"{WHOLE}\n{result.format('0 Success')}\n# numResponses: 5\n")
    assert len(whole.people) == 2
    said = refusal(tmp_path, f"{WHOLE}\n{result.format('4 Size limit exceeded')}")
    assert said.endswith("did not get everything (result 4)")
    assert "result unknown" in refusal(tmp_path, "search: 2\n")


def test_what_another_server_holds_is_not_taken_for_gone(tmp_path: Path) -> None:
    draft = read(tmp_path, f"{WHOLE}\n# search reference\nref: ldap://other.test/ou=staff,dc=test??sub\n")
    assert not draft.possible


def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(WHOLE.encode() * 1000)
    assert "damaged or cut off" in refusal(tmp_path, packed[:-20], "d.ldif.gz")
    assert "damaged or cut off" in refusal(tmp_path, b"no gzip at all", "d.ldif.gz")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LdifUnreadable, match=r"^none\.ldif: FileNotFoundError$"):
        LdifCrawl(tmp_path / "none.ldif").read(Draft(), Unwatched())


def test_an_enormous_line_is_read_and_one_without_end_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"dn: cn=a,dc=test\nobjectClass: person\nmail: a@example.test\ndescription: {'x' * 5_000_000}\n"
    assert len(read(tmp_path, text).people) == 1
    monkeypatch.setattr("sendguard.directories.ldif_reader.MAX_RECORD", 1_000_000)
    assert refusal(tmp_path, text) == "d.ldif, line 1: an entry without end"


def test_a_rule_is_of_unknown_size_in_a_file(tmp_path: Path) -> None:
    draft = read(
        tmp_path, f"{WHOLE}\ndn: cn=d,dc=test\nobjectClass: groupOfURLs\nmemberURL: ldap:///dc=test??sub?(uid=*)\n"
    )
    assert group(draft, "cn=d,dc=test").incomplete


def test_hostile_octets_end_in_a_refusal_or_in_a_draft(tmp_path: Path) -> None:
    text = WHOLE.encode()
    for at in range(0, len(text), 3):
        for octet in (b"\x00", b"\xff", b"\n", b":", b" "):
            with suppress(LdifUnreadable):
                read(tmp_path, text[:at] + octet + text[at + 1 :])


def test_every_truncation_within_a_line_is_noticed(tmp_path: Path) -> None:
    for at in range(1, len(WHOLE)):
        if WHOLE[at - 1] != "\n":
            refusal(tmp_path, WHOLE[:at])


def test_reading_takes_the_same_memory_whatever_the_size_of_the_file(tmp_path: Path) -> None:
    def most(people: int) -> int:
        path = tmp_path / f"{people}.ldif"
        Organisation(people, 5).write(path)
        tracemalloc.start()
        with LdifReader(path, Unwatched()) as reader:
            assert sum(1 for _ in reader) > people
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    assert most(40_000) < most(10_000) + 2_000_000


def test_every_list_of_the_organisation_reaches_whom_the_oracle_says(
    organisation: Organisation, organisation_ldif: Path
) -> None:
    draft = Draft()
    LdifCrawl(organisation_ldif).read(draft, Unwatched())
    for number in range(0, organisation.lists, 7):
        expected = {organisation.person_addresses(person)[0] for person in organisation.reach(number)}
        assert reach(draft, organisation.list_address(number)) == expected
