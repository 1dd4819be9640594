"""The guarded outbox between a real Dovecot and a real Postfix, with every connection cut at every stage."""

import email
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendguard.guard.account import Security, Server
from sendguard.guard.ledger import State
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.smtp.submitter import SmtpSubmitter
from tests.adapters.imap_rig import OUTBOX, Desk
from tests.fakes import Guard
from tests.servers.dovecot import Dovecot, Person
from tests.servers.fault_proxy import Break, ClientSays, Stage
from tests.servers.fixtures import NewProxy
from tests.servers.postfix import Postfix
from tests.servers.processes import wait_until

needs_postfix = pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="Postfix needs root to start")
BIG = "big@lists.test"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.mailbox.sending.FILED_BY_SERVER_AFTER", 0.1)
    monkeypatch.setattr("sendguard.mailbox.sending.LOOK_AGAIN_AFTER", 0.2)
    monkeypatch.setattr("sendguard.mailbox.held.PAUSES", (0.1,))
    monkeypatch.setattr("sendguard.mailbox.outbox.LOOK_EVERY", 0.3)
    monkeypatch.setattr("sendguard.mailbox.watching.PAUSES", (0.1,))


@pytest.fixture
def desk(dovecot: Dovecot, me: Person) -> Iterator[Desk]:
    desk = Desk(dovecot, me)
    yield desk
    desk.close()


def submitter(desk: Desk, port: int) -> SmtpSubmitter:
    smtp = Server("127.0.0.1", port, Security.PLAIN, desk.person.address)
    desk.account = replace(desk.account, smtp=smtp)
    return SmtpSubmitter(desk.account, desk.passwords)


def is_empty(desk: Desk) -> None:
    wait_until(lambda: not desk.program.messages(OUTBOX), "empty outbox", 30)


@needs_postfix
def test_a_message_arrives_without_its_blind_recipients(desk: Desk, postfix: Postfix, colleague: Person) -> None:
    with desk.outbox(submitter(desk, postfix.port)):
        desk.program.put(desk.mail(to="else@elsewhere.test", bcc=colleague.address, body="grüße\r\n.dot\r\n"))
        is_empty(desk)
    [arrived] = desk.server.wait_for_messages(colleague, 1)
    message = message_from_bytes(arrived, policy=compat32)
    assert message["Bcc"] is None
    assert message["To"] == "else@elsewhere.test"
    assert "grüße".encode() in arrived
    assert [row.state for row in desk.guard.ledger.history()] == [State.SENT]


@needs_postfix
@pytest.mark.parametrize("how", [Break.CLOSE, Break.RESET])
@pytest.mark.parametrize("stage", [each for each in Stage if each not in {Stage.MIDDLE_OF_DATA, Stage.FINAL_DOT}])
def test_an_upstream_cut_before_the_final_dot_is_tried_again_and_sends_once(
    desk: Desk, postfix: Postfix, colleague: Person, new_fault_proxy: NewProxy, stage: Stage, how: Break
) -> None:
    proxy = new_fault_proxy(postfix.port)
    proxy.inject(stage, how)
    with desk.outbox(submitter(desk, proxy.port)):
        desk.program.put(desk.mail(to=colleague.address, body="x" * 70 + "\r\n"))
        is_empty(desk)
    assert proxy.struck == 1
    assert len(desk.server.wait_for_messages(colleague, 1)) == 1
    assert len(desk.program.messages("Sent")) == 1


@needs_postfix
def test_an_upstream_that_ends_in_the_middle_of_the_text_may_have_got_all_of_it(
    desk: Desk, postfix: Postfix, colleague: Person, new_fault_proxy: NewProxy
) -> None:
    proxy = new_fault_proxy(postfix.port)
    proxy.inject(Stage.MIDDLE_OF_DATA, Break.RESET)
    with desk.outbox(submitter(desk, proxy.port)):
        desk.program.put(desk.mail(to=colleague.address, body="x" * 70 + "\r\n"))
        record = desk.wait_for(ActivityKind.UNKNOWN)[0].record
        assert record is not None
        desk.guard.gatekeeper.settle(record.id, was_sent=False, detail="person")
        is_empty(desk)
    assert len(desk.server.wait_for_messages(colleague, 1)) == 1


