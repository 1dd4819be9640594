"""Puts questions and refusals before the person, one at a time, and sends their answers back. Main thread."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from sendguard.desktop.arming import ARM_AFTER_MS
from sendguard.desktop.bridge import Answered, Bridge, Given, Result, Shown
from sendguard.desktop.icons import icon
from sendguard.desktop.services import Services
from sendguard.guard.ledger import Outcome
from sendguard.guard.ports import Activity

if TYPE_CHECKING:
    from sendguard.desktop.notice import NotSent
    from sendguard.desktop.question import QuestionDialog

MOST_FAULTS = 2
"""Faults while one question is on the screen, after which nobody can be asked any more."""


def warm_up() -> None:
    """Import what a question and a refusal are drawn with: after the tray stands, and before anything can be held."""
    import sendguard.desktop.notice
    import sendguard.desktop.question  # noqa: F401


class Desk(QObject):
    """The person's side of the bridge."""

    changed = Signal()
    """Another question, none, or another number of them."""
    happened = Signal(object)
    """An ``Activity``, for the tray and the window."""

    def __init__(self, services: Services, bridge: Bridge, arm_after_ms: int = ARM_AFTER_MS) -> None:
        super().__init__()
        self._services = services
        self._bridge = bridge
        self._arm_after_ms = arm_after_ms
        self._shown = Shown(None)
        self._faults = 0
        self.dialog: QuestionDialog | None = None
        self.notice: NotSent | None = None
        bridge.connect_to(self)

    @property
    def holding(self) -> int:
        """How many messages wait for an answer."""
        return self._shown.waiting + 1 if self._shown.question else 0

    @property
    def broken(self) -> bool:
        """Whether questions can no longer be shown."""
        return self._faults >= MOST_FAULTS

    @Slot(object)
    def on_shown(self, shown: Shown) -> None:
        """Show this question, or none."""
        self._shown = shown
        if shown.question and self.dialog and self.dialog.question_id == shown.question.id:
            self.dialog.update_notes(shown)
        else:
            self._faults = 0
            self._replace()
        self.changed.emit()

    @Slot(object)
    def on_happened(self, activity: Activity) -> None:
        """Say what a rule refused; pass everything on."""
        if activity.outcome is Outcome.BLOCKED and activity.judgement:
            from sendguard.desktop.notice import NotSent

            if self.notice:
                self.notice.close()
            self.notice = NotSent(activity.judgement, self._services.sentences)
            self.notice.show()
            self.notice.raise_()
        self.happened.emit(activity)

    @Slot(object)
    def on_answered(self, answered: Answered) -> None:
        """Let the dialog go, or let the person answer again."""
        if not self.dialog or self.dialog.question_id != answered.given.question_id:
            return
        if answered.result in {Result.TAKEN, Result.GONE, Result.ASKED_AGAIN}:
            self.dialog.withdraw()
            self.dialog = None
        else:
            self.dialog.not_taken(answered.result)

    @Slot()
    def bring_forward(self) -> None:
        """Put the question before the person again; where it was lost, make it anew."""
        if self._shown.question and (self.broken or not self.dialog):
            self._faults = 0
            self._replace()
        if self.dialog:
            self.dialog.show()
            self.dialog.raise_()
            self.dialog.activateWindow()
            QApplication.alert(self.dialog)

    def fault(self) -> None:
        """Something failed in a slot: make the question anew, and when that fails too, let nobody be asked.

        A fault of the other windows, with no question on the screen, is logged and no more.
        """
        if not self._shown.question:
            return
        self._faults += 1
        if self.broken:
            self._bridge.close()
            self.changed.emit()
        else:
            QTimer.singleShot(0, self, self._replace)

    @Slot()
    def _replace(self) -> None:
        from sendguard.desktop.question import QuestionDialog

        follows = self.dialog is not None
        if self.dialog:
            self.dialog.withdraw()
            self.dialog = None
        question = self._shown.question
        if question is None:
            return
        self.dialog = QuestionDialog(
            question,
            self._services.sentences,
            practice=bool(self._services.practice),
            follows=follows,
            arm_after_ms=self._arm_after_ms,
        )
        self.dialog.setWindowIcon(icon("holding"))
        self.dialog.given.connect(self._give)
        self.dialog.update_notes(self._shown)
        self._bridge.open()
        self.bring_forward()

    @Slot(object)
    def _give(self, given: Given) -> None:
        self._bridge.answer(self._services.questions, given)
