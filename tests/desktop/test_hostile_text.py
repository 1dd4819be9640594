"""Text from mail is shown as it is: no markup, no mnemonic, no invisible character, in no window of ours."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QMessageBox, QTextEdit, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from sendguard.desktop.account_form import AccountForm
from sendguard.desktop.notice import NotSent
from sendguard.desktop.question import QuestionDialog
from sendguard.desktop.tasks import Tasks
from sendguard.desktop.text import button, label_for, safe_label
from sendguard.desktop.tray import quit_question
from sendguard.desktop.window import MainWindow
from tests.desktop.examples import (
    HOSTILE,
    WORK,
    World,
    a_blocked_mail,
    a_hostile_mail,
    full_world,
    question,
    sentences,
    warned,
)

INVISIBLE = "\u202e\u202d\u200e\u200f\u2066\u2067\x1b\x00"


def every_window(qtbot: QtBot, world: World) -> Iterator[QWidget]:
    services, tasks = world.services(), Tasks()
    for judgement in (a_hostile_mail(), a_blocked_mail()):
        yield QuestionDialog(question(judgement), sentences(), practice=True)
        yield NotSent(judgement, sentences())
    window = MainWindow(services, tasks)
    window.happened(warned(a_hostile_mail()))
    for page in range(window.tabs.count()):
        window.tabs.setCurrentIndex(page)
    yield window
    yield AccountForm(services, tasks, lambda: None, WORK)
    yield quit_question(sentences().catalogue)
    tasks.deleteLater()


@pytest.fixture
def windows(qtbot: QtBot) -> list[QWidget]:
    world = full_world(practice=True)
    world.questions.open = (question(a_hostile_mail()),)
    return list(every_window(qtbot, world))


def test_every_label_of_every_window_shows_plain_text_only(windows: list[QWidget]) -> None:
    for window in windows:
        for label in (*window.findChildren(QLabel), *([window] if isinstance(window, QLabel) else [])):
            if isinstance(window, QMessageBox):
                assert window.textFormat() is Qt.TextFormat.PlainText
            elif label.parent() is not None:
                assert label.textFormat() is Qt.TextFormat.PlainText, label.text()


def test_no_window_has_a_rich_text_view_or_a_tooltip(windows: list[QWidget]) -> None:
    for window in windows:
        for widget in (window, *window.findChildren(QWidget)):
            assert not isinstance(widget, QTextEdit)
            assert not widget.toolTip()
    assert not QToolTip.text()


def test_nothing_invisible_reaches_a_label_or_a_screen_reader(windows: list[QWidget]) -> None:
    for window in windows:
        for widget in (window, *window.findChildren(QWidget)):
            shown = [widget.accessibleName(), widget.accessibleDescription(), widget.windowTitle()]
            shown += [widget.text()] if isinstance(widget, QLabel | QAbstractButton) else []
            for text in shown:
                assert not set(text) & set(INVISIBLE), ascii(text)


def test_a_name_that_is_another_address_is_called_so(windows: list[QWidget]) -> None:
    said = [label.accessibleName() for label in windows[0].findChildren(QLabel)]
    assert "x@evil.example (its name looks like another address: boss@nhs.test)" in said


def test_the_end_of_a_long_domain_is_on_the_screen(windows: list[QWidget]) -> None:
    said = [label.accessibleName() for label in windows[0].findChildren(QLabel)]
    assert any(text.endswith(".evil.example") for text in said)


def test_an_ampersand_is_drawn_and_is_no_mnemonic(qtbot: QtBot) -> None:
    made = button("R&D")
    field = QLabel()
    label = label_for(field, "R&D")
    for widget in (made, field, label):
        qtbot.addWidget(widget)
    assert made.text() == label.text() == "R&&D"
    assert made.accessibleName() == field.accessibleName() == "R&D"
    assert made.shortcut().isEmpty()


def test_a_long_word_may_be_broken_and_is_read_aloud_whole(qtbot: QtBot) -> None:
    word = "a" * 60 + "@evil.example"
    label = safe_label(word)
    qtbot.addWidget(label)
    assert label.text().replace("\u200b", "") == word
    assert label.minimumSizeHint().width() < label.fontMetrics().horizontalAdvance(word)
    assert label.accessibleName() == word


def test_the_hostile_example_is_hostile() -> None:
    assert "<img" in HOSTILE
    assert "\u202e" in HOSTILE
