"""The history: what was asked, what came of it, and how many changed their mind. It stays on this computer."""

from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from sendguard.desktop.layout import Page
from sendguard.desktop.services import Services
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Tone, safe_label
from sendguard.guard.ledger import LedgerFailed, Outcome, Record
from sendguard.wording.sentences import Sentences

CHANGED = {Outcome.DONT_SEND, Outcome.REPLY_TO_SENDER, Outcome.MOVE_TO_BCC}
"""The outcomes of a person who thought again."""


class History(Page):
    """A table of the latest rows of the ledger, and what they come to."""

    def __init__(self, services: Services, tasks: Tasks) -> None:
        super().__init__()
        self._services = services
        self._tasks = tasks
        self._say = services.sentences
        text = self._say.catalogue.text
        self.summary = safe_label(size=1.2, bold=True)
        self.table = QTableWidget(0, 5)
        self.table.setAccessibleName(text("History"))
        self.table.setHorizontalHeaderLabels(
            [text("When"), text("What"), text("You typed"), text("It reaches"), text("What came of it")]
        )
        self.table.verticalHeader().setVisible(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.rows.addWidget(self.summary)
        self.rows.addWidget(
            safe_label(text("It stays on this computer and holds no address and no subject."), Tone.QUIET)
        )
        self.rows.addWidget(self.table, 1)
        self.refresh()

    def refresh(self) -> None:
        """Read the ledger again."""
        self._tasks.run(self._services.history, self._show, LedgerFailed)

    def _show(self, done: Done[tuple[Record, ...]]) -> None:
        if done.result is None:
            self.summary.setText(self._say.trouble("ledger"))
            return
        self.summary.setText(summary(self._say, done.result))
        self.table.setRowCount(len(done.result))
        for row, record in enumerate(done.result):
            for column, words in enumerate(cells(self._say, record)):
                self.table.setItem(row, column, QTableWidgetItem(words))
        self.table.resizeRowsToContents()


def summary(say: Sentences, records: tuple[Record, ...]) -> str:
    """How often somebody was asked, and how often they thought again."""
    asked = [record for record in records if record.asked]
    changed = sum(record.outcome in CHANGED for record in asked)
    often = say.catalogue.plural("Asked {n} time", "Asked {n} times", len(asked))
    again = say.catalogue.plural("{n} time you changed your mind", "{n} times you changed your mind", changed)
    return f"{often}, {again}."


def cells(say: Sentences, record: Record) -> tuple[str, ...]:
    """One row of the table."""
    came = say.outcome(record.outcome) if record.outcome else ""
    state = say.state(record.state)
    return (
        say.catalogue.moment(record.received_at),
        say.kind(record.kind),
        say.catalogue.plural("{n} address", "{n} addresses", record.typed),
        say.record_people(record),
        f"{state} · {came}" if came else state,
    )
