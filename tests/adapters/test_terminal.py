"""Asking in a terminal."""

from dataclasses import replace

import pytest

from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import Outcome
from sendguard.guard.ports import Answer, Question
from sendguard.guard.ticket import Ticket
from sendguard.mail.submission import Envelope, Hook
from sendguard.terminal.asker import TerminalAsker
from sendguard.terminal.reply import ByPerson, Shown, by_rule
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.fakes import Guard
from tests.servers.processes import wait_until

SAY = Sentences(Catalogue.for_language("en"))
INTAKE = Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE)
RAW = b"From: me@x.test\r\nTo: a@x.test\r\nSubject: test\r\n\r\ntest\r\n"


def ask(guard: Guard, *recipients: str) -> Ticket:
    return guard.gatekeeper.receive(INTAKE.submission(RAW, Envelope.of("me@x.test", recipients)))


def question(*recipients: str, can_reply: bool = False) -> Question:
    guard = Guard()
    ask(guard, *recipients)
    found = guard.asker.question()
    submission = replace(found.judgement.submission, can_reply_to_sender=can_reply)
    return replace(found, judgement=replace(found.judgement, submission=submission))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("", Answer.DONT_SEND),
        ("yes", Answer.DONT_SEND),
        ("850113", Answer.DONT_SEND),
        ("850,112", Answer.SEND),
        ("r", Answer.REPLY_TO_SENDER),
    ],
)
def test_only_the_number_sends_and_an_empty_line_does_not(line: str, answer: Answer) -> None:
    shown: list[str] = []
    assert ByPerson(SAY, shown.append, lambda prompt: line)(question("big@lists.test", can_reply=True))[0] is answer
    assert any("850,112 people" in text for text in shown)


def test_where_nothing_has_to_be_typed_the_word_send_does() -> None:
    assert ByPerson(SAY, print, lambda prompt: "send")(question("middle@lists.test"))[0] is Answer.SEND
    assert ByPerson(SAY, print, lambda prompt: "r")(question("middle@lists.test"))[0] is Answer.DONT_SEND


def test_the_end_of_the_input_does_not_send() -> None:
    def ended(prompt: str) -> str:
        raise EOFError

    assert ByPerson(SAY, print, ended)(question("middle@lists.test"))[0] is Answer.DONT_SEND


def test_a_rule_answers_and_shows_what_would_have_been_asked() -> None:
    shown: list[str] = []
    answer, typed = Shown(by_rule(Answer.SEND), SAY, shown.append)(question("big@lists.test"))
    assert (answer, typed) == (Answer.SEND, "850112")
    assert "send" in shown[-1]
    assert by_rule(Answer.REPLY_TO_SENDER)(question("big@lists.test"))[0] is Answer.DONT_SEND
    assert by_rule(Answer.REPLY_TO_SENDER)(question("big@lists.test", can_reply=True))[0] is Answer.REPLY_TO_SENDER


def test_questions_are_answered_one_after_the_other() -> None:
    asker = TerminalAsker(by_rule(Answer.SEND))
    guard = Guard()
    guard.gatekeeper._asker = asker
    assert not asker.can_ask
    assert ask(guard, "big@lists.test").decision.result(0).outcome is Outcome.CANNOT_ASK
    asker.answer_to(guard.gatekeeper)
    for recipients in (["big@lists.test"], ["middle@lists.test"]):
        assert ask(guard, *recipients).decision.result(10).sends


@pytest.mark.logs("the terminal asks no more: BrokenPipeError")
def test_a_terminal_that_has_gone_can_ask_nobody_any_more() -> None:
    def gone(question: Question) -> tuple[Answer, str]:
        raise BrokenPipeError

    asker = TerminalAsker(gone)
    guard = Guard()
    guard.gatekeeper._asker = asker
    asker.answer_to(guard.gatekeeper)
    held = ask(guard, "big@lists.test")
    wait_until(lambda: not asker.can_ask, "closed way")
    assert not held.decision.done()
    assert ask(guard, "middle@lists.test").decision.result(0).outcome is Outcome.CANNOT_ASK