@needs_postfix
@pytest.mark.parametrize("how", [Break.CLOSE, Break.RESET, Break.GARBAGE])
def test_an_upstream_cut_after_the_final_dot_leaves_it_unknown_and_it_is_not_sent_twice(
    desk: Desk, postfix: Postfix, colleague: Person, new_fault_proxy: NewProxy, how: Break
) -> None:
    proxy = new_fault_proxy(postfix.port)
    proxy.inject(Stage.FINAL_DOT, how)
    with desk.outbox(submitter(desk, proxy.port)):
        desk.program.put(desk.mail(to=colleague.address))
        desk.wait_for(ActivityKind.UNKNOWN)
        desk.program.put(desk.mail(to=colleague.address, message_id="<two@x.test>", subject="Second"))
        desk.server.wait_for_messages(colleague, 2)
        wait_until(lambda: len(desk.program.messages(OUTBOX)) == 1, "the lost one alone")
        record = desk.activities(ActivityKind.UNKNOWN)[0].record
        assert record is not None
        desk.guard.gatekeeper.settle(record.id, was_sent=True, detail="person")
        is_empty(desk)
    assert len(desk.server.messages(colleague)) == 2
    assert len(desk.program.messages("Sent")) == 2


IMAP_COMMANDS = ("SELECT", "UID SEARCH", "UID FETCH", "APPEND", "UID STORE", "UID EXPUNGE", "LOGOUT", "LOGIN", "LIST")


@pytest.mark.parametrize("command", IMAP_COMMANDS)
@pytest.mark.parametrize("at_once", [True, False], ids=["unheard", "done"])
def test_a_mailbox_cut_at_any_command_neither_loses_nor_repeats(
    desk: Desk, new_fault_proxy: NewProxy, command: str, at_once: bool
) -> None:
    proxy = new_fault_proxy(desk.server.port)
    assert desk.account.imap is not None
    desk.account = replace(desk.account, imap=replace(desk.account.imap, port=proxy.port))
    with desk.outbox():
        proxy.inject(ClientSays(rb"(?m)^\w+ " + command.encode() + rb"\b[^\n]*\n", at_once), Break.RESET, times=2)
        desk.program.put(desk.mail())
        is_empty(desk)
        wait_until(lambda: proxy.struck or command == "LOGOUT", "cut")
        proxy.heal()
        # Something after it goes its way, too
        desk.program.put(desk.mail(message_id="<two@x.test>"))
        is_empty(desk)
    assert len(desk.submitter.taken) == 2
    assert len(desk.program.messages("Sent")) == 2


