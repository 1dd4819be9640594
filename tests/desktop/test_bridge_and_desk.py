"""From the guard's threads to the screen and back: one question at a time, and a fault closes."""

import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from sendguard.desktop import faults
from sendguard.desktop import question as question_module
from sendguard.desktop.bridge import Bridge
from sendguard.desktop.desk import Desk
from sendguard.desktop.question import QuestionDialog
from sendguard.guard.ledger import LedgerFailed, Outcome
from sendguard.guard.ports import Activity, ActivityKind, Answer, Asker
from sendguard.guard.ticket import AskedAgain, QuestionGone, Ticket, WrongWord
from tests.desktop.conftest import NEVER
from tests.desktop.examples import (
    NOW,
    World,
    a_blocked_mail,
    a_reply_to_62,
    full_world,
    question,
    submission,
    the_2016_mail,
)
from tests.fakes import Guard


class Screen:
    """A desk with its bridge over an in-memory world."""

    def __init__(self, world: World, arm_after_ms: int = NEVER) -> None:
        self.world = world
        self.bridge = Bridge()
        self.desk = Desk(world.services(), self.bridge, arm_after_ms)
        self.bridge.open()

    @property
    def dialog(self) -> QuestionDialog:
        assert self.desk.dialog is not None
        return self.desk.dialog

    def shows(self, id: str) -> bool:
        return self.desk.dialog is not None and self.desk.dialog.isVisible() and self.desk.dialog.question_id == id


@pytest.fixture
def screen(qtbot: QtBot) -> Iterator[Screen]:
    made = Screen(full_world())
    yield made
    if made.desk.dialog:
        made.desk.dialog.withdraw()
    if made.desk.notice:
        made.desk.notice.close()


def from_a_thread(work: object, *args: object) -> None:
    thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
    thread.start()
    thread.join()


def test_a_bridge_is_an_asker(screen: Screen) -> None:
    asker: Asker = screen.bridge
    assert asker.can_ask


def test_nobody_can_be_asked_before_the_screen_is_there() -> None:
    assert not Bridge().can_ask


def test_a_question_from_any_thread_is_shown_on_the_main_one(screen: Screen, qtbot: QtBot) -> None:
    from_a_thread(screen.bridge.show, question(the_2016_mail(), "q1"), 0)
    assert screen.desk.dialog is None
    qtbot.waitUntil(lambda: screen.shows("q1"))


def test_the_next_question_takes_the_place_of_the_first(screen: Screen, qtbot: QtBot) -> None:
    screen.bridge.show(question(the_2016_mail(), "q1"), 1)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    first = screen.dialog
    screen.bridge.show(question(a_reply_to_62(), "q2"), 0)
    qtbot.waitUntil(lambda: screen.shows("q2"))
    assert not isValid(first) or not first.isVisible()
    assert screen.world.questions.answers == []


def test_the_same_question_is_not_made_anew(screen: Screen, qtbot: QtBot) -> None:
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    first = screen.dialog
    with qtbot.waitSignal(screen.desk.changed):
        screen.bridge.show(question(the_2016_mail(), "q1", client_waits=False), 3)
    assert screen.dialog is first
    assert screen.desk.holding == 4


def test_an_answer_reaches_the_gatekeeper_and_the_window_goes(screen: Screen, qtbot: QtBot) -> None:
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    screen.dialog.reject()
    qtbot.waitUntil(lambda: screen.desk.dialog is None)
    assert screen.world.questions.answers == [("q1", Answer.DONT_SEND, "")]


@pytest.mark.parametrize("failure", [WrongWord(), LedgerFailed()])
def test_an_answer_that_fails_leaves_the_question_open(screen: Screen, qtbot: QtBot, failure: Exception) -> None:
    screen.world.questions.fails_with = failure
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    screen.dialog.reject()
    qtbot.waitUntil(lambda: screen.dialog.ways_out.hint.isVisible())
    assert screen.dialog.ways_out.dont_send_button.isEnabled()


@pytest.mark.logs("ZeroDivisionError")
def test_a_fault_of_the_gatekeeper_leaves_the_question_open(screen: Screen, qtbot: QtBot) -> None:
    screen.world.questions.fails_with = ZeroDivisionError("someone@secret.example")
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    screen.dialog.reject()
    qtbot.waitUntil(lambda: screen.dialog.ways_out.hint.isVisible())


@pytest.mark.parametrize("failure", [QuestionGone(), AskedAgain()])
def test_an_answer_that_came_too_late_takes_the_question_away(screen: Screen, qtbot: QtBot, failure: Exception) -> None:
    screen.world.questions.fails_with = failure
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    screen.dialog.reject()
    qtbot.waitUntil(lambda: screen.desk.dialog is None)


def test_a_withdrawn_question_goes_without_an_answer(screen: Screen, qtbot: QtBot) -> None:
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    screen.bridge.show(None, 0)
    qtbot.waitUntil(lambda: screen.desk.dialog is None)
    assert screen.desk.holding == 0
    assert screen.world.questions.answers == []


def test_a_question_can_be_brought_forward_again(screen: Screen, qtbot: QtBot) -> None:
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    screen.dialog.hide()
    screen.desk.bring_forward()
    assert screen.shows("q1")


