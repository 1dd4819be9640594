"""Tables that are only read."""

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem


class ReadTable(QTableWidget):
    """A line a row, its columns as wide as what they hold; the last takes the room that is left.

    Rows are selected whole, and the tab key leaves it.
    """

    def __init__(self, name: str, headers: Sequence[str]) -> None:
        super().__init__(0, len(headers))
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(list(headers))
        self.verticalHeader().setVisible(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def fill(self, rows: Sequence[Sequence[str]]) -> None:
        """Show these rows instead of what is there."""
        self.setRowCount(len(rows))
        for row, words in enumerate(rows):
            for column, word in enumerate(words):
                self.setItem(row, column, QTableWidgetItem(word))
        self.resizeRowsToContents()
        self._stretch()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the last column what is left, or as much as it needs."""
        super().resizeEvent(event)
        self._stretch()

    def _stretch(self) -> None:
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setStretchLastSection(header.length() < self.viewport().width())