def test_a_held_message_outlives_its_server(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot()
    desk = Desk(server, server.new_person())
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        question = desk.guard.asker.question()
        server.kill()
        desk.guard.gatekeeper.answer(question.id, Answer.SEND, "850112")
        server.start()
        desk.reconnect()
        is_empty(desk)
    assert len(desk.submitter.taken) == 1
    desk.close()


def test_two_programs_that_edit_the_same_held_message_leave_one_text_to_be_asked_about(desk: Desk) -> None:
    with desk.outbox():
        first = desk.program.put(desk.mail(to=BIG, body="0\r\n"))
        desk.guard.asker.question()
        for edit in range(1, 6):
            other = Desk(desk.server, desk.person)
            raw = desk.mail(to=BIG, body=f"{edit}\r\n", message_id=f"<e{edit}@x.test>")
            first = other.program.save_draft(raw, first, OUTBOX)
            other.close()
        wait_until(
            lambda: [q.judgement.submission.raw[-3:] for q in desk.guard.gatekeeper.waiting()] == [b"5\r\n"],
            "question about the last text",
        )
        desk.guard.gatekeeper.answer(desk.guard.asker.question().id, Answer.SEND, "850112")
        is_empty(desk)
    assert [raw[-3:] for raw, _, _ in desk.submitter.taken] == [b"5\r\n"]


def waiting(desk: Desk) -> set[bytes]:
    return {raw for raw, _ in desk.program.messages(OUTBOX).values()}


def unasked(desk: Desk) -> int:
    """How many messages stay where they are, since nobody can be asked about them."""
    return len({row.binding for row in desk.guard.ledger.in_states(State.CANCELLED)})


def survives(desk: Desk, hostile: list[bytes]) -> None:
    """Put hostile messages there; each must come to an end, and the worker must live."""
    with desk.outbox():
        for raw in hostile:
            desk.program.put(raw)
        desk.program.put(desk.mail(subject="after all that", message_id="<after@x.test>"))
        wait_until(lambda: any(b"after all that" in raw for raw, _, _ in desk.submitter.taken), "the worker alive", 40)
        wait_until(lambda: len(waiting(desk)) <= unasked(desk), "the end of all others", 20)
    assert "outbox_broken" not in desk.troubles()
    assert not desk.guard.ledger.in_states(State.SENDING, State.UNKNOWN)


HOSTILE = [
    b"To: " + b"," * 20_000 + b"\r\n\r\nx",
    b"To: " + b"(" * 5_000 + b"\r\n\r\nx",
    b"To: g:g:g:g:\r\n\r\nx",
    b"To: a@x.test\r\nContent-Type: text/plain; name*\r\n\r\nx",
    b"To: (c):\r\n\r\nx",
    b"To: a@x.test;b@y.test\r\n\r\nx",
    b"To: =?utf-8?b?" + b"A" * 5_000 + b"?= <a@x.test>\r\n\r\nx",
    b"To: a@x.test\r\nSubject: " + b"=?utf-8?q?=0a?=" * 200 + b"\r\n\r\nx",
    b"To: a@x.test\r\nIn-Reply-To: <" + b"a" * 900 + b">\r\n\r\nx",
    b"To: a@x.test\rBcc: hidden@x.test\r\n\r\nx",
    b"To: \xff\xfe@\xe4.test\r\n\r\n\xff",
    b"To: a@x.test\r\nX: " + b"y" * 300_000 + b"\r\n\r\nx",
    b"\r\nno header at all",
]


def test_hostile_mail_always_comes_to_an_end(dovecot: Dovecot, me: Person) -> None:
    desk = Desk(dovecot, me, Guard(can_ask=False))
    survives(desk, [f"From: {me.address}\r\n".encode() + raw for raw in HOSTILE] + HOSTILE)
    desk.close()


def corpus() -> list[Path]:
    """CPython's own messages, where its tests are installed."""
    library = Path(email.__file__).parent.parent
    return sorted((library / "test" / "test_email" / "data").glob("msg_*.txt"))


@pytest.mark.skipif(not corpus(), reason="Python was installed without its tests")
def test_the_messages_cpython_tests_its_parser_with_come_to_an_end(dovecot: Dovecot, me: Person) -> None:
    desk = Desk(dovecot, me, Guard(can_ask=False))
    survives(desk, [f"From: {me.address}\r\n".encode() + path.read_bytes() for path in corpus()])
    desk.close()


words = st.sampled_from([b"To", b"Cc", b"Bcc", b"From", b"In-Reply-To", b"References", b"Content-Type", b"X"])
values = st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b""))
lines = st.tuples(words, st.sampled_from([b": ", b":", b" : "]), values, st.sampled_from([b"\r\n", b"\n", b"\r"]))
headers = st.lists(lines.map(b"".join), max_size=6).map(b"".join)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile=st.lists(st.tuples(headers, st.just(b"\r\n"), values).map(b"".join), min_size=20, max_size=20))
def test_whatever_the_bytes_the_worker_lives(dovecot: Dovecot, hostile: list[bytes]) -> None:
    me = dovecot.new_person()
    desk = Desk(dovecot, me, Guard(can_ask=False))
    survives(desk, [f"From: {me.address}\r\n".encode() + raw for raw in hostile])
    desk.close()


@pytest.mark.parametrize("command", ["SELECT", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_a_watch_cut_at_its_first_look_still_judges_what_was_there(
    desk: Desk, new_fault_proxy: NewProxy, command: str
) -> None:
    desk.program.save_draft(desk.mail(to=BIG))
    proxy = new_fault_proxy(desk.server.port)
    assert desk.account.imap is not None
    desk.account = replace(desk.account, imap=replace(desk.account.imap, port=proxy.port))
    proxy.inject(ClientSays(rb"(?m)^\w+ " + command.encode() + rb"\b[^\n]*\n"), Break.RESET, times=1)
    with desk.watch():
        desk.wait_for(ActivityKind.WARNED)
