"""What Active Directory does otherwise. No Active Directory was run here: its answers come from its documentation."""

import pytest

from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft, ListKind
from sendguard.directories.ldap.crawl import LdapCrawl
from sendguard.directories.ldap.entry import Entry
from sendguard.directories.ldap.rule import Scope
from sendguard.directories.ldap.session import LdapFailed
from sendguard.directories.ldap.wanted import WANTED
from tests.adapters.ldap_kit import Counted, Scripted, entry, group, reach, undeclared

BASE = "DC=test"


def person(number: int) -> Entry:
    return entry(
        f"CN=p{number},OU=Staff,DC=test", objectClass=["top", "person", "user"], mail=f"p{number}@example.test"
    )


def dns(*numbers: int) -> list[str]:
    return [f"CN=p{number},OU=Staff,DC=test" for number in numbers]


LARGE = entry("CN=All,DC=test", objectClass="group", mail="all@example.test", member=[], member_range_0_1=dns(0, 1))


def test_a_large_list_is_read_range_by_range_to_its_end() -> None:
    server = Scripted(
        {
            BASE: [*map(person, range(5)), LARGE],
            "CN=All,DC=test?member;range=2-*": [entry("CN=All,DC=test", member_range_2_3=dns(2, 3))],
            "CN=All,DC=test?member;range=4-*": [entry("CN=All,DC=test", member_range_4_all=dns(4))],
        }
    )
    draft = server.draft(BASE)
    assert len(reach(draft, "all@example.test")) == 5
    assert not group(draft, "all@example.test").incomplete


@pytest.mark.parametrize(
    "rest",
    [[50], [], [entry("CN=All,DC=test")], [entry("CN=All,DC=test", member_range_9_all=dns(4))]],
    ids=["refused", "gone", "without the attribute", "another range"],
)
def test_a_large_list_whose_rest_does_not_come_is_of_unknown_size(rest: list[Entry | int]) -> None:
    server = Scripted(
        {
            BASE: [*map(person, range(5)), LARGE],
            "CN=All,DC=test?member;range=2-*": [entry("CN=All,DC=test", member_range_2_3=dns(2, 3))],
            "CN=All,DC=test?member;range=4-*": rest,
        }
    )
    draft = server.draft(BASE)
    assert group(draft, "all@example.test").incomplete
    assert len(reach(draft, "all@example.test")) == 4


def dynamic(filter_: str = "(&(mailNickname=*)(office=London))", **more: str) -> Entry:
    return entry(
        "CN=London,DC=test",
        objectClass="msExchDynamicDistributionList",
        proxyAddresses="SMTP:london@example.test",
        msExchDynamicDLFilter=filter_,
        **more,
    )


def test_a_dynamic_list_is_found_by_its_own_filter_below_its_own_base() -> None:
    server = Scripted(
        {
            BASE: [*map(person, range(5)), dynamic(msExchDynamicDLBaseDN="OU=Staff,DC=test")],
            "OU=Staff,DC=test": [entry(name) for name in dns(1, 3)],
        }
    )
    draft = server.draft(BASE)
    assert reach(draft, "london@example.test") == {"p1@example.test", "p3@example.test"}
    assert group(draft, "london@example.test").kind is ListKind.DYNAMIC
    assert not group(draft, "london@example.test").incomplete
    rule = f"(&(&(mailNickname=*)(office=London)){WANTED})"
    assert server.asked[-1] == ("OU=Staff,DC=test", Scope.SUBTREE, rule, ("1.1",))


@pytest.mark.parametrize("answer", [[3], [4], [50], [1, 4], []], ids=["time", "size", "rights", "operations", "nobody"])
def test_a_dynamic_list_whose_search_is_refused_or_finds_nobody_is_of_unknown_size(answer: list[Entry | int]) -> None:
    server = Scripted(
        {
            BASE: [*map(person, range(5)), dynamic(msExchDynamicDLBaseDN="OU=Staff,DC=test")],
            "OU=Staff,DC=test": [*(entry(name) for name in dns(1) if answer), *answer],
        }
    )
    assert group(server.draft(BASE), "london@example.test").incomplete


