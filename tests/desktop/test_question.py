"""The question: what it says, and that nothing but a meant answer sends."""

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from sendguard.desktop.bridge import Given, Result, Shown
from sendguard.desktop.question import QuestionDialog
from sendguard.guard.ports import Answer
from tests.desktop.conftest import Ask
from tests.desktop.examples import (
    CODE,
    a_list_of_unknown_size,
    a_list_that_needs_a_code,
    a_reply_to_62,
    an_unknown_list_beside_twelve,
    question,
    the_2016_mail,
    the_same_in_thunderbird,
    up_to_412,
)

DONT_SEND = [Given("q1", Answer.DONT_SEND)]


def answers(dialog: QuestionDialog) -> list[Given]:
    return dialog.answers  # type: ignore[attr-defined,no-any-return]


def words(dialog: QuestionDialog) -> str:
    return "\n".join(label.accessibleName() for label in dialog.findChildren(QLabel) if label.isVisible())


def press(dialog: QuestionDialog, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(dialog.focusWidget() or dialog, key)


# What it says


def test_the_number_stands_first_with_its_basis_and_age(ask: Ask) -> None:
    lines = words(ask(the_2016_mail())).split("\n")
    assert lines[:3] == [
        "This message goes to",
        "850,112 people",
        "Exact · from the organisation's directory of today, 07:00",
    ]


def test_it_says_what_was_typed_against_who_gets_it_and_what_a_dot_stands_for(ask: Ask) -> None:
    said = words(ask(the_2016_mail()))
    assert "you typed 1 address · goes to 850,112 people" in said
    assert "One dot stands for up to 2,500 people." in said


def test_it_says_why_now_and_through_which_list(ask: Ask) -> None:
    said = words(ask(the_2016_mail()))
    assert "croydonpractices@nhs.test had 14 people on 7 November, it has 850,112 today." in said
    assert "croydonpractices@nhs.test → all-england@nhs.test → 1,204 lists inside · 850,112 people" in said


def test_it_names_a_few_outsiders_and_counts_the_others(ask: Ask) -> None:
    said = words(ask(a_reply_to_62()))
    assert "14 people outside your organisation" in said
    assert "person2@partner.test" in said
    assert "and 11 more" in said
    assert "person9@partner.test" not in said


def test_the_address_stands_beside_the_name(ask: Ask) -> None:
    assert "Ben Ode <ben@nhs.test>" in words(ask(a_reply_to_62()))


def test_it_never_says_which_button_was_pressed(ask: Ask) -> None:
    said = words(ask(a_reply_to_62()))
    assert "This reply goes to" in said
    assert "pressed" not in said


def test_an_unknown_size_is_said_and_no_number_is_made_up(ask: Ask) -> None:
    dialog = ask(a_list_of_unknown_size())
    said = words(dialog)
    assert "Nobody knows how many people" in said
    assert "One dot" not in said
    assert dialog.ways_out.send_button.text() == "Send to an unknown number of people"


def test_what_is_known_beside_an_unknown_list_is_said(ask: Ask) -> None:
    said = words(ask(an_unknown_list_beside_twelve()))
    assert "at least 12 people, and a list of unknown size" in said
    assert "How many more, nobody knows." in said


def test_an_upper_bound_is_no_exact_number(ask: Ask) -> None:
    dialog = ask(up_to_412())
    assert "up to 412 people" in words(dialog)
    assert dialog.ways_out.send_button.text() == "Send to up to 412 people"


def test_it_says_how_many_others_wait(ask: Ask) -> None:
    dialog = ask(the_2016_mail())
    assert "behind this one" not in words(dialog)
    dialog.update_notes(Shown(question(the_2016_mail()), waiting=2))
    assert "2 more messages wait behind this one." in words(dialog)


def test_it_says_when_the_mail_program_no_longer_waits(ask: Ask) -> None:
    dialog = ask(the_2016_mail())
    assert "press Send there again" not in words(dialog)
    dialog.update_notes(Shown(question(the_2016_mail(), client_waits=False)))
    assert "after your answer press Send there again." in words(dialog)


def test_practice_is_marked(ask: Ask) -> None:
    assert "Practice: nothing leaves this computer." in words(ask(the_2016_mail(), practice=True))


# Don't send: default, Esc, Enter, the window's close button


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_key_pressed_as_it_opens_does_not_send(ask: Ask, key: Qt.Key) -> None:
    dialog = ask(the_2016_mail())
    press(dialog, key)
    assert answers(dialog) == DONT_SEND


@pytest.mark.parametrize("judgement", [the_2016_mail, a_reply_to_62, a_list_of_unknown_size])
def test_enter_does_not_send_even_when_all_is_armed(ask: Ask, judgement: object) -> None:
    dialog = ask(judgement(), armed=True)  # type: ignore[operator]
    press(dialog, Qt.Key.Key_Return)
    assert answers(dialog) == DONT_SEND


def test_closing_the_window_does_not_send(ask: Ask) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    dialog.close()
    assert answers(dialog) == DONT_SEND


def test_one_question_is_answered_once(ask: Ask) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    press(dialog, Qt.Key.Key_Escape)
    press(dialog, Qt.Key.Key_Escape)
    dialog.close()
    assert answers(dialog) == DONT_SEND


def test_a_key_held_down_answers_nothing(ask: Ask) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        held = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, "", True)
        QApplication.sendEvent(dialog, held)
    assert answers(dialog) == []


