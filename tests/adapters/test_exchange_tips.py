"""MailTips and ResolveNames: what the server says of an address, and what it does not say."""

import time
from collections.abc import Callable, Iterator

import pytest

from sendguard.exchange.mailtips import MailTipsOff, Tips, mail_tips
from sendguard.exchange.names import Named, named
from sendguard.exchange.session import Mailboxes, Session
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.mailbox.errors import MailboxUnreachable, ServerBusy
from tests.adapters.imap_rig import Passwords
from tests.servers.exchange import Exchange, Person

TIPS = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"'
    ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body><GetMailTipsResponse>'
    "<ResponseCode>NoError</ResponseCode><ResponseMessages>%s</ResponseMessages></GetMailTipsResponse></s:Body>"
    "</s:Envelope>"
)
TIP = (
    '<MailTipsResponseMessageType ResponseClass="Success"><ResponseCode>NoError</ResponseCode><MailTips>'
    "<t:RecipientAddress><t:EmailAddress>%s</t:EmailAddress></t:RecipientAddress><t:PendingMailTips/>"
    "<t:TotalMemberCount>%s</t:TotalMemberCount></MailTips></MailTipsResponseMessageType>"
)


@pytest.fixture
def server(new_exchange: Callable[..., Exchange]) -> Exchange:
    return new_exchange()


@pytest.fixture
def me(server: Exchange) -> Person:
    return server.new_person()


@pytest.fixture
def session(server: Exchange, me: Person) -> Iterator[Session]:
    account = Account("work", (me.address,), exchange=ExchangeServer(server.url, Login.BASIC, me.address))
    with Mailboxes(account, Passwords(me.password)).open() as session:
        yield session


@pytest.fixture
def tips(session: Session, me: Person) -> Callable[..., dict[str, Tips]]:
    return lambda *addresses, seconds=20: mail_tips(session, me.address, addresses, time.monotonic() + seconds)


Ask = Callable[..., dict[str, Tips]]


def test_a_list_has_its_count_and_its_outsiders(server: Exchange, tips: Ask) -> None:
    made = server.new_list(total=412, external=7)
    assert tips(made.address) == {made.address: Tips(412, 7)}


def test_a_mailbox_has_no_count_and_nobody_is_invalid(tips: Ask, me: Person) -> None:
    found = tips(me.address, "nobody@example.test", "someone@elsewhere.test")
    assert found[me.address] == Tips()
    assert found["nobody@example.test"].invalid
    assert found["someone@elsewhere.test"] == Tips()


def test_pending_and_missing_counts_are_none(server: Exchange, tips: Ask) -> None:
    pending, missing = server.new_list(total=9, tips="pending"), server.new_list(total=9, tips="missing")
    assert tips(pending.address, missing.address) == {pending.address: Tips(pending=True), missing.address: Tips()}


def test_more_recipients_than_a_request_takes_are_asked_for_in_several(server: Exchange, tips: Ask) -> None:
    lists = [server.new_list(total=number).address for number in range(120)]
    assert [each.people for each in tips(*lists).values()] == list(range(120))
    assert server.count_of("GetMailTips") == 3


def test_one_recipient_with_an_error_costs_no_other_its_answer(server: Exchange, tips: Ask) -> None:
    good, bad = server.new_list(total=5), server.new_list(total=5, error="ErrorInvalidRecipients")
    gone = server.new_list(error="ErrorMailRecipientNotFound")
    found = tips(bad.address, good.address, gone.address)
    assert found == {good.address: Tips(5, 0), gone.address: Tips(invalid=True)}


@pytest.mark.parametrize("code", ["ErrorInvalidRecipients", "ErrorInternalServerError", "ErrorNobodyHasHeardOf"])
def test_a_request_refused_as_a_whole_is_asked_again_in_halves(server: Exchange, tips: Ask, code: str) -> None:
    lists = [server.new_list(total=5).address for _ in range(8)]
    server.faults.fault("GetMailTips", code, times=4)  # the whole, its half, a quarter, and one list
    assert set(tips(*lists)) == set(lists[1:])


def test_a_server_that_refuses_everything_is_left_alone_after_a_while(server: Exchange, tips: Ask) -> None:
    server.faults.error("GetMailTips", "ErrorAccessDenied", times=None)
    assert tips(*(f"a{number}@example.test" for number in range(50))) == {}
    assert server.count_of("GetMailTips") < 30


def test_mail_tips_that_are_off_are_told_apart(server: Exchange, tips: Ask) -> None:
    server.faults.error("GetMailTips", "ErrorMailTipsDisabled")
    with pytest.raises(MailTipsOff):
        tips("a@example.test")


def test_a_busy_server_says_for_how_long(server: Exchange, tips: Ask) -> None:
    server.faults.busy("GetMailTips", back_off_ms=2500)
    with pytest.raises(ServerBusy) as busy:
        tips("a@example.test")
    assert busy.value.seconds == 2.5


def test_a_connection_that_ends_is_no_answer(server: Exchange, tips: Ask) -> None:
    server.faults.cut_before("GetMailTips")
    with pytest.raises(MailboxUnreachable, match="connection"):
        tips("a@example.test")


def test_answers_in_another_order_and_too_few_of_them_go_to_whom_they_name(server: Exchange, tips: Ask) -> None:
    said = TIPS % (TIP % ("B@example.test", 7) + TIP % ("a@example.test", 3))
    server.faults.http("GetMailTips", status=200, body=said.encode())
    found = tips("a@example.test", "b@example.test", "c@example.test")
    assert {address: each.people for address, each in found.items()} == {"a@example.test": 3, "b@example.test": 7}


@pytest.mark.parametrize("count", ["-1", "", "many", "99999999999", "1e3", "²"])
def test_a_count_that_is_no_number_of_people_is_none(server: Exchange, tips: Ask, count: str) -> None:
    server.faults.http("GetMailTips", status=200, body=(TIPS % (TIP % ("a@example.test", count))).encode())
    assert tips("a@example.test") == {"a@example.test": Tips()}


def test_an_answer_without_end_is_cut(server: Exchange, tips: Ask) -> None:
    server.faults.http("GetMailTips", status=200, body=(TIPS % (TIP % ("a" * 100, 3) * 20_000)).encode())
    with pytest.raises(MailboxUnreachable, match="protocol"):
        tips("a@example.test")


def name_of(session: Session, address: str) -> tuple[Named, str]:
    return named(session, address, time.monotonic() + 20)


def test_people_lists_and_nobody_have_names(server: Exchange, session: Session, me: Person) -> None:
    made = server.new_list()
    hidden = server.new_list(hidden=True)
    assert name_of(session, me.address) == (Named.PERSON, me.address)
    assert name_of(session, made.address) == (Named.LIST, made.address)
    assert name_of(session, hidden.address)[0] is Named.NOBODY
    assert name_of(session, "someone@elsewhere.test")[0] is Named.NOBODY


def test_of_several_names_only_the_one_of_exactly_this_address_counts(server: Exchange, session: Session) -> None:
    for address in ("ann@example.test", "ann@example.test.example.test"):
        server.add_person(address)
    server.new_list("team@example.test.list")
    server.add_person("team@example.test.person")
    assert name_of(session, "ann@example.test") == (Named.PERSON, "ann@example.test")
    assert name_of(session, "team@example.test")[0] is Named.OTHER


def test_a_busy_directory_is_no_statement_about_a_name(server: Exchange, session: Session) -> None:
    server.faults.busy("ResolveNames")
    with pytest.raises(ServerBusy):
        name_of(session, "a@example.test")
