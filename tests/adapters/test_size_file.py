"""Sizes somebody wrote down: both forms, from a file and over the web; what is wrong is named without an address."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sendguard.audience.audience import Seen
from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft
from sendguard.audience.source import SourceFailed
from sendguard.directories import size_file
from sendguard.directories.size_file import SizeFileCrawl
from sendguard.directories.size_rows import SizeFileUnreadable
from sendguard.published.web import DownloadFailed, Web
from tests.adapters.ldap_kit import Counted, group
from tests.servers.certificates import CertificateAuthority
from tests.servers.static_site import Misbehaviour, StaticSite

DAY = datetime(2016, 11, 14, tzinfo=UTC)


def said(tmp_path: Path, text: str | bytes) -> Draft:
    file = tmp_path / "sizes"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    draft = Draft()
    SizeFileCrawl(str(file)).read(draft, Unwatched())
    return draft


def sizes(draft: Draft) -> dict[str, Seen | None]:
    return {draft.addresses[number]: each.size for number, each in draft.groups.items()}


@pytest.mark.parametrize(
    "text",
    [
        "All@NHS.test,850112,2016-11-14\nteam@nhs.test,14,\n",
        "list;people;as_of\r\nAll@NHS.test;850112;2016-11-14\r\n\r\nteam@nhs.test;14;\r\n",
        "\ufeffOwner,As_Of,People,List\nx,2016-11-14T00:00:00Z,850112,<all@nhs.test>\ny,,14,team@nhs.test\n",
        "all@nhs.test, 850112 ,2016-11-14,a remark\nteam@nhs.test,14\n",
        '{"all@nhs.test": 850112, "team@nhs.test": 14}',
        '\ufeff [{"list": "all@nhs.test", "people": 850112, "as_of": "2016-11-14", "owner": "x"},\n'
        '{"people": 14, "list": "team@nhs.test", "as_of": null}]',
    ],
)
def test_every_form_says_the_same(tmp_path: Path, text: str) -> None:
    found = sizes(said(tmp_path, text))
    at = None if text.startswith("{") else DAY
    assert found == {"all@nhs.test": Seen(850112, at), "team@nhs.test": Seen(14)}


def test_a_time_has_the_zone_it_names(tmp_path: Path) -> None:
    found = sizes(said(tmp_path, "all@nhs.test,5,2016-11-14T08:29+01:00"))
    at = datetime(2016, 11, 14, 8, 29, tzinfo=timezone(timedelta(hours=1)))
    assert found == {"all@nhs.test": Seen(5, at)}


def test_json_may_say_that_members_must_not_be_published(tmp_path: Path) -> None:
    draft = said(tmp_path, '[{"list": "a@x.test", "people": 5, "hidden": true}, {"list": "b@x.test", "people": 6}]')
    assert (group(draft, "a@x.test").hidden, group(draft, "b@x.test").hidden) == (True, False)


@pytest.mark.parametrize("text", ["", "\n\n", "list,people,as_of\n", "[]", "{}"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    assert not said(tmp_path, text).groups


def test_a_list_may_be_named_twice_with_one_number(tmp_path: Path) -> None:
    assert sizes(said(tmp_path, "a@x.test,5\nA@x.test,5\n")) == {"a@x.test": Seen(5)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((f"ok@x.test,3\nsecret@x.test,{people}\n", "line 2: people is not a whole number") for people in (
            "0", "-1", "1.0", "1e3", "", "many", "2147483648", "9" * 5000, "\u0665")),
        *((f'[{{"list": "secret@x.test", "people": {people}}}]', "element 1: people is not a whole") for people in (
            "0", "-1", "1.0", "true", "null", '"5"', "2147483648", "[]")),
        ('{"ok@x.test": 3, "secret@x.test": 0}', "element 2: people is not a whole"),
        ("secret@x.test,3,yesterday\n", "line 1: as_of is not a date"),
        ("secret@x.test,3,1601-01-01\n", "line 1: as_of is not a date"),
        ('[{"list": "secret@x.test", "people": 3, "as_of": 5}]', "element 1: as_of is not a date"),
        ('[{"list": "secret@x.test", "people": 3, "as_of": []}]', "element 1: as_of is not a date"),
        ('[{"list": "secret@x.test", "people": 3, "hidden": "yes"}]', "element 1: hidden is neither"),
        ("secret,3\n", "line 1: list is not an address"),
        ("secret@x.test another@x.test,3\n", "line 1: list is not an address"),
        ('[{"list": ["secret@x.test"], "people": 3}]', "element 1: list is not an address"),
        ('[{"list": "secret@x.test"}]', "element 1: not an object with list and people"),
        ('["secret@x.test"]', "element 1: not an object"),
        ('[[["secret@x.test", 3]]]', "element 1: not an object"),
        ("secret@x.test\n", "line 1: not list, people, as_of"),
        ("list,number\nsecret@x.test,3\n", "line 1: there is no column people"),
        ("secret@x.test,3\nsecret@x.test,4\n", "line 2: another number was given"),
        ('{"secret@x.test": 3, "Secret@x.test": 4}', "element 2: another number was given"),
        ('{"secret@x.test": 3, "secret@x.test": 4}', "element 2: another number was given"),
        ('"secret@x.test,3\n', "line 1: this is not CSV"),
        ("secret@x.test," + "9" * 200_000, "line 1: this is not CSV"),
        ('{"secret@x.test": 3', "line 1: this is not JSON"),
        ("[" * 100_000, "this is not JSON that can be read"),
        ('{"secret@x.test": ' + "9" * 5000 + "}", "this is not JSON that can be read"),
        (b"ok@x.test,3\nsecret\xff@x.test,3\n", "octet 19: this is not UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place_and_without_an_address(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(SizeFileUnreadable, match=words) as failure:
        said(tmp_path, text)
    assert "secret" not in str(failure.value)
    assert str(failure.value).startswith("sizes")


def test_of_a_file_with_an_error_nothing_is_said(tmp_path: Path) -> None:
    draft = Draft()
    (tmp_path / "sizes").write_text("ok@x.test,3\nbad@x.test,0\n")
    with pytest.raises(SizeFileUnreadable):
        SizeFileCrawl(str(tmp_path / "sizes")).read(draft, Unwatched())
    assert not draft.groups


@pytest.mark.parametrize("name", ["missing.csv", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(SizeFileUnreadable):
        SizeFileCrawl(f"{tmp_path}/{name}").read(Draft(), Unwatched())


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_file, "MAX_OCTETS", 10)
    assert sizes(said(tmp_path, "a@x.test,5")) == {"a@x.test": Seen(5)}
    with pytest.raises(SizeFileUnreadable, match="larger than the 10 octets"):
        said(tmp_path, "a@x.test,56")


# Over the web


def test_over_https_it_comes_from_a_server_that_is_trusted(
    tmp_path: Path, certificate_authority: CertificateAuthority
) -> None:
    (tmp_path / "sizes.json").write_text(json.dumps({"all@nhs.test": 850112}))
    with StaticSite(tmp_path, certificate_authority.issue()) as site:
        url = f"{site.url}sizes.json?token=secret"
        site.misbehave["/sizes.json?token=secret"] = Misbehaviour(body=(tmp_path / "sizes.json").read_bytes())
        with pytest.raises(DownloadFailed, match="its certificate is not trusted") as failure:
            SizeFileCrawl(url).read(Draft(), Unwatched())
        assert "secret" not in str(failure.value)
        draft, progress = Draft(), Counted()
        crawl = SizeFileCrawl(url, web=Web(ca_file=certificate_authority.certificate))
        crawl.read(draft, progress)
    assert sizes(draft) == {"all@nhs.test": Seen(850112)}
    assert crawl.name == "127.0.0.1/sizes.json"
    assert progress.steps == [("127.0.0.1/sizes.json", 1, "lists")]


def test_another_computer_is_not_asked_in_plain_text() -> None:
    with pytest.raises(SourceFailed, match="only https is allowed"):
        SizeFileCrawl("http://sizes.example.test/sizes.csv").read(Draft(), Unwatched())