def test_a_question_that_follows_another_takes_no_answer_at_once(ask: Ask, qtbot: QtBot) -> None:
    dialog = ask(a_reply_to_62(), armed=True, follows=True)
    QTest.mouseClick(dialog.ways_out.dont_send_button, Qt.MouseButton.LeftButton)
    assert answers(dialog) == []
    qtbot.waitUntil(lambda: not dialog._deaf)
    QTest.mouseClick(dialog.ways_out.dont_send_button, Qt.MouseButton.LeftButton)
    assert answers(dialog) == DONT_SEND


def test_a_question_that_is_withdrawn_answers_nothing(ask: Ask) -> None:
    dialog = ask(a_reply_to_62())
    dialog.withdraw()
    assert answers(dialog) == []


# Sending


def test_sending_arms_only_after_the_question_was_looked_at(ask: Ask) -> None:
    dialog = ask(a_reply_to_62())
    assert not dialog.ways_out.send_button.isEnabled()
    assert dialog.arming.timer.isActive()
    dialog.arming.timer.timeout.emit()
    assert dialog.ways_out.send_button.isEnabled()


def test_looking_away_begins_the_wait_anew(ask: Ask, qtbot: QtBot) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    other = QLabel("another window")
    qtbot.addWidget(other)
    dialog.setWindowModality(Qt.WindowModality.NonModal)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(lambda: not dialog.isActiveWindow())
    assert not dialog.ways_out.send_button.isEnabled()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.arming.timer.isActive)
    assert not dialog.ways_out.send_button.isEnabled()


def test_a_click_sends_once_it_is_armed(ask: Ask) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    QTest.mouseClick(dialog.ways_out.send_button, Qt.MouseButton.LeftButton)
    assert answers(dialog) == [Given("q1", Answer.SEND)]


def test_the_keyboard_alone_can_send(ask: Ask) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    press(dialog, Qt.Key.Key_Tab, Qt.Key.Key_Tab, Qt.Key.Key_Space)
    assert answers(dialog) == [Given("q1", Answer.SEND)]


def test_reply_to_the_sender_only_is_one_tab_away(ask: Ask) -> None:
    dialog = ask(a_reply_to_62())
    press(dialog, Qt.Key.Key_Tab, Qt.Key.Key_Space)
    assert answers(dialog) == [Given("q1", Answer.REPLY_TO_SENDER)]


def test_reply_to_the_sender_is_offered_only_where_it_can_be_done(ask: Ask) -> None:
    assert ask(a_reply_to_62()).ways_out.reply_button is not None
    assert ask(the_2016_mail()).ways_out.reply_button is None


def test_moving_them_to_bcc_is_offered_only_where_it_can_be_done(ask: Ask) -> None:
    assert ask(a_reply_to_62()).ways_out.bcc_button is None
    dialog = ask(the_same_in_thunderbird())
    assert dialog.ways_out.bcc_button is not None
    press(dialog, Qt.Key.Key_Tab, Qt.Key.Key_Tab, Qt.Key.Key_Return)
    assert answers(dialog) == []
    press(dialog, Qt.Key.Key_Space)
    assert answers(dialog) == [Given("q1", Answer.MOVE_TO_BCC)]


def test_a_small_audience_needs_no_typing_and_a_large_one_does(ask: Ask) -> None:
    assert ask(a_reply_to_62()).ways_out.field is None
    assert ask(the_2016_mail()).ways_out.field is not None


@pytest.mark.parametrize("typed", ["850112", "850,112", "850.112", " 850 112 "])
def test_the_number_may_be_typed_as_one_likes(ask: Ask, typed: str) -> None:
    dialog = ask(the_2016_mail(), armed=True)
    press(dialog, Qt.Key.Key_Tab)
    QTest.keyClicks(dialog.focusWidget(), typed)
    press(dialog, Qt.Key.Key_Tab, Qt.Key.Key_Space)
    assert answers(dialog) == [Given("q1", Answer.SEND, typed)]


def test_a_wrong_number_is_said_and_does_not_send(ask: Ask) -> None:
    dialog = ask(the_2016_mail(), armed=True)
    press(dialog, Qt.Key.Key_Tab)
    QTest.keyClicks(dialog.focusWidget(), "850113")
    assert not dialog.ways_out.send_button.isEnabled()
    assert "This is not 850,112." in words(dialog)
    dialog.ways_out.send_button.click()
    assert answers(dialog) == []


