"""Draws the picture of a question: what was typed against who gets it."""

from math import ceil

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from sendguard.desktop import look
from sendguard.desktop.picture import COLUMNS, ROWS, Picture


class Dots(QWidget):
    """Draws a picture. Its words stand beside it, in labels; for a screen reader it is a graphic with a name."""

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Six rows of dots, and room for sixty columns."""
        return QSize(look.gap(34), look.gap(3.2))

    def minimumSizeHint(self) -> QSize:
        """Half of that: dots come closer together."""
        return QSize(look.gap(17), look.gap(3.2))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw typed dots, an arrow, and the people."""
        with QPainter(self) as painter:  # ended in any case: a painter left open brings the process down
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = look.em(self)
        left = self._typed(painter, line)
        arrow_end = left + 3.5 * line
        self._arrow(painter, left + 0.6 * line, arrow_end, line)
        self._people(
            painter, QRectF(arrow_end + 0.8 * line, 0, self.width() - arrow_end - 0.8 * line, self.height()), line
        )

    def _typed(self, painter: QPainter, line: float) -> float:
        """Draw a dot for each typed address; returns where they end."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
        typed = self._picture.typed
        rows = min(typed, ROWS if typed > 3 else 1)
        columns = ceil(typed / rows) if rows else 0
        size = 0.62 * line if rows == 1 else 0.36 * line
        step = size * 1.4
        top = self.height() / 2 - (rows - 1) * step / 2
        for dot in range(typed):
            painter.drawEllipse(QPointF(size / 2 + (dot // rows) * step, top + (dot % rows) * step), size / 2, size / 2)
        return max(1, columns) * step if typed else 0

    def _arrow(self, painter: QPainter, start: float, end: float, line: float) -> None:
        painter.setPen(QPen(look.quiet(self.palette()), line / 14, c=Qt.PenCapStyle.RoundCap))
        middle, head = self.height() / 2, 0.35 * line
        painter.drawLine(QPointF(start, middle), QPointF(end, middle))
        painter.drawLine(QPointF(end - head, middle - head), QPointF(end, middle))
        painter.drawLine(QPointF(end - head, middle + head), QPointF(end, middle))

    def _people(self, painter: QPainter, room: QRectF, line: float) -> None:
        picture = self._picture
        dots = picture.sure + picture.possible
        rows = ROWS if dots > ROWS else 1
        columns = ceil(dots / rows) if dots else 0
        full = COLUMNS + (3 if picture.open else 0)
        step = min(room.width() / full, room.height() / ROWS)
        size = step * 0.62 if rows > 1 else min(step * 1.1, line * 0.62)
        step = step if rows > 1 else max(step, size * 1.5)
        colour = look.accent(self.palette())
        top = room.center().y() - (rows - 1) * step / 2
        for dot in range(dots):
            self._dot(painter, colour, hollow=dot >= picture.sure)
            at = QPointF(room.left() + size / 2 + (dot // rows) * step, top + (dot % rows) * step)
            painter.drawEllipse(at, size / 2, size / 2)
        if picture.open:
            self._question_mark(painter, colour, room.left() + columns * step + (0.3 * line if dots else 0))

    def _dot(self, painter: QPainter, colour: QColor, *, hollow: bool) -> None:
        painter.setPen(QPen(colour, 1) if hollow else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if hollow else colour)

    def _question_mark(self, painter: QPainter, colour: QColor, left: float) -> None:
        font = self.font()
        font.setPixelSize(round(self.height() * 0.85))
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(colour)
        mark = QRectF(left, 0, self.height(), self.height())
        painter.drawText(mark, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "?")
