"""kill -9 at every step of the guarded outbox: never lost, never twice by itself, and never left half filed."""

from collections.abc import Iterator

import pytest

from sendguard.guard.ledger import State
from tests.adapters.imap_rig import OUTBOX, MailProgram, mail
from tests.reliability.conftest import Desk
from tests.reliability.outbox_process import (
    BEFORE_ANYTHING_LEFT,
    DONT_SEND,
    NARROW,
    ORIGINAL,
    SEND,
    OutboxProcess,
)


class Outbox(OutboxProcess):
    """A person whose guarded outbox runs in a process of its own, and their mail program."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.folder, desk.log)
        self.desk = desk
        self.program = MailProgram(desk.dovecot, desk.me)
        original = mail(sender=desk.colleague.address, to=desk.me.address, message_id=ORIGINAL)
        self.program.put(original, "INBOX")
        self.program.client.create_folder(OUTBOX)

    def put(self, cc: str = "") -> bytes:
        raw = mail(
            sender=self.desk.me.address,
            to=self.desk.colleague.address,
            cc=cc,
            subject="Re: Lunch",
            in_reply_to=ORIGINAL,
        )
        self.program.put(raw, OUTBOX, (b"\\Draft",))
        return raw

    def holds(self, folder: str) -> int:
        return len(self.program.messages(folder))

    def is_answered(self) -> bool:
        [(_, flags)] = self.program.messages("INBOX").values()
        return b"\\Answered" in flags


@pytest.fixture
def outbox(desk: Desk) -> Iterator[Outbox]:
    outbox = Outbox(desk)
    yield outbox
    outbox.stop()
    outbox.program.close()


@pytest.mark.parametrize(
    ("when", "step"),
    [*BEFORE_ANYTHING_LEFT, ("before", "SmtpSubmitter.submit"), ("before", "sending")],
)
def test_killed_before_anything_left_it_is_asked_about_again_and_sent_once(
    outbox: Outbox, when: str, step: str
) -> None:
    outbox.put()
    outbox.start(SEND, when, step)
    outbox.dies()
    assert outbox.holds(OUTBOX) == 1
    outbox.start(SEND)
    outbox.wait_until_empty()
    assert outbox.desk.arrived(1) == 1
    assert outbox.holds("Sent") == 1
    assert outbox.is_answered()


@pytest.mark.parametrize(
    ("when", "step", "copies"),
    [("after", "sending", 0), ("after", "SmtpSubmitter.submit", 1), ("before", "sent", 1)],
)
def test_killed_while_it_may_have_left_it_is_asked_about_and_not_sent_again(
    outbox: Outbox, when: str, step: str, copies: int
) -> None:
    raw = outbox.put()
    outbox.start(SEND, when, step)
    outbox.dies()
    assert outbox.holds(OUTBOX) == 1
    outbox.start(DONT_SEND)
    outbox.wait_until_empty()
    assert [kept for kept, _ in outbox.program.messages("Drafts").values()] == [raw]
    assert outbox.desk.arrived(copies) == copies
    assert [row.state for row in outbox.desk.rows()] == [State.UNKNOWN, State.REFUSED]
    assert "possibly_sent" in outbox.desk.rows()[1].reasons


@pytest.mark.parametrize(
    ("when", "step"),
    [
        ("after", "sent"),
        ("before", "OutboxFolder.file_in_sent"),
        ("after", "OutboxFolder.file_in_sent"),
        ("after", "OutboxFolder.mark_answered"),
        ("before", "OutboxFolder.remove"),
        ("after", "OutboxFolder.remove"),
    ],
)
def test_killed_after_it_was_sent_it_is_only_filed(outbox: Outbox, when: str, step: str) -> None:
    outbox.put()
    outbox.start(SEND, when, step)
    outbox.dies()
    outbox.start(DONT_SEND)
    outbox.wait_until_empty()
    assert outbox.desk.arrived(1) == 1
    assert outbox.holds("Sent") == 1
    assert outbox.holds("Drafts") == 0
    assert outbox.is_answered()
    assert [row.state for row in outbox.desk.rows()] == [State.SENT]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_is_given_back_it_is_in_one_place(outbox: Outbox, when: str) -> None:
    outbox.put()
    outbox.start(DONT_SEND, when, "OutboxFolder.back_to_drafts")
    outbox.dies()
    outbox.start(DONT_SEND)
    outbox.wait_until_empty()
    assert outbox.holds("Drafts") == 1
    assert outbox.desk.arrived(0) == 0


@pytest.mark.parametrize(
    ("when", "step"), [("before", "OutboxFolder.put"), ("after", "OutboxFolder.put"), ("before", "OutboxFolder.remove")]
)
def test_killed_while_a_reply_is_narrowed_the_sender_gets_it_once(outbox: Outbox, when: str, step: str) -> None:
    others = ", ".join(f"p{number}@example.test" for number in range(3))
    outbox.put(cc=f"{outbox.desk.me.address}, {others}")
    outbox.start(NARROW, when, step)
    outbox.dies()
    outbox.start(NARROW)
    outbox.wait_until_empty()
    assert outbox.desk.arrived(1) == 1
    [(filed, _)] = outbox.program.messages("Sent").values()
    assert b"Cc:" not in filed