def test_the_right_number_does_not_send_before_it_is_armed(ask: Ask) -> None:
    dialog = ask(the_2016_mail())
    assert dialog.ways_out.field is not None
    dialog.ways_out.field.setText("850112")
    assert not dialog.ways_out.send_button.isEnabled()


def test_enter_in_the_field_leads_to_the_button_and_does_not_send(ask: Ask) -> None:
    dialog = ask(the_2016_mail(), armed=True)
    press(dialog, Qt.Key.Key_Tab)
    QTest.keyClicks(dialog.focusWidget(), "850112")
    press(dialog, Qt.Key.Key_Return, Qt.Key.Key_Return)
    assert answers(dialog) == []
    assert dialog.focusWidget() is dialog.ways_out.send_button
    assert "Enter does not send." in words(dialog)
    press(dialog, Qt.Key.Key_Space)
    assert answers(dialog) == [Given("q1", Answer.SEND, "850112")]


def test_enter_after_a_wrong_number_says_so(ask: Ask) -> None:
    dialog = ask(the_2016_mail(), armed=True)
    press(dialog, Qt.Key.Key_Tab)
    QTest.keyClicks(dialog.focusWidget(), "12")
    press(dialog, Qt.Key.Key_Return)
    assert answers(dialog) == []
    assert "This is not 850,112." in words(dialog)


def test_a_list_of_unknown_size_wants_its_name(ask: Ask) -> None:
    dialog = ask(a_list_of_unknown_size(), armed=True)
    assert dialog.ways_out.field is not None
    dialog.ways_out.field.setText("All-Hands")
    dialog.ways_out.send_button.click()
    assert answers(dialog) == [Given("q1", Answer.SEND, "All-Hands")]


# When an answer is not taken


def test_a_closed_list_wants_the_code_and_shows_none(ask: Ask) -> None:
    dialog = ask(a_list_that_needs_a_code(), armed=True)
    field, ways_out = dialog.ways_out.field, dialog.ways_out
    assert field is not None
    said = words(dialog)
    assert (
        "only who has a code can send to it. This list reaches everybody by mistake. it@nhs.test can send it." in said
    )
    assert "type the code you were given" in field.accessibleName()
    assert CODE not in said
    field.setText("850112")
    assert not ways_out.send_button.isEnabled()
    field.setText("AAAA-AAAA-AAAA-AAAA")
    assert "This code is wrong." in words(dialog)
    field.setText(CODE.lower().replace("-", " "))
    assert "This code is wrong." not in words(dialog)
    ways_out.send_button.click()
    assert answers(dialog) == [Given("q1", Answer.SEND, CODE.lower().replace("-", " "))]
    dialog.not_taken(Result.CODE_SPENT)
    assert "This code was used before. Ask for another one." in words(dialog)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result.WRONG_WORD, "This is not 850,112."),
        (Result.LEDGER_FAILED, "SendGuard cannot write its ledger, so nothing is sent. Is the disk full?"),
        (Result.FAULT, "Your answer could not be taken. The message is still held; answer again."),
    ],
)
def test_an_answer_that_was_not_taken_can_be_given_again(ask: Ask, result: Result, said: str) -> None:
    dialog = ask(the_2016_mail())
    press(dialog, Qt.Key.Key_Escape)
    assert not dialog.ways_out.dont_send_button.isEnabled()
    dialog.not_taken(result)
    assert said in words(dialog)
    assert dialog.isVisible()
    dialog.ways_out.dont_send_button.click()
    assert answers(dialog) == DONT_SEND * 2


# What a screen reader finds


def test_the_window_says_number_basis_and_reasons_when_it_opens(ask: Ask) -> None:
    described = ask(the_2016_mail()).accessibleDescription()
    assert described.startswith("This message goes to 850,112 people. Exact · from")
    assert "had 14 people on 7 November" in described


def test_every_control_has_a_name_and_the_field_says_what_to_type(ask: Ask) -> None:
    dialog = ask(the_2016_mail())
    for control in dialog.ways_out.tab_order:
        assert control.accessibleName()
    assert dialog.ways_out.field is not None
    assert dialog.ways_out.field.accessibleName() == "To send it, type the number of people:"
    assert dialog.ways_out.field.accessibleDescription() == "850,112"


def test_dont_send_is_default_and_has_the_focus(ask: Ask) -> None:
    dialog = ask(the_2016_mail())
    assert dialog.ways_out.dont_send_button.isDefault()
    assert dialog.focusWidget() is dialog.ways_out.dont_send_button


# Small screens


def test_on_a_small_screen_the_ways_out_stay_visible(ask: Ask) -> None:
    dialog = ask(a_reply_to_62())
    dialog.resize(560, 300)
    bottom = dialog.ways_out.mapTo(dialog, QPoint(0, dialog.ways_out.height())).y()
    assert bottom <= dialog.height()
    assert dialog.ways_out.height() >= dialog.ways_out.minimumSizeHint().height()
