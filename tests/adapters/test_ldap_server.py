"""A directory read from a real OpenLDAP, through both libraries."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sendguard.audience.count import Count
from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft, ListKind
from sendguard.audience.index.answer import reach as reach_of
from sendguard.audience.index.build import build
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query
from sendguard.directories.ldap.crawl import LdapCrawl
from sendguard.directories.ldap.libraries import Connect, through_ldap3, through_python_ldap
from sendguard.directories.ldap.session import LdapFailed, Login, Server, Terms, server_at
from sendguard.directories.ldif import LdifCrawl
from sendguard.guard.account import Security
from tests.adapters.ldap_kit import DEBIAN, contents, group, python_ldap_of_debian, reach, undeclared
from tests.servers.certificates import CertificateAuthority
from tests.servers.fault_proxy import Break, ClientBytes, ClientSays, ServerSays, Stage
from tests.servers.fixtures import NewProxy
from tests.servers.organisation import Organisation
from tests.servers.processes import LOOPBACK, wait_until
from tests.servers.slapd import PASSWORD, READER, SUFFIX, TOP, Slapd

ME = Login(READER, PASSWORD)
IMPATIENT = Terms(connect=2, answer=1)


@pytest.fixture(scope="session")
def _python_ldap() -> Iterator[None]:
    with python_ldap_of_debian():
        yield


@pytest.fixture(params=["ldap3", "python-ldap"])
def through(request: pytest.FixtureRequest) -> Connect:
    """Each of the libraries."""
    if request.param == "ldap3":
        return through_ldap3
    request.getfixturevalue("_python_ldap")
    return through_python_ldap


def read(url: str, through: Connect, *, bases: tuple[str, ...] = (SUFFIX,), bind: Login | None = ME, **more) -> Draft:
    draft = Draft()
    LdapCrawl(url, bases, bind, connect=through, **more).read(draft, Unwatched())
    return draft


def failure(url: str, through: Connect, **more) -> str:
    with pytest.raises(LdapFailed) as raised:
        read(url, through, **more)
    said = str(raised.value)
    assert PASSWORD not in said
    assert "@" not in said
    assert READER not in said
    return said


def test_an_organisation_is_the_same_over_ldap_as_in_its_file(
    slapd: Slapd, organisation: Organisation, organisation_ldif: Path, through: Connect
) -> None:
    from_file = Draft()
    LdifCrawl(organisation_ldif).read(from_file, Unwatched())
    draft = read(slapd.url, through)
    assert contents(draft) == contents(from_file)
    assert len(draft.people) == organisation.people
    assert len(draft.groups) == organisation.lists
    assert sum(map(len, draft.listed.values())) == organisation.memberships()


def test_every_list_reaches_whom_the_oracle_says_cycles_included(
    slapd: Slapd, organisation: Organisation, through: Connect
) -> None:
    draft = read(slapd.url, through)
    assert organisation.cycles >= 3
    for number in range(organisation.lists):
        if number % 5 == 0 or number in organisation.nested[organisation.lists // 2]:
            expected = {organisation.person_addresses(person)[0] for person in organisation.reach(number)}
            assert reach(draft, organisation.list_address(number)) == expected


def test_an_index_of_what_ldap_said_gives_every_list_its_exact_number(
    slapd: Slapd, organisation: Organisation, through: Connect
) -> None:
    draft = read(slapd.url, through, domains=["example.test"])
    made_at = datetime(2026, 11, 24, tzinfo=UTC)
    index = Index.of(build(draft, source="directory", made_at=made_at, new_key=bytes))
    for number in range(organisation.lists):
        count = reach_of(index, Query((organisation.list_address(number),)), "directory").union
        assert count == Count.exact(len(organisation.reach(number)), "directory", made_at)


def test_without_a_base_the_server_is_asked_what_it_holds(slapd: Slapd, through: Connect) -> None:
    assert len(read(slapd.url, through, bases=()).people) == 20_000


def test_one_base_is_read_and_members_outside_it_are_somebody_nobody_knows(slapd: Slapd, through: Connect) -> None:
    draft = read(slapd.url, through, bases=(f"ou=lists,{SUFFIX}",))
    assert not draft.people
    assert not draft.possible
    assert len(undeclared(draft)) > 10_000


def test_the_connection_is_encrypted_and_verified(
    slapd: Slapd, certificate_authority: CertificateAuthority, through: Connect
) -> None:
    trusting = Terms(ca_file=certificate_authority.certificate)
    units = (f"ou=u00001,ou=people,{SUFFIX}",)
    assert len(read(slapd.tls_url, through, bases=units, terms=trusting).people) == 40
    starttls = Terms(ca_file=certificate_authority.certificate, starttls=True)
    assert len(read(slapd.url, through, bases=units, terms=starttls).people) == 40


def test_a_certificate_nobody_vouches_for_is_refused(slapd: Slapd, through: Connect) -> None:
    assert "certificate" in failure(slapd.tls_url, through)
    assert "certificate" in failure(slapd.url, through, terms=Terms(starttls=True))


def test_a_certificate_for_another_name_is_refused(
    new_slapd: Callable[..., Slapd], certificate_authority: CertificateAuthority, through: Connect
) -> None:
    server = new_slapd(TOP, certificate=certificate_authority.issue("elsewhere.test"))
    trusting = Terms(ca_file=certificate_authority.certificate)
    assert "certificate" in failure(server.tls_url, through, terms=trusting)


def test_a_password_is_never_sent_to_a_server_that_is_not_verified(
    slapd: Slapd, new_fault_proxy: NewProxy, through: Connect
) -> None:
    proxy = new_fault_proxy(slapd.port, record=True)
    failure(f"ldap://{LOOPBACK}:{proxy.port}", through, terms=Terms(starttls=True))
    assert PASSWORD.encode() not in b"".join(proxy.said_by_clients)


def test_certificates_that_cannot_be_read_are_said(slapd: Slapd, tmp_path: Path, through: Connect) -> None:
    assert failure(slapd.tls_url, through, terms=Terms(ca_file=tmp_path / "none.pem"))


def test_a_server_without_encryption_is_not_talked_to_in_plain(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    assert "encryption" in failure(new_slapd(TOP).url, through, terms=Terms(starttls=True))


def test_a_wrong_password_is_said_to_be_wrong(slapd: Slapd, through: Connect) -> None:
    assert "refused the name or the password" in failure(slapd.url, through, bind=Login(READER, "other"))
    assert "result" in failure(slapd.url, through, bind=Login("no name", "other"))


def test_an_empty_password_is_not_tried() -> None:
    with pytest.raises(LdapFailed, match="password of the directory's account is empty"):
        Login(READER, "")


def test_nobody_may_be_let_in_too(slapd: Slapd, through: Connect) -> None:
    assert len(read(slapd.url, through, bind=None, bases=(f"ou=u00001,ou=people,{SUFFIX}",)).people) == 40


def test_a_server_that_lets_nobody_in_without_a_login_says_so(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    server = new_slapd(TOP, extra="access to * by users read by anonymous auth")
    assert "may not read" in failure(server.url, through, bind=None)
    shy = new_slapd(TOP, before="require authc")
    assert "result" in failure(shy.url, through, bind=None)


@pytest.mark.parametrize("limit", ["size.unchecked=unlimited size.soft=500 size.hard=500", "size.prtotal=1500"])
def test_a_size_limit_never_gives_fewer_people(
    organisation_ldif: Path, new_slapd: Callable[..., Slapd], through: Connect, limit: str
) -> None:
    server = new_slapd(organisation_ldif, extra=f"limits users {limit}")
    assert "limit" in failure(server.url, through)


def test_a_filter_that_is_none_is_said(slapd: Slapd, through: Connect) -> None:
    assert "filter" in failure(slapd.url, through, only="(((")


def test_a_filter_of_ones_own_leaves_people_out(slapd: Slapd, through: Connect) -> None:
    assert len(read(slapd.url, through, only="(sn=1*)", bases=(f"ou=people,{SUFFIX}",)).people) == 11_111


def test_a_base_that_is_none_is_said(slapd: Slapd, through: Connect) -> None:
    assert "no such base" in failure(slapd.url, through, bases=(f"ou=nowhere,{SUFFIX}",))
    assert failure(slapd.url, through, bases=("no name",))


DYNAMIC = f"""{TOP}
dn: ou=staff,{SUFFIX}
objectClass: organizationalUnit
ou: staff