def test_a_dynamic_list_without_a_base_is_of_unknown_size() -> None:
    server = Scripted({BASE: [person(1), dynamic()]})
    assert group(server.draft(BASE), "london@example.test").incomplete


def test_a_list_with_two_rules_needs_both() -> None:
    two = entry("CN=x,DC=test", objectClass="groupOfURLs", memberURL=["ldap:///OU=A??one", "ldap://other/OU=B??sub"])
    draft = Scripted({BASE: [person(1), two], "OU=A": [entry(dns(1)[0])]}).draft(BASE)
    assert group(draft, "cn=x,dc=test").incomplete


@pytest.mark.parametrize(
    "url", ["ldaps:///dc=test", "http:///x", "", "ldap:///dc=test??children", "ldap:///dc=test????!x=1"]
)
def test_a_rule_we_do_not_understand_is_of_unknown_size(url: str) -> None:
    strange = entry("CN=x,DC=test", objectClass="groupOfURLs", memberURL=url)
    assert group(Scripted({BASE: [person(1), strange]}).draft(BASE), "cn=x,dc=test").incomplete


def test_what_another_domain_holds_is_not_taken_for_gone() -> None:
    listing = entry(
        "CN=x,DC=test", objectClass="group", member=["CN=a,DC=child,DC=test", "CN=b,DC=test", "CN=c,DC=far"]
    )
    server = Scripted({BASE: [person(1), listing]}, references=["ldap://child.test/DC=child,DC=test"])
    draft = server.draft(BASE)
    assert undeclared(draft) == {"cn=a,dc=child,dc=test", "cn=c,dc=far"}
    assert draft.possible == {draft.numbers["cn=b,dc=test"]}


def test_where_nobody_says_what_another_server_holds_nothing_is_taken_for_gone() -> None:
    listing = entry("CN=x,DC=test", objectClass="group", member="CN=b,DC=test")
    assert not Scripted({BASE: [person(1), listing]}, references=["ldap://other.test"]).draft(BASE).possible


def test_with_a_filter_of_ones_own_nothing_is_taken_for_gone() -> None:
    listing = entry("CN=x,DC=test", objectClass="group", member="CN=b,DC=test")
    server = Scripted({BASE: [person(1), listing]})
    draft = server.draft(BASE, only="department=1")
    assert undeclared(draft) == {"cn=b,dc=test"}
    assert server.asked[0][2] == f"(&{WANTED}(department=1))"


def test_without_a_base_the_server_says_which() -> None:
    root = entry("", defaultNamingContext="DC=test", namingContexts=["CN=Configuration,DC=test", "DC=test"])
    server = Scripted({"": [root], BASE: [person(1)]})
    assert len(server.draft().people) == 1


def test_without_a_default_every_base_is_read_and_an_empty_one_tells_nothing() -> None:
    root = entry("", namingContexts=["cn=config", "dc=test", "dc=empty", "dc=denied"])
    listing = entry("CN=x,DC=test", objectClass="group", member=["cn=b,dc=empty", "cn=c,dc=denied", "cn=d,dc=test"])
    server = Scripted({"": [root], "dc=test": [person(1), listing], "dc=empty": [], "dc=denied": [32]})
    draft = server.draft()
    assert undeclared(draft) == {"cn=b,dc=empty", "cn=c,dc=denied"}
    assert draft.possible == {draft.numbers["cn=d,dc=test"]}


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({BASE: [person(1), 4]}, "no more entries than its size limit"),
        ({BASE: [person(1), 3]}, "time limit"),
        ({BASE: [person(1), 11]}, "administrative limit"),
        ({BASE: [1]}, "wants a login"),
        ({BASE: [32]}, "no such base"),
        ({BASE: [99]}, r"refused to answer \(result 99\)"),
        ({BASE: []}, "nothing was found"),
    ],
)
def test_a_crawl_that_did_not_get_everything_fails_and_says_what_to_do(
    answers: dict[str, list[Entry | int]], words: str
) -> None:
    server = Scripted(answers)
    with pytest.raises(LdapFailed, match=words):
        server.draft(BASE)
    assert server.closed == 1


