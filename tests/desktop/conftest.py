"""Windows on the offscreen platform: no display, no window manager, no tray."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sendguard.desktop.bridge import Given
from sendguard.desktop.question import QuestionDialog
from sendguard.guard.judge import Judgement
from tests.desktop.examples import question, sentences

Ask = Callable[..., QuestionDialog]

OFFSCREEN_CANNOT = ("This plugin does not support (propagateSizeHints|raise)", "systemTrayWindowChanged")
"""What Qt says about the offscreen platform, and not about us."""

NEVER = 3_600_000
"""Milliseconds; a delay that ends only when the test ends it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "desktop":
            item.add_marker(pytest.mark.qt_log_ignore(*OFFSCREEN_CANNOT, extend=True))


@pytest.fixture
def ask(qtbot: QtBot) -> Iterator[Ask]:
    """Put a question on the screen, focused; ``dialog.answers`` fills with what is answered."""
    dialogs = []

    def show(judgement: Judgement, language: str = "en", *, armed: bool = False, **options: object) -> QuestionDialog:
        dialog = QuestionDialog(question(judgement), sentences(language), arm_after_ms=NEVER, **options)  # type: ignore[arg-type]
        answers: list[Given] = []
        dialog.given.connect(answers.append)
        dialog.answers = answers  # type: ignore[attr-defined]
        with qtbot.waitActive(dialog):
            dialog.show()
            dialog.activateWindow()
        if armed:
            dialog.arming.timer.timeout.emit()
        dialogs.append(dialog)
        return dialog

    yield show
    for dialog in dialogs:
        dialog.withdraw()


@pytest.fixture
def dark(qapp: QApplication) -> Iterator[QPalette]:
    """A dark palette for the whole program."""
    before = qapp.palette()
    palette = dark_palette()
    qapp.setPalette(palette)
    yield palette
    qapp.setPalette(before)


def dark_palette() -> QPalette:
    """Dark ground, light text, as a dark desktop gives it."""
    palette = QPalette(QColor("#2b2e33"), QColor("#1f2226"))
    roles = QPalette.ColorRole
    palette.setColor(roles.Base, QColor("#17191c"))
    palette.setColor(roles.Text, QColor("#e6e8ea"))
    palette.setColor(roles.WindowText, QColor("#e6e8ea"))
    palette.setColor(roles.ButtonText, QColor("#e6e8ea"))
    palette.setColor(roles.PlaceholderText, QColor("#8a9096"))
    palette.setColor(roles.Highlight, QColor("#4a90d9"))
    return palette
