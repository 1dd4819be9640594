"""kill -9 and cut connections at every step of the guarded outbox over Exchange: never lost, never twice by itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.ledger import Record, State
from sendguard.guard.ports import Answer
from sendguard.storage.files import save_accounts, save_settings
from sendguard.storage.places import Places
from tests.adapters.ews_rig import ExchangeDesk, ExchangeProgram
from tests.adapters.imap_rig import OUTBOX, mail
from tests.reliability.outbox_process import (
    BEFORE_ANYTHING_LEFT,
    DONT_SEND,
    NARROW,
    ORIGINAL,
    SEND,
    OutboxProcess,
    rows_in,
)
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person
from tests.servers.processes import wait_until

BIG = "big@lists.test"


class Outbox(OutboxProcess):
    """A person on an Exchange whose guarded outbox runs in a process of its own, and their mail program."""

    def __init__(self, server: Exchange, folder: Path) -> None:
        super().__init__(folder, folder / "log")
        self.server = server
        self.me, self.colleague = server.new_person("me"), server.new_person("colleague")
        self.program = ExchangeProgram(server, self.me)
        exchange = ExchangeServer(server.url, Login.BASIC, self.me.address)
        places = Places.under(folder).make()
        save_accounts(places.accounts, (Account("work", (self.me.address,), exchange=exchange, watch_drafts=False),))
        save_settings(places.settings, {"ProtectedLists": [f"{self.colleague.address} | ask"]})
        (folder / "password").write_text(self.me.password)
        server.deliver(self.me, mail(sender=self.colleague.address, to=self.me.address, message_id=ORIGINAL))
        self.program.folder(OUTBOX)

    def put(self, cc: str = "") -> None:
        self.program.put(
            mail(
                sender=self.me.address,
                to=self.colleague.address,
                cc=cc,
                subject="Re: Lunch",
                message_id="<reply@x.test>",
                in_reply_to=ORIGINAL,
            )
        )

    def holds(self, folder: str, person: Person | None = None) -> int:
        return len(self.server.messages(person or self.me, folder))

    def wait_for_states(self, *states: State) -> tuple[Record, ...]:
        wait_until(lambda: [row.state for row in self.rows()] == list(states), f"rows in {states}", 20)
        return self.rows()

    def rows(self) -> tuple[Record, ...]:
        return rows_in(self.folder)


@pytest.fixture
def outbox(new_exchange: Callable[..., Exchange], tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(new_exchange(), tmp_path)
    yield outbox
    outbox.stop()
    outbox.program.close()


@pytest.mark.parametrize(
    ("when", "step"),
    [*BEFORE_ANYTHING_LEFT, ("before", "EwsOutboxFolder.send"), ("before", "sending")],
)
def test_killed_before_exchange_was_told_it_is_asked_about_again_and_sent_once(
    outbox: Outbox, when: str, step: str
) -> None:
    outbox.put()
    outbox.start(SEND, when, step)
    outbox.dies()
    assert outbox.holds(OUTBOX) == 1
    outbox.start(SEND)
    outbox.wait_until_empty()
    assert outbox.holds("inbox", outbox.colleague) == 1
    assert outbox.holds("sentitems") == 1


def test_killed_before_exchange_heard_what_was_committed_it_is_asked_about(outbox: Outbox) -> None:
    outbox.put()
    outbox.start(SEND, "after", "sending")
    outbox.dies()
    outbox.start(DONT_SEND)
    outbox.wait_until_empty()
    assert outbox.holds("drafts") == 1
    assert outbox.holds("inbox", outbox.colleague) == 0
    rows = outbox.wait_for_states(State.UNKNOWN, State.REFUSED)
    assert "possibly_sent" in rows[1].reasons


@pytest.mark.parametrize(
    ("when", "step"),
    [
        ("after", "EwsOutboxFolder.send"),
        ("before", "sent"),
        ("after", "sent"),
        ("before", "EwsOutboxFolder.file"),
        ("after", "EwsOutboxFolder.file"),
    ],
)
def test_killed_after_exchange_took_it_it_is_found_in_sent_and_not_sent_again(
    outbox: Outbox, when: str, step: str
) -> None:
    outbox.put()
    outbox.start(SEND, when, step)
    outbox.dies()
    assert outbox.holds("inbox", outbox.colleague) == 1
    outbox.start(DONT_SEND)
    outbox.wait_for_states(State.SENT)
    assert outbox.holds("inbox", outbox.colleague) == 1
    assert outbox.holds("sentitems") == 1
    assert outbox.holds("drafts") == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_exchange_gives_it_back_it_is_in_one_place(outbox: Outbox, when: str) -> None:
    outbox.put()
    outbox.start(DONT_SEND, when, "EwsOutboxFolder.back_to_drafts")
    outbox.dies()
    outbox.start(DONT_SEND)
    outbox.wait_until_empty()
    assert outbox.holds("drafts") == 1
    assert outbox.holds("inbox", outbox.colleague) == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_a_reply_on_exchange_is_narrowed_the_sender_gets_it_once(outbox: Outbox, when: str) -> None:
    others = ", ".join(f"p{number}@example.test" for number in range(3))
    outbox.put(cc=f"{outbox.me.address}, {others}")
    outbox.start(NARROW, when, "EwsOutboxFolder.narrow")
    outbox.dies()
    outbox.start(NARROW)
    outbox.wait_until_empty()
    [submitted] = outbox.server.submitted
    assert submitted.recipients == (outbox.colleague.address,)


def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("watching.PAUSES", (0.05,)),
        ("held.PAUSES", (0.1,)),
        ("sending.FILED_BY_SERVER_AFTER", 0.1),
        ("sending.LOOK_AGAIN_AFTER", 0.2),
        ("outbox.LOOK_EVERY", 0.3),
    ):
        monkeypatch.setattr(f"sendguard.mailbox.{name}", value)


CALLS = ("GetFolder", "FindFolder", "FindItem", "GetItem", "SendItem", "SyncFolderItems", "Subscribe")


@pytest.mark.parametrize("operation", [*CALLS, "GetStreamingEvents"])
def test_an_exchange_that_cuts_any_call_neither_loses_nor_repeats(
    new_exchange: Callable[..., Exchange], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    quickly(monkeypatch)
    server = new_exchange()
    desk = ExchangeDesk(server, server.new_person())
    desk.program.put(desk.mail(to="a@x.test"))
    for cut in (1, 2):
        server.faults.cut_before(operation, times=cut)
    with desk.outbox(), desk.watch():
        if operation == "SendItem":  # nobody can know whether it was heard: a person has to say
            wait_until(lambda: desk.guard.ledger.in_states(State.UNKNOWN), "doubt")  # type: ignore[attr-defined]
            assert not server.submitted
        else:
            wait_until(lambda: server.submitted, "sending")
            wait_until(lambda: not desk.waiting(), "end")
    desk.close()
    assert len(server.submitted) == (operation != "SendItem")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("operation", "answer"),
    [("MoveItem", Answer.DONT_SEND), ("UpdateItem", Answer.REPLY_TO_SENDER), ("CreateFolder", Answer.SEND)],
)
def test_an_exchange_that_cuts_what_changes_something_before_or_after_it_did_neither_loses_nor_repeats(
    new_exchange: Callable[..., Exchange],
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    answer: Answer,
    after: bool,
) -> None:
    quickly(monkeypatch)
    server = new_exchange()
    colleague = server.new_person("colleague")
    desk = ExchangeDesk(server, server.new_person())
    server.deliver(desk.person, desk.mail(sender=colleague.address, to=BIG, message_id=ORIGINAL))
    if after:
        server.faults.ambiguous(operation, how="reset")
    else:
        server.faults.cut_before(operation, times=2)
    with desk.outbox():
        desk.program.put(desk.mail(to=colleague.address, cc=BIG, message_id="<reply@x.test>", in_reply_to=ORIGINAL))
        question = desk.guard.asker.question()
        desk.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)
        wait_until(lambda: not desk.waiting(), "end")
    desk.close()
    sent_to = {Answer.DONT_SEND: [], Answer.REPLY_TO_SENDER: [1], Answer.SEND: [2]}[answer]
    assert [len(each.recipients) for each in server.submitted] == sent_to
    assert len(server.messages(desk.person, "drafts")) == (answer is Answer.DONT_SEND)
    assert len(server.messages(desk.person, "sentitems")) == (answer is not Answer.DONT_SEND)
    assert len([each for each in server.mailbox(desk.person).folders.values() if each.name == OUTBOX]) == 1


def test_a_thousand_streams_later_threads_and_memory_are_as_before(
    new_exchange: Callable[..., Exchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The soak: streams dropped a thousand times, in the middle of a chunk or by the server's own word."""
    monkeypatch.setattr("sendguard.mailbox.watching.PAUSES", (0.0,))
    server = new_exchange()
    desk = ExchangeDesk(server, server.new_person())
    ends = (server.notifications.drop_streams, server.notifications.end_streams)
    with desk.watch():
        before: tuple[int, int, float] | None = None
        for number in range(1000):
            wait_until(lambda: desk.notifications.streams > number, "stream")  # noqa: B023
            ends[number % 2]()
            if number == 400:  # by then the allocator has what it needs
                before = _resources()
        after = _resources()
    desk.close()
    assert before is not None
    assert after[0] <= before[0] + 1
    assert after[1] <= before[1] + 3
    assert after[2] <= before[2] + 5, (before, after)


def _resources() -> tuple[int, int, float]:
    """Threads, descriptors, and megabytes in memory of this process, which is the server as well."""
    import gc
    import os
    import threading

    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return threading.active_count(), len(os.listdir("/proc/self/fd")), resident