def test_a_server_that_says_nothing_of_itself_needs_a_base() -> None:
    for root in ([], [entry("")], [entry("", namingContexts="cn=config")]):
        with pytest.raises(LdapFailed, match="name a base"):
            Scripted({"": [*root]}).draft()
    with pytest.raises(LdapFailed, match="nothing was found"):
        Scripted({"": [entry("", namingContexts="dc=test")], "dc=test": []}).draft()


class Dying(Scripted):
    """Loses its connection when one base is asked for."""

    def pages(self, base, *args, **keywords):
        if base.startswith("OU=Dying"):
            self.asked.append((base, *args))
            raise LdapFailed("gone")
        return super().pages(base, *args, **keywords)


def deadly(number: int) -> Entry:
    return entry(f"CN=d{number},DC=test", objectClass="groupOfURLs", memberURL=f"ldap:///OU=Dying{number}??sub?(x=1)")


def test_a_rule_that_ends_the_connection_is_of_unknown_size_and_the_others_are_still_read() -> None:
    server = Dying(
        {
            BASE: [*map(person, range(5)), deadly(0), dynamic(msExchDynamicDLBaseDN="OU=Staff,DC=test")],
            "OU=Staff,DC=test": [entry(name) for name in dns(1, 3)],
        }
    )
    draft = server.draft(BASE)
    assert group(draft, "cn=d0,dc=test").incomplete
    assert not group(draft, "london@example.test").incomplete
    assert server.closed == 2


def test_a_server_that_dies_of_every_rule_is_left_alone_in_the_end() -> None:
    server = Dying({BASE: [person(1), *map(deadly, range(9))]})
    with pytest.raises(LdapFailed, match="gone"):
        server.draft(BASE)
    assert sum(asked[0].startswith("OU=Dying") for asked in server.asked) == 4
    assert server.closed == 4


class Interrupted(Scripted):
    """A person presses Ctrl-C while it answers."""

    def pages(self, *args, **keywords):
        yield person(1)
        raise KeyboardInterrupt


def test_ctrl_c_closes_the_connection() -> None:
    server = Interrupted({})
    with pytest.raises(KeyboardInterrupt):
        server.draft(BASE)
    assert server.closed == 1


def test_progress_counts_entries_and_what_is_read_afterwards() -> None:
    rest = {"CN=All,DC=test?member;range=2-*": [entry("CN=All,DC=test", member_range_2_all=dns(2, 3))]}
    staff = {"OU=Staff,DC=test": [entry(dns(1)[0])]}
    dynamics = dynamic(msExchDynamicDLBaseDN="OU=Staff,DC=test")
    server = Scripted({BASE: [*map(person, range(1200)), LARGE, dynamics], **rest, **staff})
    progress = Counted()
    LdapCrawl("ldap://localhost", [BASE], connect=server.connect).read(Draft(), progress)
    assert progress.steps == [
        ("directory", None, "entries"),
        ("large lists", 1, "lists"),
        ("dynamic lists", 1, "lists"),
    ]
    assert progress.done == [1202, 1, 1]


def test_domains_are_said_and_never_guessed() -> None:
    server = Scripted({BASE: [person(1)]})
    assert server.draft(BASE).domains == set()
    assert server.draft(BASE, domains=["@Example.TEST ", "*.nhs.test"]).domains == {"example.test", "*.nhs.test"}


def test_a_crawl_may_be_asked_again() -> None:
    server = Scripted({BASE: [person(1)]})
    crawl = LdapCrawl("ldap://localhost", [BASE], connect=server.connect)
    for _ in range(2):
        draft = Draft()
        crawl.read(draft, Unwatched())
        assert len(draft.people) == 1
    assert server.closed == 2