dn: uid=ada,ou=staff,{SUFFIX}
objectClass: inetOrgPerson
objectClass: extensibleObject
uid: ada
cn: Ada
sn: A
mail: ada@example.test
proxyAddresses: smtp:ada@old.test
proxyAddresses: SMTP:ada.a@example.test
l: London

dn: cn=Ben\\2C B,ou=staff,{SUFFIX}
objectClass: inetOrgPerson
cn: Ben, B
sn: B
mail: ben@example.test
l: Leeds

dn: cn=Çelik,ou=staff,{SUFFIX}
objectClass: inetOrgPerson
cn: Çelik
sn: C
l: London

dn: cn=printer,ou=staff,{SUFFIX}
objectClass: device
cn: printer
l: London

dn: cn=urls,{SUFFIX}
objectClass: groupOfURLs
objectClass: extensibleObject
cn: urls
mail: urls@example.test
memberURL: ldap:///ou=staff,{SUFFIX}??sub?(l=London)

dn: cn=broken,{SUFFIX}
objectClass: groupOfURLs
cn: broken
memberURL: ldap:///ou=staff,{SUFFIX}??sub?(l=London

dn: cn=exchange,{SUFFIX}
objectClass: msExchDynamicDistributionList
cn: exchange
proxyAddresses: SMTP:exchange@example.test
msExchDynamicDLBaseDN: ou=staff,{SUFFIX}
msExchDynamicDLFilter: (&(mail=*)(!(cn=SystemMailbox{{*))(|(l=London)(l=Leeds)))

dn: cn=hidden,{SUFFIX}
objectClass: group
cn: hidden
mail: hidden@example.test
hideDLMembership: TRUE
member: cn=urls,{SUFFIX}
member: CN=Ben\\, B, OU=staff, {SUFFIX}
member: cn=gone,{SUFFIX}
member: cn=far,dc=other,dc=test
""".replace(f"dn: cn=Çelik,ou=staff,{SUFFIX}", "dn:: Y249w4dlbGlrLG91PXN0YWZmLGRjPWV4YW1wbGUsZGM9dGVzdA==").replace(
    "cn: Çelik", "cn:: w4dlbGlr"
)


def test_rules_are_evaluated_by_the_server_and_a_broken_one_is_of_unknown_size(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    draft = read(new_slapd(DYNAMIC).url, through)
    assert reach(draft, "urls@example.test") == {"ada.a@example.test"}
    assert reach(draft, "exchange@example.test") == {"ada.a@example.test", "ben@example.test"}
    assert group(draft, "urls@example.test").kind is ListKind.DYNAMIC
    assert not group(draft, "urls@example.test").incomplete
    assert not group(draft, "exchange@example.test").incomplete
    assert group(draft, f"cn=broken,{SUFFIX}").incomplete


def test_attributes_of_active_directory_are_read_and_names_written_otherwise_are_found(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    draft = read(new_slapd(DYNAMIC).url, through)
    assert draft.numbers["ada@old.test"] == draft.numbers["ada@example.test"] == draft.numbers["ada.a@example.test"]
    assert group(draft, "hidden@example.test").hidden
    assert reach(draft, "hidden@example.test") == {"ada.a@example.test", "ben@example.test"}
    assert draft.possible == {draft.numbers[f"cn=gone,{SUFFIX}"]}
    assert undeclared(draft) == {"cn=far,dc=other,dc=test"}


def test_what_the_server_says_another_one_holds_is_not_taken_for_gone(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    child = f"""
dn: ou=child,{SUFFIX}
objectClass: referral
objectClass: extensibleObject
ou: child
ref: ldap://other.test/ou=child,{SUFFIX}

dn: cn=both,{SUFFIX}
objectClass: group
cn: both
member: cn=a,ou=child,{SUFFIX}
member: cn=b,{SUFFIX}
"""
    draft = read(new_slapd(DYNAMIC + child).url, through)
    assert f"cn=a,ou=child,{SUFFIX}" in undeclared(draft)
    assert draft.numbers[f"cn=b,{SUFFIX}"] in draft.possible


def test_a_list_the_server_has_expanded_by_itself_has_the_same_people(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    overlay = "overlay dynlist\ndynlist-attrset groupOfURLs memberURL member"
    draft = read(new_slapd(DYNAMIC, extra=overlay).url, through)
    assert reach(draft, "urls@example.test") == {"ada.a@example.test"}
    assert not group(draft, "urls@example.test").incomplete
    assert group(draft, f"cn=broken,{SUFFIX}").incomplete


def test_a_rule_that_is_not_answered_is_of_unknown_size_and_the_next_is_still_read(
    new_slapd: Callable[..., Slapd], new_fault_proxy: NewProxy, through: Connect
) -> None:
    proxy = new_fault_proxy(new_slapd(DYNAMIC).port)
    proxy.inject(ClientSays(rb"(?s)SystemMailbox", at_once=True), Break.STALL)
    draft = read(f"ldap://{LOOPBACK}:{proxy.port}", through, terms=IMPATIENT)
    assert proxy.struck == 1
    assert proxy.connections == 2
    assert group(draft, "exchange@example.test").incomplete
    assert not group(draft, "urls@example.test").incomplete
    assert reach(draft, "urls@example.test") == {"ada.a@example.test"}


def test_members_a_reader_may_not_see_make_a_list_of_unknown_size(
    new_slapd: Callable[..., Slapd], through: Connect
) -> None:
    server = new_slapd(DYNAMIC, extra="access to attrs=member by * none\naccess to * by * read")
    draft = read(server.url, through)
    assert group(draft, "hidden@example.test").incomplete


def test_a_server_that_is_not_there_is_said(through: Connect, new_slapd: Callable[..., Slapd]) -> None:
    server = new_slapd(TOP)
    server.stop()
    assert "no connection" in failure(server.url, through)


@pytest.mark.parametrize("how", [Break.CLOSE, Break.RESET, Break.TRUNCATE])
@pytest.mark.parametrize("after", [0, 1, 100, 700])
def test_a_server_that_is_cut_gives_nothing_rather_than_a_part(
    slapd: Slapd, new_fault_proxy: NewProxy, through: Connect, how: Break, after: int
) -> None:
    proxy = new_fault_proxy(slapd.port)
    proxy.inject(ClientBytes(after) if after else Stage.CONNECT, how, times=None)
    said = failure(f"ldap://{LOOPBACK}:{proxy.port}", through, terms=IMPATIENT)
    assert proxy.struck
    assert said


@pytest.mark.parametrize("after", [0, 1, 700])
def test_a_server_that_stalls_is_not_waited_for_beyond_the_terms(
    slapd: Slapd, new_fault_proxy: NewProxy, through: Connect, after: int
) -> None:
    proxy = new_fault_proxy(slapd.port)
    proxy.inject(ClientBytes(after) if after else Stage.CONNECT, Break.STALL, times=None)
    assert failure(f"ldap://{LOOPBACK}:{proxy.port}", through, terms=IMPATIENT)


def test_a_server_that_stalls_within_the_handshake_is_not_waited_for(
    slapd: Slapd, new_fault_proxy: NewProxy, through: Connect
) -> None:
    proxy = new_fault_proxy(slapd.tls_port)
    proxy.inject(ClientBytes(20), Break.STALL, times=None)
    assert failure(f"ldaps://{LOOPBACK}:{proxy.port}", through, terms=IMPATIENT)


def test_what_speaks_no_ldap_is_said(slapd: Slapd, new_fault_proxy: NewProxy, through: Connect) -> None:
    proxy = new_fault_proxy(slapd.port)
    proxy.inject(ServerSays(rb"(?s)."), Break.GARBAGE, times=None)
    assert failure(f"ldap://{LOOPBACK}:{proxy.port}", through, terms=IMPATIENT)


INTERRUPTED = """
import sys
sys.path += sys.argv[2:]
from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft
from sendguard.directories.ldap.crawl import LdapCrawl
try:
    LdapCrawl(sys.argv[1]).read(Draft(), Unwatched())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("paths", [[], [str(DEBIAN)]], ids=["ldap3", "python-ldap"])
def test_ctrl_c_ends_a_crawl_that_waits_for_a_server(slapd: Slapd, new_fault_proxy: NewProxy, paths: list[str]) -> None:
    proxy = new_fault_proxy(slapd.port)
    proxy.inject(ClientSays(rb"(?s)proxyAddresses", at_once=True), Break.STALL)
    command = [sys.executable, "-c", INTERRUPTED, f"ldap://{LOOPBACK}:{proxy.port}", *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        wait_until(lambda: proxy.struck, "search that is not answered")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=10)
    assert said == "interrupted\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("url", "terms", "expected"),
    [
        ("ldap://localhost", Terms(), Server("localhost", 389, Security.PLAIN)),
        ("ldap://127.0.0.1:1389/", Terms(), Server("127.0.0.1", 1389, Security.PLAIN)),
        ("ldap://d.example.test", Terms(), Server("d.example.test", 389, Security.STARTTLS)),
        ("ldap://d.example.test", Terms(plain=True), Server("d.example.test", 389, Security.PLAIN)),
        ("ldaps://d.example.test", Terms(plain=True), Server("d.example.test", 636, Security.TLS)),
        ("ldaps://[::1]:1636", Terms(), Server("::1", 1636, Security.TLS)),
    ],
)
def test_other_computers_are_asked_encrypted_unless_somebody_says_otherwise(
    url: str, terms: Terms, expected: Server
) -> None:
    assert server_at(url, terms) == expected


@pytest.mark.parametrize(
    "url", ["", "d.test", "http://d.test", "ldap://", "ldap://d:x", "ldap://u:p@d.test", "ldap://d/x"]
)
def test_what_is_no_address_of_a_directory_is_refused_at_once(url: str) -> None:
    with pytest.raises(LdapFailed):
        LdapCrawl(url)


def test_python_ldap_is_used_where_it_is_installed_and_ldap3_elsewhere(slapd: Slapd) -> None:
    program = (
        "import sys; from sendguard.directories.ldap.crawl import LdapCrawl\n"
        "from sendguard.directories.ldap.libraries import connect\n"
        "from sendguard.directories.ldap.session import Login, Terms, server_at\n"
        "assert not {'ldap3', 'ldap', '_ldap'} & sys.modules.keys(), 'imported before it is used'\n"
        "sys.path += sys.argv[2:]\n"
        "connect(server_at(sys.argv[1], Terms()), None, Terms()).close()\n"
        "print(*sorted({'ldap3', 'ldap'} & sys.modules.keys()))\n"
    )

    def used(*paths: str) -> str:
        command = [sys.executable, "-c", program, slapd.url, *paths]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert used() == "ldap3"
    assert used(str(DEBIAN)) == "ldap"
