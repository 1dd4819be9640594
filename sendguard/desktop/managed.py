"""The sign that the organisation decided something: a lock, drawn in the palette's colours, and words beside it."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sendguard.desktop import look
from sendguard.desktop.text import Tone, safe_label
from sendguard.wording.sentences import Sentences


class Lock(QWidget):
    """A closed padlock as high as a line of text. The words beside it say what it means."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A line's height, and three quarters of it wide."""
        height = self.fontMetrics().height()
        return QSize(height * 3 // 4, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A body, and a bow above it."""
        colour = self.palette().color(QPalette.ColorRole.WindowText)
        width, height = float(self.width()), float(self.height())
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(colour, width / 7))
            painter.drawArc(QRectF(width * 0.24, height * 0.12, width * 0.52, height * 0.6), 0, 180 * 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(width * 0.08, height * 0.44, width * 0.84, height * 0.46), 2, 2)


class Managed(QWidget):
    """The lock and its words, "Managed by your organisation." where nothing else is said."""

    def __init__(self, say: Sentences, words: str = "") -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(look.gap(0.4))
        row.addWidget(Lock())
        row.addWidget(safe_label(words or say.catalogue.text("Managed by your organisation."), Tone.QUIET, 0.9), 1)
