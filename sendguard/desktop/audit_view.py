"""The audit as its person sees it: what is put down of them, whether it can be written, and all of it in a file."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog

from sendguard.desktop import look
from sendguard.desktop.layout import Row, Section
from sendguard.desktop.services import AuditAccess
from sendguard.desktop.table import ReadTable
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Tone, button, safe_label
from sendguard.guard.audit import AuditLine
from sendguard.wording.sentences import Sentences

LATEST = 100
"""Lines that are shown; the export holds all."""


class AuditView(Section):
    """The latest lines, and a button to export them. Not shown where there is no audit."""

    def __init__(self, say: Sentences, audit: AuditAccess, tasks: Tasks) -> None:
        text = say.catalogue.text
        super().__init__(text("Audit trail"))
        self._say, self._audit, self._tasks = say, audit, tasks
        self.trouble = safe_label(tone=Tone.ACCENT)
        self.collected = safe_label()
        self.said = safe_label(tone=Tone.QUIET)
        self.table = ReadTable(
            text("Audit trail"),
            [text("When"), text("What"), text("It reaches"), text("The rules said"), text("What came of it")],
        )
        self.table.setMinimumHeight(look.gap(12))
        self.export_button = button(text("Export…"))
        self.export_button.clicked.connect(self._ask_where)
        about = text(
            "A line for each decision and each end. It holds no subject, no text and no address; lists stand in it "
            "under ids that only your installation or your organisation can trace back."
        )
        self.add(
            safe_label(about, Tone.QUIET), self.collected, self.trouble, self.table, Row(self.said, self.export_button)
        )

    def show_what(self, lines: tuple[AuditLine, ...] | None, collectors: tuple[str, ...] = ()) -> None:
        """Show these lines, None where they cannot be read, and where else each of them goes."""
        told = self._say.catalogue.text(
            "Your organisation gets each line as well: {places}.", places=", ".join(collectors)
        )
        self.collected.setText(told if collectors else "")
        self.collected.setVisible(bool(collectors))
        codes = self._audit.troubles() if lines is not None else ("audit",)
        self.trouble.setText("\n".join(map(self._say.trouble, codes)))
        self.trouble.setVisible(bool(codes))
        self.table.fill([self._say.audit_line(line) for line in lines or ()])

    @Slot()
    def _ask_where(self) -> None:
        title = self._say.catalogue.text("Export the audit")
        name, _ = QFileDialog.getSaveFileName(self, title, "sendguard-audit.jsonl", "JSON lines (*.jsonl)")
        if name:
            self.export_to(Path(name))

    def export_to(self, place: Path) -> None:
        """Write all lines into a file, and say so."""
        self._tasks.run(partial(self._audit.export, place), self._exported, OSError)

    def _exported(self, done: Done[int]) -> None:
        say = self._say.catalogue
        if done.result is None:
            self.said.setText(say.text("Not exported: the file could not be written."))
        else:
            self.said.setText(say.plural("Exported {n} line.", "Exported {n} lines.", done.result))
