"""How many messages each threshold would have asked about: a small table, so that thresholds are chosen from facts."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from sendguard.desktop.layout import Section
from sendguard.desktop.text import Tone, safe_label
from sendguard.guard.hindsight import THRESHOLDS, Hindsight
from sendguard.wording.sentences import Sentences


class Thresholds(Section):
    """What the last days came to, and under it a column for each threshold."""

    def __init__(self, say: Sentences) -> None:
        text = say.catalogue.text
        super().__init__(text("What other thresholds would have done"))
        self._say = say
        self.sentence = safe_label()
        self.table = QTableWidget(2, len(THRESHOLDS))
        self.table.setAccessibleName(text("What other thresholds would have done"))
        self.table.setHorizontalHeaderLabels([f"≥ {say.catalogue.number(people)}" for people in THRESHOLDS])
        self.table.setVerticalHeaderLabels([text("Messages"), text("of them replies")])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setSizeAdjustPolicy(QAbstractScrollArea.SizeAdjustPolicy.AdjustToContents)
        told = text("Each column: the messages that reach so many people or more, as the directory knew them then.")
        widgets: tuple[QWidget, ...] = (self.sentence, self.table, safe_label(told, Tone.QUIET))
        self.add(*widgets)

    def show_what(self, found: Hindsight) -> None:
        """Show these numbers."""
        said, *columns = self._say.hindsight(found)
        self.sentence.setText(said)
        for column, (each, words) in enumerate(zip(found.at, columns, strict=True)):
            for row, number in enumerate((each.messages, each.replies)):
                item = QTableWidgetItem(self._say.catalogue.number(number))
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
                self.table.setItem(row, column, item)
        self.table.setFixedHeight(self.table.sizeHint().height())
