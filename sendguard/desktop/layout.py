"""How pages are built: sections under headings, in a column that scrolls."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.text import safe_label


class Page(QScrollArea):
    """A column of sections."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        inside = QWidget()
        self.rows = QVBoxLayout(inside)
        self.rows.setContentsMargins(look.gap(1), look.gap(1), look.gap(1), look.gap(1))
        self.rows.setSpacing(look.gap(0.6))
        self.setWidget(inside)


class Section(QWidget):
    """A heading with something under it that can be taken away and put there anew."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, look.gap(0.6))
        column.setSpacing(look.gap(0.4))
        column.addWidget(safe_label(title, size=1.2, bold=True))
        self._column = column
        self._shows: object = None

    def is_news(self, facts: object) -> bool:
        """Whether ``facts`` differ from what it was last asked with: a row that stays keeps the focus in it."""
        if facts == self._shows:
            return False
        self._shows = facts
        return True

    def add(self, *widgets: QWidget) -> None:
        """Put widgets under what is there."""
        for widget in widgets:
            self._column.addWidget(widget)

    def clear(self) -> None:
        """Take everything under the heading away."""
        while self._column.count() > 1:
            item = self._column.takeAt(1)
            widget = item.widget() if item else None
            if widget:
                widget.hide()
                widget.deleteLater()


class Row(QWidget):
    """Widgets side by side; the first takes the room that is left."""

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(look.gap(0.6))
        for widget in widgets:
            row.addWidget(widget, 1 if widget is widgets[0] else 0)


def together(*lines: QWidget) -> QWidget:
    """Lines about one thing, nearer to each other than to the next."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, look.gap(0.4))
    column.setSpacing(look.gap(0.1))
    for line in lines:
        column.addWidget(line)
    return whole


def buttons(*widgets: QWidget) -> QLayout:
    """A row of buttons at the right."""
    row = QHBoxLayout()
    row.setSpacing(look.gap(0.6))
    row.addStretch(1)
    for widget in widgets:
        row.addWidget(widget)
    row.setAlignment(Qt.AlignmentFlag.AlignVCenter)
    return row
