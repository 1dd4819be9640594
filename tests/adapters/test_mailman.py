"""Mailman 3, a real one: sizes, rosters, lists in lists, what is hidden, and a server that fails."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sendguard.audience.audience import Part, Seen
from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft, ListKind
from sendguard.audience.index.answer import reach as ask
from sendguard.audience.index.build import build
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query
from sendguard.directories import mailman_lists
from sendguard.directories.mailman import MailmanCrawl
from sendguard.directories.mailman_rest import MailmanFailed, MailmanRest
from tests.adapters.ldap_kit import Counted, group, reach, undeclared
from tests.servers.certificates import CertificateAuthority
from tests.servers.fault_proxy import Break, ClientSays, ServerSays
from tests.servers.fixtures import NewProxy
from tests.servers.mailman import PASSWORD, USER, Mailman
from tests.servers.processes import LOOPBACK, free_port
from tests.servers.static_site import Misbehaviour, StaticSite

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
MANY = 2_345
"""Three pages of members."""


@pytest.fixture(scope="module")
def practice(mailman: Mailman) -> Mailman:
    """The shared server, with the lists these tests read."""
    doctors, nurses = mailman.new_list("doctors"), mailman.new_list("nurses", aliases=["ward@lists.test"])
    everyone, board = mailman.new_list("everyone"), mailman.new_list("board", visibility="moderators")
    council = mailman.new_list("council", visibility="members")
    mailman.new_list("empty")
    patients = mailman.new_list("patients")
    mailman.load((patients, f"p{number:04}@people.test") for number in range(MANY))
    for name in ("anna", "bert", "Cora"):
        mailman.subscribe(doctors, f"{name}@clinic.test")
    mailman.subscribe(doctors, "off@clinic.test", delivery_status="by_user")
    mailman.subscribe(nurses, "anna@clinic.test")
    mailman.subscribe(nurses, "dora@clinic.test", delivery_mode="mime_digests")
    mailman.subscribe(nurses, "owner@clinic.test", role="owner")
    mailman.subscribe(nurses, "moderator@clinic.test", role="moderator")
    mailman.subscribe(nurses, "stranger@clinic.test", role="nonmember")
    mailman.link("anna@clinic.test", "anna@home.test")
    mailman.subscribe(everyone, "anna@home.test")
    for nested in ("doctors@lists.test", "ward@lists.test", "all-staff@elsewhere.test"):
        mailman.subscribe(everyone, nested)
    for name in ("chair", "clerk"):
        mailman.subscribe(board, f"{name}@clinic.test")
    for member in ("chair@clinic.test", "ward@lists.test", "patients@lists.test"):
        mailman.subscribe(council, member)
    return mailman


def crawl(url: str, *, rosters: bool = True, password: str = PASSWORD, **keywords: Any) -> MailmanCrawl:
    return MailmanCrawl(url, USER, password, rosters=rosters, now=lambda: NOW, **keywords)


def said(url: str, **keywords: Any) -> Draft:
    draft = Draft()
    crawl(url, **keywords).read(draft, Unwatched())
    return draft


@pytest.fixture(scope="module")
def draft(practice: Mailman) -> Draft:
    return said(practice.url)


@pytest.fixture(scope="module")
def sizes(practice: Mailman) -> Draft:
    return said(practice.url, rosters=False)


def clinic(*names: str) -> set[str]:
    return {f"{name}@clinic.test" for name in names}


# Who is in a list


def test_a_list_reaches_its_members_and_one_whose_delivery_is_turned_off_as_well(draft: Draft) -> None:
    assert reach(draft, "doctors@lists.test") == clinic("anna", "bert", "cora", "off")
    assert group(draft, "doctors@lists.test").kind is ListKind.MAILING_LIST


def test_who_gets_digests_is_a_person_and_owners_moderators_and_nonmembers_are_none(draft: Draft) -> None:
    assert reach(draft, "nurses@lists.test") == clinic("anna", "dora")


def test_members_come_in_pages_and_all_of_them_come(draft: Draft) -> None:
    assert len(reach(draft, "patients@lists.test")) == MANY


def test_a_list_in_a_list_nests_under_its_alias_too_and_one_user_with_two_addresses_is_one_person(
    draft: Draft,
) -> None:
    assert reach(draft, "everyone@lists.test") == clinic("anna", "bert", "cora", "off", "dora")
    assert reach(draft, "ward@lists.test") == reach(draft, "nurses@lists.test")


def test_a_list_is_written_to_under_the_other_name_of_its_domain_as_well(draft: Draft) -> None:
    assert reach(draft, "doctors@also.lists.test") == reach(draft, "doctors@lists.test")


def test_a_member_with_the_name_of_a_strange_list_is_of_unknown_size(draft: Draft) -> None:
    assert undeclared(draft) == {"all-staff@elsewhere.test"}


def test_beside_members_no_size_is_said_that_would_count_addresses_and_a_list_as_one(draft: Draft) -> None:
    assert group(draft, "doctors@lists.test").size is None


def test_a_list_without_members_is_of_unknown_size_and_never_0(draft: Draft, sizes: Draft) -> None:
    for each in draft, sizes:
        empty = group(each, "empty@lists.test")
        assert (empty.size, reach(each, "empty@lists.test")) == (None, set())
        part = asked(each, "empty@lists.test")
        assert part.count.is_open
        assert part.count.low > 1


# What may not be known


def test_a_roster_that_is_not_public_stays_unread_and_its_size_is_said(draft: Draft) -> None:
    board = group(draft, "board@lists.test")
    assert (board.hidden, board.size, board.incomplete) == (True, Seen(2, NOW), False)
    assert reach(draft, "board@lists.test") == set()
    assert clinic("chair", "clerk").isdisjoint(draft.numbers)


def test_a_list_inside_a_hidden_one_counts_as_one_there_so_the_size_is_only_at_least(draft: Draft) -> None:
    council = group(draft, "council@lists.test")
    assert (council.hidden, council.size, council.incomplete) == (True, None, True)
    count = asked(draft, "council@lists.test").count
    assert (count.low, count.high) == (MANY + 2, None)


def test_without_rosters_no_person_is_said_at_all(sizes: Draft) -> None:
    assert not sizes.people
    assert group(sizes, "patients@lists.test").size == Seen(MANY, NOW)
    assert group(sizes, "doctors@lists.test").size == Seen(4, NOW)
    assert not group(sizes, "doctors@lists.test").hidden
    assert group(sizes, "board@lists.test").hidden
    assert all("@clinic.test" not in key for key in sizes.numbers)


def test_without_rosters_a_list_with_lists_inside_is_at_least_what_they_bring(sizes: Draft) -> None:
    count = asked(sizes, "everyone@lists.test").count
    assert (count.low, count.high) == (4, None)


def test_it_speaks_for_no_domain_but_for_those_it_is_told(practice: Mailman, draft: Draft) -> None:
    assert draft.domains == set()
    assert said(practice.url, rosters=False, domains=["lists.test"]).domains == {"lists.test"}


def test_what_another_source_said_of_people_and_lists_stands(practice: Mailman) -> None:
    draft = Draft()
    draft.person("cn=anna", ("anna@clinic.test", "a.one@clinic.test"))
    draft.group("cn=lists", ("bert@clinic.test",))
    crawl(practice.url).read(draft, Unwatched())
    assert not draft.shared
    assert reach(draft, "everyone@lists.test") == clinic("anna", "cora", "off", "dora")
    assert draft.resolve(draft.numbers["anna@home.test"]) == draft.resolve(draft.numbers["cn=anna"])


def test_progress_is_counted_in_lists(practice: Mailman) -> None:
    progress = Counted()
    crawl(practice.url, rosters=False).read(Draft(), progress)
    assert progress.steps == [(f"Mailman on {LOOPBACK}", 7, "lists")]
    assert progress.done == [7]


# A server that fails


def test_a_wrong_password_is_said_in_words_without_it(practice: Mailman) -> None:
    wrong = crawl(practice.url, password="not this")
    with pytest.raises(MailmanFailed, match="does not accept this user and password") as failure:
        wrong.read(Draft(), Unwatched())
    assert "not this" not in f"{failure.value!r} {wrong!r} {vars(wrong)}"


def test_an_address_where_nobody_answers_is_said(tmp_path: Path) -> None:
    with pytest.raises(MailmanFailed, match="nobody answers there"):
        said(f"http://{LOOPBACK}:{free_port()}/3.1")


def test_another_path_than_that_of_the_interface_is_said(practice: Mailman) -> None:
    with pytest.raises(MailmanFailed, match="is this the address of Mailman's REST interface"):
        said(f"http://{LOOPBACK}:{practice.port}/mailman3/3.1")


def test_the_path_of_the_interface_need_not_be_given(practice: Mailman) -> None:
    assert len(said(f"http://{LOOPBACK}:{practice.port}/", rosters=False).groups) == 7


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Break.CLOSE, "the connection was cut"),
        (Break.RESET, "the connection was cut"),
        (Break.TRUNCATE, "the connection was cut|does not answer as Mailman"),
        (Break.GARBAGE, "the answer is not HTTP"),
    ],
)
@pytest.mark.parametrize("at", [b"GET /3.1/lists?", b"GET /3.1/lists/[^ ]*/config", b"roster/member[^ ]*page=2"])
def test_a_connection_that_breaks_at_any_step_is_a_failure_in_words(
    practice: Mailman, new_fault_proxy: NewProxy, how: Break, words: str, at: bytes
) -> None:
    proxy = new_fault_proxy(practice.port)
    proxy.inject(ClientSays(at), how, times=None)
    with pytest.raises(MailmanFailed, match=words):
        said(f"http://{LOOPBACK}:{proxy.port}/3.1")
    assert proxy.struck


def test_a_server_that_stalls_is_not_waited_for_longer_than_allowed(
    practice: Mailman, new_fault_proxy: NewProxy
) -> None:
    proxy = new_fault_proxy(practice.port)
    proxy.inject(ServerSays(b"total_size"), Break.STALL, times=None)
    rest = MailmanRest(f"http://{LOOPBACK}:{proxy.port}/3.1", USER, PASSWORD, seconds=0.2)
    with pytest.raises(MailmanFailed, match="no answer in time"):
        rest.get("lists")
    proxy.heal()


# Answers that are not Mailman's


class Answers:
    """A web server that answers at a path of the interface with what a test wrote down."""

    def __init__(self, site: StaticSite) -> None:
        self.site = site
        self.url = f"{site.url}3.1"
        self.lists()
        self.at("domains?count=100&page=1", {"total_size": 0})

    def at(self, path: str, answer: Any, **keywords: Any) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.site.misbehave[f"/3.1/{path}"] = Misbehaviour(body=body, **keywords)

    def lists(self, *entries: Any) -> None:
        self.at("lists?count=100&page=1", {"total_size": len(entries), "entries": list(entries)})

    def roster(self, page: int, total: int, members: Iterable[Any]) -> None:
        path = f"lists/one.lists.test/roster/member?count=2&page={page}&fields=email&fields=user"
        self.at(path, {"total_size": total, "entries": [{"email": each} for each in members]})


ONE = {"fqdn_listname": "One@lists.test", "list_id": "one.lists.test", "member_count": 3}


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with StaticSite(tmp_path) as site:
        yield Answers(site)


@pytest.mark.parametrize(
    "entry",
    [
        "not an object",
        {},
        {**ONE, "member_count": -1},
        {**ONE, "member_count": True},
        {**ONE, "member_count": 2**31},
        {**ONE, "fqdn_listname": None},
        {**ONE, "list_id": 5},
    ],
)
def test_a_list_of_another_form_is_refused(answers: Answers, entry: Any) -> None:
    answers.lists(entry)
    with pytest.raises(MailmanFailed, match="does not answer as Mailman does"):
        said(answers.url)


@pytest.mark.parametrize("body", [b"[]", b"<html>", b"\xff", b"[" * 100_000, b"null", b'{"total_size": "many"}'])
def test_an_answer_of_another_form_is_refused(answers: Answers, body: bytes) -> None:
    answers.at("lists?count=100&page=1", body)
    with pytest.raises(MailmanFailed, match="does not answer as Mailman does"):
        said(answers.url)


@pytest.mark.parametrize("member", [5, None])
def test_a_member_of_another_form_is_refused(answers: Answers, monkeypatch: pytest.MonkeyPatch, member: Any) -> None:
    monkeypatch.setattr(mailman_lists, "MEMBERS_AT_ONCE", 2)
    answers.lists(ONE)
    answers.at("lists/one.lists.test/config", {"member_roster_visibility": "public"})
    answers.roster(1, 1, [member])
    with pytest.raises(MailmanFailed, match="does not answer as Mailman does"):
        said(answers.url)


def test_a_redirect_is_not_followed_so_the_password_goes_nowhere_else(answers: Answers) -> None:
    answers.at("lists?count=100&page=1", b"", status=302, headers={"Location": f"{answers.site.url}other"})
    with pytest.raises(MailmanFailed, match="another address, which is not followed"):
        said(answers.url)
    assert not answers.site.asked("/other")


def test_an_answer_without_end_is_cut_off(answers: Answers) -> None:
    answers.at("lists?count=100&page=1", b"", endless=True, headers={"Content-Length": ""})
    with pytest.raises(MailmanFailed, match="larger than"):
        said(answers.url)


def test_a_roster_that_changes_while_it_is_read_is_read_again(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailman_lists, "MEMBERS_AT_ONCE", 2)
    answers.lists(ONE)
    answers.at("lists/one.lists.test/config", {"member_roster_visibility": "public"})
    answers.roster(1, 4, ["a@x.test", "b@x.test"])
    answers.roster(2, 5, ["c@x.test"])  # as if two had come while the first page was read, one of them in it
    draft = said(answers.url)
    assert reach(draft, "one@lists.test") == {"a@x.test", "b@x.test", "c@x.test"}
    assert group(draft, "one@lists.test").size == Seen(5, NOW)
    assert len([each for each in answers.site.requests if "page=2" in each.path]) == mailman_lists.TRIES


def test_a_list_deleted_while_the_crawl_runs_is_passed_over_or_of_unknown_size(answers: Answers) -> None:
    answers.lists(ONE, {**ONE, "fqdn_listname": "two@lists.test", "list_id": "two.lists.test"})
    answers.at("lists/two.lists.test/config", {"member_roster_visibility": "public"})
    draft = said(answers.url)
    assert "one@lists.test" not in draft.numbers
    assert asked(draft, "two@lists.test").count.is_open


def test_of_the_acceptable_aliases_only_certain_names_of_this_list_are_taken(answers: Answers) -> None:
    answers.lists(ONE, {**ONE, "fqdn_listname": "two@lists.test", "list_id": "two.lists.test"})
    mine = ["^x.*@lists.test", "uno@lists.test", "two@lists.test", "all@elsewhere.test", "both@lists.test", "a b", 5]
    answers.at("lists/one.lists.test/config", {"acceptable_aliases": mine})
    answers.at("lists/two.lists.test/config", {"acceptable_aliases": ["both@lists.test"]})
    assert set(said(answers.url, rosters=False).numbers) == {"one@lists.test", "uno@lists.test", "two@lists.test"}


# The way there


@pytest.mark.parametrize("url", ["http://mail.example.test/3.1", "ftp://localhost/", "localhost:8001", "http://[", ""])
def test_an_address_that_is_not_safe_is_refused_at_once(url: str) -> None:
    with pytest.raises(MailmanFailed):
        crawl(url)


def test_another_computer_may_be_asked_in_plain_text_where_that_is_allowed_on_purpose() -> None:
    assert crawl("http://mail.example.test:8001", plain=True).name == "Mailman on mail.example.test"
    with pytest.raises(MailmanFailed):
        crawl("ftp://mail.example.test", plain=True)


def test_over_https_only_a_trusted_certificate_is_taken(
    tmp_path: Path, certificate_authority: CertificateAuthority
) -> None:
    with StaticSite(tmp_path, certificate_authority.issue()) as site:
        answers = Answers(site)
        assert not said(answers.url, ca_file=certificate_authority.certificate).groups
        before = len(site.requests)
        with pytest.raises(MailmanFailed, match="its certificate is not trusted"):
            said(answers.url)
        assert len(site.requests) == before
    with pytest.raises(MailmanFailed, match="cannot be read"):
        crawl(answers.url, ca_file=tmp_path / "none.pem")


def asked(draft: Draft, address: str) -> Part:
    """What an index made of the draft says of one address."""
    index = Index.of(build(draft, source="tests", made_at=NOW, new_key=os.urandom))
    return ask(index, Query((address,)), "tests").parts[address]


def test_the_server_in_the_name_is_its_host_alone() -> None:
    named = crawl("http://localhost:8001/3.1").name
    assert named == "Mailman on localhost"
    assert urlsplit(named).username is None
