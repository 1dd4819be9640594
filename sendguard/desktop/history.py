"""The history: what was asked, what came of it, what other thresholds would have done. It stays on this computer."""

from dataclasses import dataclass

from sendguard.desktop import look
from sendguard.desktop.audit_view import LATEST, AuditView
from sendguard.desktop.layout import Page
from sendguard.desktop.services import Services
from sendguard.desktop.table import ReadTable
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Tone, safe_label
from sendguard.desktop.thresholds import Thresholds
from sendguard.guard.audit import AuditLine
from sendguard.guard.hindsight import CHANGED_THEIR_MIND, Hindsight
from sendguard.guard.ledger import LedgerFailed, Record
from sendguard.wording.hostile import shown
from sendguard.wording.sentences import Sentences


@dataclass(frozen=True, slots=True)
class Past:
    """What ledger and audit hold. ``lines`` is None where the audit cannot be read."""

    rows: tuple[Record, ...]
    hindsight: Hindsight
    audited: bool
    collectors: tuple[str, ...] = ()
    lines: tuple[AuditLine, ...] | None = ()


class History(Page):
    """A table of the latest rows of the ledger, and what they come to; the audit, where there is one."""

    def __init__(self, services: Services, tasks: Tasks) -> None:
        super().__init__()
        self._services = services
        self._tasks = tasks
        self._say = services.sentences
        text = self._say.catalogue.text
        self.summary = safe_label(size=1.2, bold=True)
        self.table = ReadTable(
            text("History"),
            [text("When"), text("What"), text("You typed"), text("It reaches"), text("What came of it")],
        )
        self.table.setMinimumHeight(look.gap(12))
        self.thresholds = Thresholds(self._say)
        self.audit = AuditView(self._say, services.audit, tasks)
        self.audit.hide()
        self.rows.addWidget(self.summary)
        self.rows.addWidget(
            safe_label(text("It stays on this computer and holds no address and no subject."), Tone.QUIET)
        )
        self.rows.addWidget(self.table, 1)
        self.rows.addWidget(self.thresholds)
        self.rows.addWidget(self.audit)
        self.refresh()

    def refresh(self) -> None:
        """Read ledger and audit again."""
        self._tasks.run(self._read, self._show, LedgerFailed)

    def _read(self) -> Past:
        """Worker thread."""
        rows, found = self._services.history(), self._services.hindsight()
        values = self._services.settings().values
        audited = values.switch("Audit")
        collectors = tuple(shown(place) for name in ("AuditSyslog", "AuditFile") if (place := values.text(name)))
        try:
            lines = self._services.audit.latest(LATEST) if audited else ()
        except OSError:
            lines = None
        return Past(rows, found, audited, collectors, lines)

    def _show(self, done: Done[Past]) -> None:
        if done.result is None:
            self.summary.setText(self._say.trouble("ledger"))
            return
        past = done.result
        self.summary.setText(summary(self._say, past.rows))
        self.table.fill([cells(self._say, record) for record in past.rows])
        self.thresholds.show_what(past.hindsight)
        self.audit.setVisible(past.audited)
        self.audit.show_what(past.lines, past.collectors)


def summary(say: Sentences, records: tuple[Record, ...]) -> str:
    """How often somebody was asked, and how often they thought again."""
    asked = [record for record in records if record.asked]
    changed = sum(record.outcome in CHANGED_THEIR_MIND for record in asked)
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
        " · ".join(filter(None, (state, came, say.monitored(record)))),
    )
