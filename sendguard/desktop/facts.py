"""The upper part of a question: the number, the picture, and the facts behind it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.dots import Dots
from sendguard.desktop.picture import Picture
from sendguard.desktop.sheet import Sheet
from sendguard.desktop.text import Tone, safe_label
from sendguard.wording.sentences import Sentences


class Headline(QWidget):
    """The number first, big; under it how it is known and how old that is."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(look.gap(0.1))
        rows.addWidget(safe_label(sheet.lead, Tone.QUIET, 1.15))
        number = safe_label(sheet.number, size=2.6 if len(sheet.number) < 24 else 1.9, bold=True)
        number.setObjectName("number")
        rows.addWidget(number)
        rows.addWidget(safe_label(sheet.basis, Tone.QUIET))


class Against(QWidget):
    """What was typed against who gets it, as a picture with its words under it."""

    def __init__(self, sheet: Sheet, picture: Picture) -> None:
        super().__init__()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(look.gap(0.25))
        dots = Dots(picture)
        words = " · ".join(filter(None, (sheet.typed, sheet.reached)))
        dots.setAccessibleName(words)
        dots.setAccessibleDescription(sheet.legend)
        rows.addWidget(dots)
        rows.addWidget(safe_label(words))
        rows.addWidget(safe_label(sheet.legend, Tone.QUIET, 0.9))


class Facts(QFrame):
    """Why it asks, through which lists, who is outside, and which message it is about."""

    def __init__(self, sheet: Sheet, say: Sentences) -> None:
        super().__init__()
        self.setObjectName("facts")
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        text = say.catalogue.text
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(look.gap(0.7), look.gap(0.6), look.gap(0.7), look.gap(0.6))
        self._grid.setHorizontalSpacing(look.gap(1.2))
        self._grid.setVerticalSpacing(look.gap(0.55))
        self._grid.setColumnStretch(1, 1)
        self._add(text("Why"), sheet.reasons)
        self._add(text("Who gets it"), sheet.through)
        self._add(text("Outside"), sheet.outside)
        self._add(text("Message"), (sheet.message,))

    def _add(self, heading: str, lines: tuple[str, ...]) -> None:
        if not lines:
            return
        row = self._grid.rowCount()
        name = safe_label(heading, Tone.QUIET)
        name.setWordWrap(False)
        self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(look.gap(0.2))
        for line in lines:
            column.addWidget(safe_label(line))
        self._grid.addLayout(column, row, 1)


def beside(*widgets: QWidget, stretch: bool = False) -> QHBoxLayout:
    """Widgets in a row; ``stretch`` pushes them to the left."""
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    if stretch:
        row.addStretch(1)
    return row