def test_a_blocked_message_shows_a_notice_with_its_own_words_and_no_way_to_send(screen: Screen, qtbot: QtBot) -> None:
    refused = Activity(ActivityKind.REFUSED, NOW, judgement=a_blocked_mail(), outcome=Outcome.BLOCKED)
    from_a_thread(screen.bridge.observe, refused)
    qtbot.waitUntil(lambda: screen.desk.notice is not None and screen.desk.notice.isVisible())
    assert screen.desk.notice is not None
    assert screen.desk.dialog is None
    described = screen.desk.notice.accessibleDescription()
    assert "This message was not sent." in described
    assert "Call the service desk: 555 0199." in described
    QTest.keyClick(screen.desk.notice, Qt.Key.Key_Return)
    assert not screen.desk.notice.isVisible()


# A fault closes


@pytest.fixture
def hooks() -> Iterator[None]:
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


def raise_a_fault(error: Exception) -> None:
    """As Qt does it with an exception in a slot."""
    try:
        raise error
    except type(error):
        kind, value, trace = sys.exc_info()
        assert kind
        assert value
        sys.excepthook(kind, value, trace)


@pytest.mark.logs("fault: KeyError")
def test_a_fault_shows_the_question_anew_and_a_second_one_closes_the_way(
    screen: Screen, qtbot: QtBot, hooks: None
) -> None:
    faults.watch(screen.desk.fault)
    screen.bridge.show(question(the_2016_mail(), "q1"), 0)
    qtbot.waitUntil(lambda: screen.shows("q1"))
    first = screen.dialog
    raise_a_fault(KeyError("someone@secret.example"))
    qtbot.waitUntil(lambda: screen.dialog is not first and screen.shows("q1"))
    assert screen.bridge.can_ask
    raise_a_fault(KeyError("someone@secret.example"))
    assert screen.desk.broken
    assert not screen.bridge.can_ask
    screen.desk.bring_forward()
    assert screen.bridge.can_ask
    assert screen.shows("q1")


@pytest.mark.logs("fault: RuntimeError")
def test_a_dialog_that_cannot_be_made_closes_the_way(
    screen: Screen, qtbot: QtBot, hooks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(question_module, "Headline", broken)
    with qtbot.captureExceptions():
        faults.watch(screen.desk.fault)
        screen.bridge.show(question(the_2016_mail(), "q1"), 0)
        qtbot.waitUntil(lambda: screen.desk.broken)
    assert not screen.bridge.can_ask


@pytest.mark.logs("fault: ValueError")
def test_a_fault_of_another_window_leaves_the_way_open(screen: Screen, hooks: None) -> None:
    faults.watch(screen.desk.fault)
    raise_a_fault(ValueError("x"))
    raise_a_fault(ValueError("x"))
    assert screen.bridge.can_ask


@pytest.mark.logs("fault: ValueError: tests/desktop/test_bridge_and_desk.py:[0-9]+$")
def test_a_fault_is_logged_without_its_words(hooks: None, caplog: pytest.LogCaptureFixture) -> None:
    faults.watch(lambda: None)
    raise_a_fault(ValueError("someone@secret.example"))
    assert "secret" not in caplog.text


@pytest.mark.logs("fault: ValueError")
def test_a_fault_in_a_thread_is_logged(hooks: None) -> None:
    faults.watch(lambda: None)

    def work() -> None:
        raise ValueError

    from_a_thread(work)


# With the real gatekeeper


def test_two_submissions_are_asked_about_in_their_order_and_each_gets_its_own_answer(qtbot: QtBot) -> None:
    guard = Guard()
    screen = Screen(World(questions=guard.gatekeeper))  # type: ignore[arg-type]
    guard.gatekeeper._asker = screen.bridge
    tickets: list[Ticket] = []
    for recipient in ("big@lists.test", "middle@lists.test"):
        held = submission(recipient)
        from_a_thread(lambda mail=held: tickets.append(guard.gatekeeper.receive(mail)))
    qtbot.waitUntil(lambda: screen.desk.holding == 2)
    assert screen.dialog.sheet.number == "850,112 people"
    screen.dialog.reject()
    qtbot.waitUntil(lambda: screen.desk.holding == 1)
    assert tickets[0].decision.result(5).outcome is Outcome.DONT_SEND
    assert not tickets[1].decision.done()
    qtbot.waitUntil(lambda: not screen.dialog._deaf)
    with qtbot.waitActive(screen.dialog):
        screen.dialog.activateWindow()
    screen.dialog.arming.timer.timeout.emit()
    screen.dialog.ways_out.send_button.click()
    assert tickets[1].decision.result(5).sends
    qtbot.waitUntil(lambda: screen.desk.dialog is None)


def test_a_client_that_goes_takes_its_question_with_it(qtbot: QtBot) -> None:
    guard = Guard()
    screen = Screen(World(questions=guard.gatekeeper))  # type: ignore[arg-type]
    guard.gatekeeper._asker = screen.bridge
    ticket = guard.gatekeeper.receive(submission("big@lists.test"))
    qtbot.waitUntil(lambda: screen.desk.dialog is not None)
    from_a_thread(guard.gatekeeper.cancel, ticket)
    qtbot.waitUntil(lambda: screen.desk.dialog is None)
    assert ticket.decision.result(5).outcome is Outcome.CANCELLED


def test_without_a_screen_the_gatekeeper_refuses(qtbot: QtBot) -> None:
    guard = Guard()
    guard.gatekeeper._asker = Bridge()
    ticket = guard.gatekeeper.receive(submission("big@lists.test"))
    assert ticket.decision.result(5).outcome is Outcome.CANNOT_ASK
