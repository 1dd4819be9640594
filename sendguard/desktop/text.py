"""Labels and buttons that show text as it is: no markup, no mnemonic, whatever the text brings."""

import re
from enum import Enum, auto

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from sendguard.desktop import look
from sendguard.desktop.literal import literal


class Tone(Enum):
    """How loud a text is."""

    PLAIN = auto()
    QUIET = auto()
    ACCENT = auto()


class Weight(Enum):
    """How strong a button looks."""

    STRONG = auto()
    PLAIN = auto()
    QUIET = auto()


_SHAPE = """
QPushButton { padding: 0.5em 0.9em; border-radius: 0.25em; %s }
QPushButton:focus { border: 2px solid palette(highlight); }
QPushButton:pressed { background: palette(mid); }
QPushButton:disabled { background: transparent; color: palette(placeholder-text); border: 1px solid palette(mid); }
"""
_COLOURS = {
    Weight.STRONG: "background: palette(window-text); color: palette(window); border: 2px solid palette(window-text);",
    Weight.PLAIN: "background: palette(button); color: palette(button-text); border: 1px solid palette(mid);",
    Weight.QUIET: "background: transparent; color: palette(window-text); border: 1px solid palette(placeholder-text);",
}
"""Palette roles only: light, dark and high contrast come with the system."""


_BREAKABLE = re.compile(r"[^\s\u200b]{24}(?=\S{8})")


class SafeLabel(QLabel):
    """A label that shows plain text only, wraps, and follows the palette."""

    def __init__(self, text: str = "", tone: Tone = Tone.PLAIN, size: float = 1.0, *, bold: bool = False) -> None:
        super().__init__()
        self._tone = tone
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        font = self.font()
        font.setPointSizeF(max(font.pointSizeF(), 1.0) * size)
        font.setBold(bold)
        self.setFont(font)
        self.setText(text)
        self._colour()

    def setText(self, text: str) -> None:
        """Show a text; a word that is longer than a line may be broken, so that its end is seen."""
        super().setText(_BREAKABLE.sub("\\g<0>\u200b", text))
        self.setAccessibleName(text)

    def changeEvent(self, event: QEvent) -> None:
        """Take the new palette's colours."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        choose = {Tone.QUIET: look.quiet, Tone.ACCENT: look.accent}.get(self._tone)
        if choose is None:
            return
        own, colour = self.palette(), choose(QApplication.palette())
        if own.color(QPalette.ColorRole.WindowText) != colour:  # setting a palette changes the palette once more
            own.setColor(QPalette.ColorRole.WindowText, colour)
            self.setPalette(own)


def safe_label(text: str = "", tone: Tone = Tone.PLAIN, size: float = 1.0, *, bold: bool = False) -> SafeLabel:
    """A label for any text, from mail too; cleaning it (``wording.hostile``) is the sentence's own business."""
    return SafeLabel(text, tone, size, bold=bold)


def label_for(buddy: QWidget, text: str) -> SafeLabel:
    """A label that names a control: for the eye, for screen readers, and for the tab key."""
    label = SafeLabel(literal(text))
    label.setBuddy(buddy)
    buddy.setAccessibleName(text)
    return label


def button(text: str, weight: Weight = Weight.PLAIN) -> QPushButton:
    """A button with its text as it is. It is pressed with the space bar or a click; Enter is the default button's."""
    made = QPushButton(literal(text))
    made.setAccessibleName(text)
    made.setAutoDefault(False)
    made.setStyleSheet(_SHAPE % _COLOURS[weight])
    return made


def outlined(field: QLineEdit) -> QLineEdit:
    """A field with a border that is seen on dark ground too."""
    field.setStyleSheet(
        "QLineEdit { border: 1px solid palette(placeholder-text); border-radius: 3px; padding: 3px;"
        " background: palette(base); color: palette(text); } QLineEdit:focus { border: 2px solid palette(highlight); }"
    )
    return field
