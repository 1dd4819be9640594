"""The question: a window that holds a message until its person has answered."""

from itertools import pairwise

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.arming import ARM_AFTER_MS, Arming
from sendguard.desktop.bridge import Given, Result, Shown
from sendguard.desktop.facts import Against, Facts, Headline
from sendguard.desktop.picture import Picture
from sendguard.desktop.sheet import Sheet
from sendguard.desktop.text import Tone, safe_label
from sendguard.desktop.ways_out import WaysOut
from sendguard.guard.ports import Answer, Question
from sendguard.wording.sentences import Sentences

DEAF_MS = 400
"""How long a question that follows another takes no answer: a double click on the first is no answer to the second."""


class Middle(QScrollArea):
    """What may be scrolled where the screen is small: it asks for the height its text needs."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setWidget(inside)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._inside = inside
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:
        """The height at which nothing has to be scrolled."""
        return self._inside.heightForWidth(width)

    def sizeHint(self) -> QSize:
        """The size of what is inside."""
        return self._inside.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """A few lines: the ways out below must stay on the screen."""
        return QSize(look.gap(20), look.gap(6))


class QuestionDialog(QDialog):
    """One question. Enter, Esc and closing the window mean "Don't send"; sending wants a click or the space bar."""

    given = Signal(object)

    def __init__(
        self,
        question: Question,
        say: Sentences,
        *,
        practice: bool = False,
        follows: bool = False,
        arm_after_ms: int = ARM_AFTER_MS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.WindowStaysOnTopHint)
        judgement = question.judgement
        self.question_id = question.id
        self._say = say
        self._answered = False
        self._deaf = follows
        self.sheet = Sheet.of(judgement, say)
        self.arming = Arming(arm_after_ms, self)
        self.ways_out = WaysOut(self.sheet, judgement.verdict, say, self.arming, judgement.submission.offers)
        self._client_note = safe_label()
        self._waiting_note = safe_label(" ", tone=Tone.QUIET)
        keeps_its_place = self._waiting_note.sizePolicy()
        keeps_its_place.setRetainSizeWhenHidden(True)
        self._waiting_note.setSizePolicy(keeps_its_place)
        self.setWindowModality(Qt.WindowModality.ApplicationModal)
        self.setWindowTitle(say.catalogue.text("SendGuard asks: send this message?"))
        self.setAccessibleName(self.windowTitle())
        self.setAccessibleDescription(self.sheet.aloud)
        self._middle = self._make_middle(Picture.of(judgement.audience), practice=practice)
        self._lay_out()
        self.ways_out.dont_send.connect(self.reject)
        self.ways_out.reply_to_sender.connect(self._reply_to_sender)
        self.ways_out.move_to_bcc.connect(self._move_to_bcc)
        self.ways_out.send.connect(self._send)
        self.update_notes(Shown(question))
        self._fit()
        if follows:
            QTimer.singleShot(DEAF_MS, self, self._listen)

    def update_notes(self, shown: Shown) -> None:
        """Say how many others wait, and whether the mail program still does."""
        say = self._say.catalogue
        waits = shown.question is None or shown.question.client_waits
        self._client_note.setText(
            ""
            if waits
            else say.text("Your mail program was told to try again: after your answer press Send there again.")
        )
        self._client_note.setVisible(not waits)
        self._waiting_note.setText(
            say.plural(
                "{n} more message waits behind this one.", "{n} more messages wait behind this one.", shown.waiting
            )
        )
        self._waiting_note.setVisible(shown.waiting > 0)
        self._rows.invalidate()
        if self.isVisible() and self.height() < self._rows.totalHeightForWidth(self.width()):
            self._fit()

    def not_taken(self, result: Result) -> None:
        """The answer could not be taken: say why, and let the person answer again."""
        text = self._say.catalogue.text
        self._answered = False
        self.ways_out.wait(busy=False)
        if result is Result.WRONG_WORD:
            self.ways_out.say_not_this()
        elif result is Result.CODE_SPENT:
            self.ways_out.say_why(text("This code was used before. Ask for another one."))
        elif result is Result.LEDGER_FAILED:
            self.ways_out.say_why(self._say.trouble("ledger"))
        else:
            self.ways_out.say_why(text("Your answer could not be taken. The message is still held; answer again."))

    def withdraw(self) -> None:
        """Close without an answer: it was given, or nobody wants it any more."""
        self._answered = True
        self.hide()
        self.deleteLater()

    def reject(self) -> None:
        """Esc, Enter, the window's own close button."""
        self._give(Answer.DONT_SEND)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter answers only from where nothing else is meant; a key that is held down answers nothing."""
        enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if event.isAutoRepeat() and (enter or event.key() == Qt.Key.Key_Escape):
            return
        elsewhere: set[QWidget | None] = {
            self.ways_out.send_button, self.ways_out.reply_button, self.ways_out.bcc_button,
        }  # fmt: skip
        if self.ways_out.typed:
            elsewhere.add(self.ways_out.field)
        if enter and self.focusWidget() in elsewhere:
            self.ways_out.enter()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Arm only while the window has the focus."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.ActivationChange:
            if self.isActiveWindow():
                self.arming.begin()
            else:
                self.arming.disarm()

    def showEvent(self, event: QShowEvent) -> None:
        """Open with the focus on "Don't send"."""
        super().showEvent(event)
        self.ways_out.dont_send_button.setFocus()

    def _listen(self) -> None:
        self._deaf = False

    def _reply_to_sender(self) -> None:
        self._give(Answer.REPLY_TO_SENDER)

    def _move_to_bcc(self) -> None:
        self._give(Answer.MOVE_TO_BCC)

    def _send(self, typed: str) -> None:
        self._give(Answer.SEND, typed)

    def _give(self, answer: Answer, typed: str = "") -> None:
        if self._answered or self._deaf:
            return
        self._answered = True
        self.ways_out.say_why("")
        self.ways_out.wait(busy=True)
        self.given.emit(Given(self.question_id, answer, typed))

    def _make_middle(self, picture: Picture, *, practice: bool) -> "Middle":
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, look.gap(0.3), 0)
        rows.setSpacing(look.gap(0.8))
        if practice:
            rows.addWidget(
                safe_label(self._say.catalogue.text("Practice: nothing leaves this computer."), Tone.ACCENT, bold=True)
            )
        rows.addWidget(Headline(self.sheet))
        rows.addWidget(Against(self.sheet, picture))
        rows.addWidget(Facts(self.sheet, self._say))
        rows.addStretch(1)
        return Middle(inside)

    def _lay_out(self) -> None:
        rows = self._rows = QVBoxLayout(self)
        rows.setContentsMargins(look.gap(1.2), look.gap(1), look.gap(1.2), look.gap(1))
        rows.setSpacing(look.gap(0.7))
        rows.addWidget(self._middle, 1)
        rows.addWidget(self._client_note)
        rows.addWidget(self._waiting_note)
        rows.addWidget(self.ways_out)
        order = self.ways_out.tab_order
        for one, other in pairwise(order):
            QWidget.setTabOrder(one, other)

    def _fit(self) -> None:
        """Take a comfortable width and the height the text needs at it, within nine tenths of the screen."""
        room: QSize = self.screen().availableSize() * 0.9
        width = min(look.gap(50), room.width())
        self.resize(width, min(room.height(), self._rows.totalHeightForWidth(width)))
        below = self.frameGeometry().bottom() - self.screen().availableGeometry().bottom()
        if self.isVisible() and below > 0:
            self.move(self.x(), self.y() - below)
