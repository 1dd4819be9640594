"""The original is found by its Message-ID within a budget, on a real Dovecot."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sendguard.imap.originals import ImapOriginals
from sendguard.imap.sent import SentLookup
from sendguard.mail.message import Message
from tests.adapters.imap_rig import Desk
from tests.servers.dovecot import Dovecot, Person
from tests.servers.fault_proxy import Break, ClientSays
from tests.servers.fixtures import NewProxy
from tests.servers.processes import wait_until

REPLY = Message(in_reply_to="<original@x.test>")


@pytest.fixture
def desk(dovecot: Dovecot, me: Person) -> Iterator[Desk]:
    desk = Desk(dovecot, me)
    yield desk
    desk.close()


def put_original(desk: Desk, folder: str = "INBOX", message_id: str = "<original@x.test>") -> None:
    desk.program.put(desk.mail(sender="boss@x.test", message_id=message_id, more="List-Id: <all.x.test>\r\n"), folder)


@pytest.mark.parametrize("folder", ["INBOX", "Archive", "Sent", "Projects/2016"])
def test_the_original_is_found_in_any_folder(desk: Desk, folder: str) -> None:
    if folder in {"Archive", "Projects/2016"}:
        desk.program.client.create_folder(folder)
    put_original(desk, folder)
    found = desk.originals.find("work", REPLY)
    assert found is not None
    assert found.originators[0].address == "boss@x.test"
    assert found.list_signs.list_id == "all.x.test"


def test_an_original_of_years_ago_is_found_after_the_recent_ones(desk: Desk) -> None:
    desk.program.client.append("INBOX", desk.mail(message_id="<original@x.test>"), [], datetime(2019, 1, 1, tzinfo=UTC))
    assert desk.originals.find("work", REPLY) is not None


def test_a_field_that_only_mentions_the_id_is_not_it(desk: Desk) -> None:
    desk.program.put(desk.mail(message_id="<other@x.test> (not <original@x.test>)"), "INBOX")
    put_original(desk, message_id="<not-original@x.test>")
    assert desk.originals.find("work", REPLY) is None


@pytest.mark.parametrize(
    "message_id", ['<a"b\\c@x>', "<a(b)c{3}@x>", "<%*]@x>", "<\x00@x>", "<ü@x>", "<" + "a" * 900 + ">", "<\udcff@x>"]
)
def test_no_id_breaks_the_search(desk: Desk, message_id: str) -> None:
    assert desk.originals.find("work", Message(in_reply_to=message_id)) is None
    put_original(desk)
    assert desk.originals.find("work", REPLY) is not None


@pytest.mark.parametrize("message_id", ['<a"b\\c@x>', "<a(b)c{3}@x>", "<%*]@x>"])
def test_an_id_of_strange_characters_is_found(desk: Desk, message_id: str) -> None:
    put_original(desk, message_id=message_id)
    assert desk.originals.find("work", Message(in_reply_to=message_id)) is not None


def test_what_was_found_is_found_without_the_server(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot()
    desk = Desk(server, server.new_person())
    put_original(desk)
    first = desk.originals.find("work", REPLY)
    server.stop()
    assert desk.originals.find("work", REPLY) is first is not None
    desk.close()


def test_a_connection_the_server_has_ended_is_replaced(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot()
    desk = Desk(server, server.new_person())
    put_original(desk, message_id="<first@x.test>")
    put_original(desk)
    assert desk.originals.find("work", Message(in_reply_to="<first@x.test>")) is not None
    server.stop()
    server.start()
    assert desk.originals.find("work", REPLY) is not None
    desk.close()


def test_a_server_that_does_not_answer_costs_the_budget_and_no_more(desk: Desk, new_fault_proxy: NewProxy) -> None:
    proxy = new_fault_proxy(desk.server.port)
    proxy.inject(ClientSays(b"SEARCH"), Break.STALL)
    assert desk.account.imap is not None
    account = replace(desk.account, imap=replace(desk.account.imap, port=proxy.port))
    originals = ImapOriginals([account], desk.passwords, budget=0.5)
    begun = time.monotonic()
    assert originals.find("work", REPLY) is None
    assert time.monotonic() - begun < 2
    originals.close()


def test_nothing_is_found_for_a_stranger_or_a_message_that_answers_none(desk: Desk) -> None:
    assert desk.originals.find("nobody", REPLY) is None
    assert desk.originals.find("work", Message()) is None
    desk.passwords.known = None
    assert ImapOriginals([desk.account], desk.passwords).find("work", REPLY) is None


def test_many_may_ask_at_once(desk: Desk) -> None:
    put_original(desk)
    found: list[Message | None] = []
    threads = [threading.Thread(target=lambda: found.append(desk.originals.find("work", REPLY))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(found)


def test_after_closing_nothing_is_found_and_nothing_raised(desk: Desk) -> None:
    put_original(desk)
    desk.originals.find("work", Message(in_reply_to="<none@x.test>"))
    desk.originals.close()
    assert desk.originals.find("work", REPLY) is None
    wait_until(lambda: not any("originals" in each.name for each in threading.enumerate()), "end of the worker")


def test_sent_is_looked_into(desk: Desk) -> None:
    lookup = SentLookup([desk.account], desk.passwords)
    assert lookup.find("work", "<original@x.test>") is False
    put_original(desk, "Sent")
    assert lookup.find("work", "<original@x.test>") is True
    assert lookup.find("work", "") is None
    assert lookup.find("nobody", "<original@x.test>") is None
    desk.passwords.known = "wrong"
    assert lookup.find("work", "<original@x.test>") is None
