"""A real Thunderbird in front of the SMTP gate, without the add-on: what a person sees, and what leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sendguard.guard.ledger import State
from sendguard.guard.ports import Answer
from sendguard.guard.ticket import QuestionGone
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.mailbox.watching import WatchState
from tests.features.thunderbird_kit import Desk
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder, wait_until
from tests.servers.thunderbird import Thunderbird

FAILED = "Send Message Error: Sending of the message failed.\nAn error occurred while sending mail. "
HOLD = 5
"""Seconds: as short as the setting goes."""


@pytest.fixture
def desk(dovecot: Dovecot, postfix: Postfix, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk.make(dovecot, postfix, tmp_path, HoldSecondsThunderbird=HOLD)
    desk.program.start()
    yield desk
    desk.program.stop()


@pytest.fixture
def thunderbird(desk: Desk) -> Iterator[Thunderbird]:
    with server_folder("thunderbird") as folder, Thunderbird(folder) as running:
        running.add_mail(desk.through_the_gate)
        yield running


def states(desk: Desk) -> list[State]:
    return [record.state for record in desk.program.history()]


def test_a_message_to_a_colleague_passes_and_nobody_is_asked(thunderbird: Thunderbird, desk: Desk) -> None:
    thunderbird.write(desk.colleague.address)
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    [arrived] = desk.dovecot.wait_for_messages(desk.colleague, 1)
    assert b"User-Agent: Mozilla Thunderbird" in arrived
    assert not desk.asker.history


def test_a_refused_reply_says_why_and_stays_in_its_window_with_everything_in_it(
    thunderbird: Thunderbird, desk: Desk
) -> None:
    thunderbird.reply_all(desk.deliver())
    thunderbird.press_send()
    assert desk.asker.question(20).judgement.submission.kind is Kind.REPLY_ALL
    desk.answer(Answer.DONT_SEND)
    assert thunderbird.alert() == (
        f"{FAILED}The mail server responded:  "
        "SendGuard did not send this message: you chose so.\n"
        "Nobody has received it. It would have gone to: about 850,113 people.\n"
        "It is still open in your mail program. Change who gets it, or close it. "
        "Please check the message and try again."
    )
    composed = thunderbird.composed()
    assert desk.everybody.address in composed["to"]
    assert "Hello" in composed["body"]
    assert not composed["locked"]
    assert desk.has_arrived() == 0
    assert states(desk) == [State.REFUSED]


def test_a_refused_message_can_be_changed_and_sent_to_somebody_else(thunderbird: Thunderbird, desk: Desk) -> None:
    thunderbird.write(desk.everybody.address)
    thunderbird.press_send()
    desk.answer(Answer.DONT_SEND)
    thunderbird.alert()
    thunderbird.replace_recipients(desk.colleague.address)
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    desk.dovecot.wait_for_messages(desk.colleague, 1)
    assert desk.has_arrived() == 0
    assert len(desk.asker.history) == 1


def test_a_confirmed_reply_is_delivered_once_and_filed_in_sent(thunderbird: Thunderbird, desk: Desk) -> None:
    thunderbird.reply_all(desk.deliver())
    thunderbird.press_send()
    desk.answer(Answer.SEND)
    thunderbird.wait_until_sent()
    [arrived] = desk.arrived()
    assert b"In-Reply-To: <lunch@x.test>" in arrived
    desk.dovecot.wait_for_messages(desk.me, 1, "Sent")
    assert desk.has_arrived() == 1


def test_an_answer_after_the_hold_time_counts_for_the_second_send_which_passes_at_once(
    thunderbird: Thunderbird, desk: Desk
) -> None:
    thunderbird.write(desk.everybody.address)
    thunderbird.press_send()
    assert thunderbird.alert() == (
        f"{FAILED}The mail server responded:  "
        "SendGuard is still waiting for your answer.\n"
        "Nobody has received it. It would have gone to: about 850,112 people.\n"
        "Answer in SendGuard's window, then press Send again here. Please check the message and try again."
    )
    assert desk.has_arrived() == 0
    desk.answer(Answer.SEND)
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    assert len(desk.arrived()) == 1
    assert len({question.id for question in desk.asker.history}) == 1


def test_cancel_while_it_is_held_withdraws_the_question_and_nothing_leaves(
    thunderbird: Thunderbird, desk: Desk
) -> None:
    thunderbird.write(desk.everybody.address)
    thunderbird.press_send()
    question = desk.asker.question(20)
    thunderbird.press_cancel()
    wait_until(lambda: desk.asker.shown is None, "end of the question")
    thunderbird.wait_until_ready()
    with pytest.raises(QuestionGone):
        desk.program.gatekeeper.answer(question.id, Answer.SEND, question.judgement.verdict.to_type)
    assert thunderbird.composed()["to"] == desk.everybody.address
    wait_until(lambda: states(desk) == [State.CANCELLED], "row that says so")
    assert desk.has_arrived() == 0


def test_while_sendguard_does_not_run_nothing_leaves_and_the_window_is_kept(
    thunderbird: Thunderbird, desk: Desk
) -> None:
    accepted = desk.postfix.accepted()
    desk.program.stop()
    thunderbird.write(desk.colleague.address)
    thunderbird.press_send()
    said = thunderbird.alert()
    assert "connecting to Outgoing server (SMTP) 127.0.0.1 failed" in said
    assert thunderbird.composed()["to"] == desk.colleague.address
    assert desk.postfix.accepted() == accepted


def test_sendguard_stopped_while_it_asks_refuses_and_the_window_is_kept(thunderbird: Thunderbird, desk: Desk) -> None:
    thunderbird.write(desk.everybody.address)
    thunderbird.press_send()
    desk.asker.question(20)
    desk.program.stop()
    assert "SendGuard is being ended and did not send this message." in thunderbird.alert()
    assert thunderbird.composed()["to"] == desk.everybody.address
    assert desk.has_arrived() == 0


def test_three_windows_that_send_at_once_are_asked_about_one_by_one_and_each_gets_its_own_answer(
    thunderbird: Thunderbird, desk: Desk
) -> None:
    for subject in ("One", "Two", "Three"):
        thunderbird.write(desk.everybody.address, subject=subject)
    for subject in ("One", "Two", "Three"):
        thunderbird.press_send(subject)
    for _ in range(3):
        question = desk.asker.question(20)
        subject = question.judgement.submission.message.subject
        desk.answer(Answer.DONT_SEND if subject == "Two" else Answer.SEND)
        if subject == "Two":
            assert "you chose so" in thunderbird.alert(subject)
        else:
            thunderbird.wait_until_sent(subject)
    assert thunderbird.composed("Two")["to"] == desk.everybody.address
    arrived = desk.arrived(2)
    assert sorted(each.split(b"Subject: ")[1].split(b"\n")[0].strip() for each in arrived) == [b"One", b"Three"]
    assert len({question.id for question in desk.asker.history}) == 3


def test_a_composition_is_warned_of_once_over_ten_saves(thunderbird: Thunderbird, desk: Desk) -> None:
    [paths] = desk.program.paths()
    wait_until(lambda: paths.running[Hook.IMAP_DRAFTS].state == WatchState.WATCHING, "watch over the drafts")
    thunderbird.reply_all(desk.deliver())
    for number in range(10):
        thunderbird.type(body=f"{number} ")
        thunderbird.save_draft()
    wait_until(desk.warned, "warning")
    thunderbird.close_composers()
    thunderbird.write(desk.everybody.address, subject="Another")
    thunderbird.save_draft()  # what comes after the ten has been judged when this has
    wait_until(lambda: len(desk.warned()) >= 2, "warning of the other")
    judgements = [each.judgement for each in desk.warned()]
    assert [each.submission.message.subject for each in judgements if each] == ["Re: Lunch", "Another"]
    assert [each.audience.count.high for each in judgements if each] == [850_113, 850_112]
