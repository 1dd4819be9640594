"""ExpandDL by our own reader: who is counted, where counting ends, and what is no answer."""

import time
from collections.abc import Callable, Iterator

import pytest

from sendguard.exchange.expansion import Expansion, expand
from sendguard.exchange.session import Mailboxes, Session
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.mailbox.errors import CommandRefused, MailboxUnreachable, ServerBusy
from tests.adapters.imap_rig import Passwords
from tests.servers.exchange import Exchange

MEMBER = (
    "<t:Mailbox><t:Name>Somebody</t:Name>%s<t:RoutingType>SMTP</t:RoutingType>"
    "<t:MailboxType>%s</t:MailboxType></t:Mailbox>"
)


@pytest.fixture
def server(new_exchange: Callable[..., Exchange]) -> Exchange:
    return new_exchange()


@pytest.fixture
def session(server: Exchange) -> Iterator[Session]:
    me = server.new_person()
    account = Account("work", (me.address,), exchange=ExchangeServer(server.url, Login.BASIC, me.address))
    with Mailboxes(account, Passwords(me.password)).open() as session:
        yield session


def soon() -> float:
    return time.monotonic() + 20


def shown(server: Exchange, session: Session, *members: tuple[str, str], total: int | None = None) -> Expansion:
    """The expansion of a list the server shows so: a type and an address for each member."""
    made = server.new_list(members=["x@example.test"] * (len(members) if total is None else total))
    rows = (MEMBER % (f"<t:EmailAddress>{a}</t:EmailAddress>" if a else "", kind) for kind, a in members)
    made.expansion = (list(made.members), "".join(rows).encode())
    return expand(session, made.address, soon())


def test_people_are_counted_once_whatever_the_case_of_their_address(server: Exchange, session: Session) -> None:
    found = shown(
        server, session, ("Mailbox", "A@example.test"), ("Mailbox", "a@Example.test"), ("Contact", "b@y.test")
    )
    assert found.complete
    assert found.count == 2
    assert found.domains == {"example.test": 1, "y.test": 1}


def test_lists_inside_are_told_apart_from_people(server: Exchange, session: Session) -> None:
    inner = server.new_list(members=["a@example.test"])
    outer = server.new_list(members=["b@example.test", inner.address.upper()])
    found = expand(session, outer.address, soon())
    assert list(found.lists) == [inner.address]
    assert found.count == 1


def test_own_addresses_among_the_members_are_found(server: Exchange, session: Session) -> None:
    made = server.new_list(members=["Me@example.test", "b@example.test"])
    found = expand(session, made.address, soon(), own=frozenset({"me@example.test", "also-me@example.test"}))
    assert found.own == {"me@example.test"}


def test_what_may_be_several_people_and_cannot_be_opened_is_no_person(server: Exchange, session: Session) -> None:
    members = [("GroupMailbox", "g@example.test"), ("Unknown", "u@example.test"), ("PrivateDL", ""), ("PublicDL", "")]
    found = shown(server, session, *members, ("Mailbox", "a@example.test"))
    assert (found.count, found.closed, list(found.lists)) == (1, 4, [])


def test_members_without_an_address_are_people(server: Exchange, session: Session) -> None:
    assert shown(server, session, ("Mailbox", ""), ("Mailbox", ""), ("Mailbox", "a@example.test")).count == 3


def test_fewer_than_the_server_says_there_are_is_not_all_of_them(server: Exchange, session: Session) -> None:
    found = shown(server, session, ("Mailbox", "a@example.test"), total=3)
    assert found.count == 1
    assert not found.complete


def test_entities_in_an_address_are_read_and_written(server: Exchange, session: Session) -> None:
    made = server.new_list("r&d@example.test", members=["a&b@example.test"])
    found = expand(session, made.address, soon(), own=frozenset({"a&b@example.test"}))
    assert found.own == {"a&b@example.test"}


def test_counting_stops_at_the_budget_and_the_session_goes_on(server: Exchange, session: Session) -> None:
    large = server.new_list(members=[f"p{number}@example.test" for number in range(20_000)])
    small = server.new_list(members=["a@example.test"])
    found = expand(session, large.address, soon(), most=500)
    assert not found.complete
    assert 500 <= found.count < 2_000
    assert expand(session, small.address, soon()).complete
    assert server.connections == 1


def test_counting_stops_when_time_is_up(server: Exchange, session: Session) -> None:
    large = server.new_list(members=[f"p{number}@example.test" for number in range(60_000)])
    expand(session, large.address, soon())  # the server has its answer ready
    found = expand(session, large.address, time.monotonic() + 0.06)
    assert not found.complete
    assert 0 < found.count < 60_000


def test_no_list_and_a_hidden_one_are_refused_alike(server: Exchange, session: Session) -> None:
    hidden = server.new_list(members=["a@example.test"], hidden=True)
    for address in (hidden.address, "nobody@example.test"):
        with pytest.raises(CommandRefused, match="nameresolutionnoresults"):
            expand(session, address, soon())


def test_a_dynamic_list_comes_out_empty(server: Exchange, session: Session) -> None:
    made = server.new_list(members=["a@example.test"], dynamic=True)
    found = expand(session, made.address, soon())
    assert (found.count, len(found.lists)) == (0, 0)


def test_a_busy_server_is_told_apart(server: Exchange, session: Session) -> None:
    server.faults.busy("ExpandDL")
    with pytest.raises(ServerBusy):
        expand(session, "x@example.test", soon())


@pytest.mark.parametrize("body", [b"<s:Envelope", b"<html><p>", b"", b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'])
def test_an_answer_that_is_no_answer_is_none(server: Exchange, session: Session, body: bytes) -> None:
    server.faults.http("ExpandDL", status=200, body=body)
    with pytest.raises((MailboxUnreachable, CommandRefused)):
        expand(session, "x@example.test", soon())


def test_a_server_that_says_nothing_is_left_when_time_is_up(server: Exchange, session: Session) -> None:
    server.faults.stall("ExpandDL")
    began = time.monotonic()
    with pytest.raises(MailboxUnreachable, match="timeout"):
        expand(session, "x@example.test", began + 0.3)
    assert time.monotonic() - began < 5


def test_nothing_is_asked_once_time_is_up(server: Exchange, session: Session) -> None:
    with pytest.raises(MailboxUnreachable, match="timeout"):
        expand(session, "x@example.test", time.monotonic())
    assert not server.calls
