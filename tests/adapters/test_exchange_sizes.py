"""Sizes from Exchange: what is counted, what is only estimated, what is unknown, and what is remembered."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sendguard.audience.audience import AddressKind, Part
from sendguard.audience.count import Basis, Count
from sendguard.audience.resolver import Resolver
from sendguard.audience.source import Query, Reach, SourceFailed
from sendguard.exchange.opening import MOST_LISTS, Opener
from sendguard.exchange.session import Mailboxes, Session
from sendguard.exchange.size_cache import MOST_ADDRESSES, Learned, ServerSizes
from sendguard.exchange.sizes import ExchangeSizes
from sendguard.guard.account import Account, ExchangeServer, Login
from tests.adapters.imap_rig import Passwords
from tests.indexes import directory
from tests.servers.exchange import Exchange, MailingList, Person
from tests.servers.processes import wait_until

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
YESTERDAY = NOON - timedelta(hours=24)
HOME = frozenset({"example.test"})
NAMED_A_MAILBOX = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
    ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body><m:ResolveNamesResponse>'
    '<m:ResponseMessages><m:ResolveNamesResponseMessage ResponseClass="Success">'
    "<m:ResponseCode>NoError</m:ResponseCode><m:ResolutionSet><t:Resolution><t:Mailbox><t:EmailAddress>%s</t:EmailAddress><t:MailboxType>%s</t:MailboxType>"
    "</t:Mailbox></t:Resolution></m:ResolutionSet></m:ResolveNamesResponseMessage></m:ResponseMessages>"
    "</m:ResolveNamesResponse></s:Body></s:Envelope>"
)


def account_of(server: Exchange, person: Person, *more: str) -> Account:
    exchange = ExchangeServer(server.url, Login.BASIC, person.address)
    return Account(person.address, (person.address, *more), exchange=exchange)


@dataclass
class Office:
    """A server, and a SendGuard of some of its people. ``now`` is what its clock says."""

    server: Exchange
    people: tuple[Person, ...]
    now: datetime = NOON
    within: float = 10.0
    opened: int = 0
    passwords: Passwords = field(default_factory=lambda: Passwords("pass word"))

    def __post_init__(self) -> None:
        accounts = [account_of(self.server, each) for each in self.people]
        self.sizes = ExchangeSizes(accounts, self._open, lambda: self.now, within=self.within)

    def _open(self, account: Account) -> Session:
        self.opened += 1
        return Mailboxes(account, self.passwords).open()

    def reach(self, *addresses: str | MailingList | Person, by: str = "", home: frozenset[str] = HOME) -> Reach:
        plain = tuple(each if isinstance(each, str) else each.address for each in addresses)
        return self.sizes.reach(Query(plain, frozenset({by or self.people[0].address}), home))

    def part(self, address: str | MailingList | Person, **more: Any) -> Part:
        (part,) = self.reach(address, **more).parts.values()
        return part

    def count(self, address: str | MailingList | Person, **more: Any) -> Count:
        return self.part(address, **more).count


@pytest.fixture
def server(new_exchange: Callable[..., Exchange]) -> Exchange:
    return new_exchange()


@pytest.fixture
def new_office(server: Exchange) -> Iterator[Callable[..., Office]]:
    with ExitStack() as closing:

        def make(*people: Person, **more: Any) -> Office:
            office = Office(server, people or (server.new_person(),), **more)
            closing.callback(office.sizes.close)
            return office

        yield make


@pytest.fixture
def office(new_office: Callable[..., Office]) -> Office:
    return new_office()


def people(number: int, name: str = "p") -> list[str]:
    return [f"{name}{each}@example.test" for each in range(number)]


def test_a_large_list_is_estimated_by_a_count_that_may_be_a_day_old(server: Exchange, office: Office) -> None:
    part = office.part(server.new_list(total=412, external=7))
    assert part.count == Count(412, 412, Basis.ESTIMATE, "Exchange", YESTERDAY)
    assert (part.kind, part.outsiders) == (AddressKind.LIST, 7)
    assert server.count_of("ExpandDL") == 0


def test_a_small_list_is_opened_and_counted_without_the_originator(server: Exchange, office: Office) -> None:
    me = office.people[0]
    part = office.part(server.new_list(members=[me, *people(3), "guest@elsewhere.test"]))
    assert part.count == Count.exact(4, "Exchange", NOON)
    assert part.outsiders == 1


def test_an_originator_nobody_looked_for_may_be_a_member(server: Exchange, office: Office) -> None:
    made = server.new_list(members=people(4))
    assert office.count(made, by="p1@example.test") == Count(3, 4, Basis.AT_MOST, "Exchange", NOON)


def test_a_list_inside_adds_its_own_count(server: Exchange, office: Office) -> None:
    inner = server.new_list(total=850_112, external=5)
    part = office.part(server.new_list(members=[*people(3), inner.address], total=4))
    assert part.count == Count(850_112, 850_115, Basis.ESTIMATE, "Exchange", YESTERDAY)
    assert (part.lists_inside, part.outsiders) == (1, 5)


def test_small_lists_inside_are_opened_and_everybody_is_counted_once(server: Exchange, office: Office) -> None:
    one, two = server.new_list(members=people(3)), server.new_list(members=people(5))
    outer = server.new_list(members=[one.address, two.address, *people(2)])
    part = office.part(outer)
    assert part.count == Count.exact(5, "Exchange", NOON)
    assert part.lists_inside == 2


def test_lists_that_hold_each_other_are_opened_once(server: Exchange, office: Office) -> None:
    server.new_list("two@example.test", members=["one@example.test", *people(2)], total=None)
    server.new_list("one@example.test", members=["two@example.test", "ONE@example.test", *people(3)], total=None)
    assert office.count("one@example.test") == Count.exact(3, "Exchange", NOON)
    assert server.count_of("ExpandDL") == 2


def test_lists_in_lists_without_end_are_at_least_what_was_found(server: Exchange, office: Office) -> None:
    for depth in range(20):
        server.new_list(
            f"l{depth}@example.test", members=[f"l{depth + 1}@example.test", *people(depth + 2)], total=None
        )
    count = office.count("l0@example.test")
    assert count.basis is Basis.AT_LEAST
    assert count.low >= 5
    assert server.count_of("ExpandDL") < 12


def test_a_list_inside_that_cannot_be_opened_leaves_the_count_open(server: Exchange, office: Office) -> None:
    hidden = server.new_list("inner@example.test", members=people(40), total=None)
    server.new_list("outer@example.test", members=[hidden.address, *people(3)], total=4)
    hidden.dynamic = True
    assert office.count("outer@example.test") == Count(3, None, Basis.AT_LEAST, "Exchange", NOON)


@pytest.mark.parametrize(("total", "basis"), [(20, Basis.ESTIMATE), (None, Basis.AT_LEAST)])
def test_a_hidden_list_inside_brings_its_count_if_it_has_one(
    server: Exchange, office: Office, total: int | None, basis: Basis
) -> None:
    hidden = server.new_list(members=people(20), total=total, hidden=True)
    outer = server.new_list(members=[hidden.address, *people(3)], total=4)
    assert office.count(outer).basis is basis


def test_too_many_lists_inside_leave_the_count_open(server: Exchange, office: Office) -> None:
    inside = [server.new_list(members=people(2), total=2).address for _ in range(MOST_LISTS + 1)]
    count = office.count(server.new_list(members=[*people(3), *inside], total=None))
    assert count == Count(3, None, Basis.AT_LEAST, "Exchange", NOON)
    assert server.count_of("ExpandDL") == 1


@pytest.mark.parametrize("why", ["stall", "off"])
def test_lists_inside_that_have_no_answer_in_time_leave_the_count_open(
    server: Exchange, office: Office, why: str
) -> None:
    inner = server.new_list(members=people(4))
    outer = server.new_list(members=[inner.address, *people(2)])
    if why == "stall":
        server.faults.stall("GetMailTips")
    else:
        server.faults.error("GetMailTips", "ErrorMailTipsDisabled")
    me = office.people[0]
    with Mailboxes(account_of(server, me), office.passwords).open() as session:
        opened = Opener(session, me.address, frozenset(), time.monotonic() + 1).open(outer.address)
    assert opened.more is (why == "stall")
    assert opened.people.count == (2 if why == "stall" else 4)


def test_more_people_by_the_count_than_are_shown_may_be_hidden(server: Exchange, office: Office) -> None:
    made = server.new_list(members=people(3), total=40)
    assert office.count(made) == Count(3, 40, Basis.ESTIMATE, "Exchange", YESTERDAY)


@pytest.mark.parametrize(
    "how",
    [
        {"hidden": True, "total": None},
        {"dynamic": True, "total": None},
        {"dynamic": True, "total": 0},
        {"members": (), "total": 0},
        {"hidden": True, "tips": "pending"},
        {"hidden": True, "tips": "missing"},
        {"dynamic": True, "tips": "pending"},
        {"hidden": True, "error": "ErrorInvalidRecipients"},
    ],
    ids=str,
)
def test_a_list_of_which_the_server_says_nothing_is_of_unknown_size(
    server: Exchange, office: Office, how: dict[str, Any]
) -> None:
    part = office.part(server.new_list(**{"members": people(5), **how}))
    assert part.kind is AddressKind.LIST
    assert part.count.basis is Basis.UNKNOWN


@pytest.mark.parametrize("how", [{"total": None}, {"tips": "pending"}, {"error": "ErrorInvalidRecipients"}], ids=str)
def test_a_list_without_a_count_is_opened(server: Exchange, office: Office, how: dict[str, Any]) -> None:
    assert office.count(server.new_list(members=people(60), **how)) == Count.exact(60, "Exchange", NOON)


def test_a_hidden_list_with_a_count_has_that(server: Exchange, office: Office) -> None:
    assert office.count(server.new_list(members=people(9), hidden=True)).basis is Basis.ESTIMATE


def test_a_mailbox_is_one_person(server: Exchange, office: Office) -> None:
    someone = server.new_person()
    reach = office.reach(server.new_list(total=99), someone)
    assert reach.parts[someone.address] == Part(someone.address, AddressKind.PERSON, Count.exact(1, "Exchange"))
    assert server.count_of("ExpandDL") == 0


def test_where_no_list_has_ever_had_a_count_a_person_is_whom_nobody_can_open(server: Exchange, office: Office) -> None:
    assert office.count(server.new_person()) == Count.exact(1, "Exchange")
    assert server.count_of("ExpandDL") == 1


def test_a_list_that_the_directory_calls_a_mailbox_is_still_a_list(server: Exchange, office: Office) -> None:
    made = server.new_list(members=people(8), total=None)
    server.faults.http("ResolveNames", status=200, body=(NAMED_A_MAILBOX % (made.address, "Mailbox")).encode())
    assert office.part(made).count == Count.exact(8, "Exchange", NOON)


@pytest.mark.parametrize("kind", ["GroupMailbox", "PublicFolder", "Unknown", ""])
def test_what_is_neither_person_nor_list_is_of_unknown_size(server: Exchange, office: Office, kind: str) -> None:
    server.add_person("thing@example.test")
    server.faults.http("ResolveNames", status=200, body=(NAMED_A_MAILBOX % ("thing@example.test", kind)).encode())
    assert office.count("thing@example.test").basis is Basis.UNKNOWN


def test_a_directory_that_refuses_names_leaves_the_size_unknown(server: Exchange, office: Office) -> None:
    server.faults.error("ResolveNames", "ErrorAccessDenied")
    assert office.count(server.new_person()).basis is Basis.UNKNOWN


def test_another_name_of_the_originator_is_nobody_else(server: Exchange, office: Office) -> None:
    me = office.people[0].address
    server.add_person("alias@example.test")
    server.faults.http("ResolveNames", status=200, body=(NAMED_A_MAILBOX % (me, "Mailbox")).encode())
    assert office.count("alias@example.test") == Count.exact(0, "Exchange")


def test_people_are_added_up_and_two_names_of_one_are_one(server: Exchange, office: Office) -> None:
    one, two = server.new_person(), server.new_person()
    server.add_person("alias@example.test")
    server.faults.http("ResolveNames", status=200, body=(NAMED_A_MAILBOX % (one.address, "Mailbox")).encode())
    reach = office.reach("alias@example.test", one, two)
    assert (reach.union, reach.closed) == (Count.exact(2, "Exchange"), True)


def test_lists_may_share_people(server: Exchange, office: Office) -> None:
    one, two = server.new_list(members=people(4)), server.new_list(total=100)
    reach = office.reach(one, two)
    assert reach.union == Count(100, 104, Basis.ESTIMATE, "Exchange", YESTERDAY)
    assert not reach.closed


def test_nobody_of_that_address_and_an_outsider_are_left_to_others(server: Exchange, office: Office) -> None:
    reach = office.reach("nobody@example.test", "someone@elsewhere.test", "no address", "a\x01b@example.test")
    assert not reach.parts
    assert server.count_of("ExpandDL") == 0


def test_without_mail_tips_lists_are_opened(server: Exchange, office: Office) -> None:
    server.faults.error("GetMailTips", "ErrorMailTipsDisabled", times=None)
    someone = server.new_person()
    made = server.new_list(members=people(7))
    reach = office.reach(made, someone, "someone@elsewhere.test")
    assert {address: part.count.low for address, part in reach.parts.items()} == {made.address: 7, someone.address: 1}


def test_one_bad_recipient_costs_no_other_its_count(server: Exchange, office: Office) -> None:
    lists = [server.new_list(total=100 + number) for number in range(60)]
    lists[20] = server.new_list(total=120, error="ErrorInvalidRecipients", hidden=True)
    parts = office.reach(*lists).parts
    counts = [parts[each.address].count for each in lists]
    assert counts[20].basis is Basis.UNKNOWN
    assert [count.low for count in counts[:20] + counts[21:]] == [100 + n for n in range(60) if n != 20]


def test_an_answer_is_remembered_with_the_time_it_was_true(server: Exchange, office: Office) -> None:
    lists = server.new_list(total=412), server.new_list(members=people(3)), server.new_person()
    first = office.reach(*lists)
    calls = len(server.calls)
    office.now += timedelta(hours=5)
    assert office.reach(*lists) == first
    assert len(server.calls) == calls


def test_what_one_account_learned_the_others_know(server: Exchange, new_office: Callable[..., Office]) -> None:
    one, two = server.new_person(), server.new_person()
    office = new_office(one, two)
    made = server.new_list(members=[one, *people(5)])
    assert office.count(made, by=one.address).low == 5
    calls = len(server.calls)
    assert office.count(made, by=two.address) == Count.exact(6, "Exchange", NOON)
    assert len(server.calls) == calls


@pytest.mark.parametrize(
    ("later", "asked_again"),
    [(timedelta(hours=5, minutes=59), False), (timedelta(hours=6), True), (-timedelta(seconds=1), True)],
)
def test_a_count_is_remembered_for_six_hours(
    server: Exchange, office: Office, later: timedelta, asked_again: bool
) -> None:
    made = server.new_list(total=412)
    office.count(made)
    made.total = 999
    office.now += later
    assert office.count(made).low == (999 if asked_again else 412)


def test_what_may_be_known_better_soon_is_remembered_for_ten_minutes(server: Exchange, office: Office) -> None:
    made = server.new_list(total=412, tips="pending", hidden=True)
    assert office.count(made).is_open
    made.tips = "now"
    office.now += timedelta(minutes=9)
    assert office.count(made).is_open
    office.now += timedelta(minutes=1)
    assert office.count(made).low == 412


def test_what_was_learned_longest_ago_is_forgotten_first() -> None:
    sizes = ServerSizes()
    for number in range(MOST_ADDRESSES + 1):
        sizes.put(f"p{number}@example.test", Learned(None), NOON)
    assert sizes.get("p0@example.test", NOON) is None
    assert sizes.get("p1@example.test", NOON) == Learned(None)


def test_only_what_is_not_remembered_is_asked_for(server: Exchange, office: Office) -> None:
    server.record = True
    one, two = server.new_list(total=412), server.new_list(total=512)
    office.count(one)
    office.reach(one, two)
    assert one.address.encode() not in server.requests[-1]
    assert two.address.encode() in server.requests[-1]


def test_a_session_that_was_cut_is_opened_again_once(server: Exchange, office: Office) -> None:
    office.count(server.new_list(total=412))
    server.faults.cut_before("GetMailTips")
    assert office.count(server.new_list(total=512)).low == 512
    assert office.opened == 2
    server.faults.cut_before("GetMailTips", times=2)
    with pytest.raises(SourceFailed):
        office.reach(server.new_list(total=612))


def test_a_cut_in_the_middle_loses_nothing_that_was_learned(server: Exchange, office: Office) -> None:
    large, small = server.new_list(total=412), server.new_list(members=people(5))
    server.faults.cut_before("ExpandDL")
    reach = office.reach(large, small)
    assert [part.count.low for part in reach.parts.values()] == [412, 5]


def test_a_server_that_does_not_answer_in_time_has_said_nothing(
    server: Exchange, new_office: Callable[..., Office]
) -> None:
    office = new_office(within=0.5)
    answered = threading.Event()
    server.faults.stall("GetMailTips", until=answered)
    made = server.new_list(total=412)
    began = time.monotonic()
    with pytest.raises(SourceFailed):
        office.reach(made)
    assert time.monotonic() - began < 2
    answered.set()
    wait_until(lambda: office.sizes._lines[0].sizes.get(made.address, NOON) is not None, "late answer")
    assert office.count(made).low == 412


def test_what_is_known_when_time_is_up_is_said(server: Exchange, new_office: Callable[..., Office]) -> None:
    office = new_office(within=1.5)
    large, small, someone = server.new_list(total=412), server.new_list(members=people(9)), server.new_person()
    server.faults.stall("ExpandDL")
    server.faults.stall("ResolveNames")
    parts = office.reach(large, small, someone, "someone@elsewhere.test").parts
    assert parts[large.address].count.basis is Basis.ESTIMATE
    assert parts[small.address].count == Count(9, None, Basis.AT_LEAST, "Exchange", YESTERDAY)
    assert parts[someone.address].hint == "source_silent"
    assert parts[someone.address].count.is_open
    assert "someone@elsewhere.test" not in parts


def test_what_is_remembered_is_said_though_the_server_is_silent(
    server: Exchange, new_office: Callable[..., Office]
) -> None:
    office = new_office(within=1.0)
    known, other = server.new_list(total=412), server.new_list(total=512)
    office.count(known)
    server.faults.stall("GetMailTips", times=None)
    parts = office.reach(known, other).parts
    assert parts[known.address].count.low == 412
    assert parts[other.address].count.is_open


def test_a_server_that_refuses_the_login_is_left_alone(server: Exchange, office: Office) -> None:
    office.passwords.known = "wrong"
    for _ in range(3):
        with pytest.raises(SourceFailed):
            office.reach(server.new_list(total=412))
    assert office.opened == 1


def test_a_busy_server_is_left_alone_for_as_long_as_it_says(server: Exchange, office: Office) -> None:
    server.faults.busy(back_off_ms=60_000)
    for _ in range(2):
        with pytest.raises(SourceFailed):
            office.reach(server.new_list(total=412))
    assert len(server.calls) == 1


def test_the_originators_own_account_is_asked_else_the_first(
    server: Exchange, new_office: Callable[..., Office]
) -> None:
    one, two = server.new_person(), server.new_person()
    office = new_office(one, two)
    office.count(server.new_list(total=412), by=two.address)
    office.count(server.new_list(total=412), by="other@example.test")
    assert [call.user for call in server.calls] == [two.address, one.address]


def test_without_an_exchange_account_nobody_is_known() -> None:
    sizes = ExchangeSizes([Account("work", ("me@example.test",))], pytest.fail, lambda: NOON)
    assert sizes.reach(Query(("a@example.test",))) == Reach()
    sizes.close()


def test_closing_ends_a_question_that_waits(server: Exchange, new_office: Callable[..., Office]) -> None:
    office = new_office(within=20)
    server.faults.stall("GetMailTips")
    failed: list[str] = []

    def ask() -> None:
        try:
            office.reach("a@example.test")
        except SourceFailed as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: bool(server.calls), "question")
    office.sizes.close()
    asking.join(10)
    assert not asking.is_alive()
    assert failed
    wait_until(lambda: not any("exchange sizes" in each.name for each in threading.enumerate()), "end of the workers")
    with pytest.raises(SourceFailed, match="closed"):
        office.reach("a@example.test")


def test_exchangelib_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, sendguard.exchange.sizes; sys.exit('exchangelib' in sys.modules or 'lxml' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_logs_hold_no_address(server: Exchange, office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sendguard")
    made = server.new_list(total=412)
    server.faults.cut_before("GetMailTips", times=2)
    with pytest.raises(SourceFailed) as failed:
        office.reach(made)
    office.count(made)
    assert "no sizes from Exchange" in caplog.text
    assert "example.test" not in caplog.text + str(failed.value)


@pytest.mark.parametrize(("total", "disagree"), [(1000, False), (1150, False), (1400, True)])
def test_a_count_beyond_the_set_share_of_the_indexs_is_a_disagreement(
    server: Exchange, office: Office, total: int, disagree: bool
) -> None:
    made = server.new_list(total=total)
    index = directory([(made.address, each) for each in people(1000)])
    local = _Local(index.reach)
    resolver = Resolver([local, office.sizes], deadline=20)
    audience = resolver.resolve(Query((made.address,), frozenset({office.people[0].address})))
    resolver.close()
    assert audience.count.basis is Basis.EXACT
    assert audience.count.low == 1000
    assert bool(audience.disagreements) is disagree


@dataclass
class _Local:
    reach: Callable[[Query], Reach]
    name: str = "index"
    instant: bool = True
    domains: frozenset[str] = frozenset()


def test_without_a_password_of_ours_exchange_is_no_source_and_nobody_is_asked_because_of_it(
    exchange: Exchange,
) -> None:
    server, me = exchange, exchange.new_person()
    account = Account("work", (me.address,), exchange=ExchangeServer(server.url, Login.BASIC, me.address))
    sizes = ExchangeSizes([account], lambda each: Mailboxes(each, Passwords(None)).open(), lambda: NOON)
    resolver = Resolver([sizes])
    sizes.warm_up()
    audience = resolver.resolve(Query(("somebody@x.test",), frozenset({me.address})))
    assert audience.missed == ()
    assert audience.count.high == 1
    resolver.close()
    sizes.close()


def test_after_the_warming_up_the_first_question_meets_a_session_that_is_there(
    new_exchange: Callable[..., Exchange],
) -> None:
    server = new_exchange()
    me = server.new_person()
    account = Account("work", (me.address,), exchange=ExchangeServer(server.url, Login.BASIC, me.address))
    sizes = ExchangeSizes([account], lambda each: Mailboxes(each, Passwords(me.password)).open(), lambda: NOON)
    sizes.warm_up()
    wait_until(lambda: server.count_of("GetMailTips"), "logging in")
    big = server.new_list(total=850_112)
    assert sizes.reach(Query((big.address,), frozenset({me.address}))).parts[big.address].count.high == 850_112
    assert len({call.connection for call in server.calls}) == 1
    sizes.close()
