"""The lower part of a question: the ways out. The safe one is loud and first; the one that sends is quiet and late."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.arming import Arming
from sendguard.desktop.sheet import Sheet
from sendguard.desktop.text import Tone, Weight, button, label_for, outlined, safe_label
from sendguard.policy.verdict import Verdict
from sendguard.wording.sentences import Sentences

CODE_LETTERS = 16
"""Letters and digits of an override code as ``sendguard policy code`` makes it."""


class WaysOut(QWidget):
    """Don't send · reply to the sender only · move them to Bcc · send. Knows by itself what may be pressed now."""

    dont_send = Signal()
    reply_to_sender = Signal()
    move_to_bcc = Signal()
    send = Signal(str)

    def __init__(
        self, sheet: Sheet, verdict: Verdict, say: Sentences, arming: Arming, offers: Callable[[str], bool]
    ) -> None:
        super().__init__()
        text = say.catalogue.text
        self._verdict = verdict
        self._say = say
        self._wanted = sheet.to_type
        self._arming = arming
        self._busy = False
        self.field = outlined(QLineEdit()) if sheet.type_prompt else None
        self.hint = safe_label(tone=Tone.ACCENT)
        self.send_button = button(sheet.send, Weight.QUIET)
        self.reply_button = button(text("Reply to the sender only")) if offers("reply_to_sender") else None
        self.bcc_button = button(text("Move them to Bcc")) if offers("move_to_bcc") else None
        self.dont_send_button = button(text("Don’t send"), Weight.STRONG)
        self.dont_send_button.setDefault(True)
        self._lay_out(sheet)
        self.send_button.clicked.connect(self._send)
        self.dont_send_button.clicked.connect(self.dont_send)
        if self.reply_button:
            self.reply_button.clicked.connect(self.reply_to_sender)
        if self.bcc_button:
            self.bcc_button.clicked.connect(self.move_to_bcc)
        arming.changed.connect(self.refresh)
        self.refresh()

    @property
    def typed(self) -> str:
        """What stands in the field; empty where there is none."""
        return self.field.text() if self.field else ""

    @property
    def may_send(self) -> bool:
        """Whether the button that sends can be pressed now."""
        return self._arming.armed and not self._busy and self._verdict.accepts(self.typed)

    @property
    def tab_order(self) -> tuple[QWidget, ...]:
        """The controls as the tab key goes through them: the safe ones first."""
        controls = (self.dont_send_button, self.reply_button, self.bcc_button, self.field, self.send_button)
        return tuple(control for control in controls if control is not None)

    def refresh(self) -> None:
        """Bring the buttons up to date."""
        self.send_button.setEnabled(self.may_send)
        for safe in (self.dont_send_button, self.reply_button, self.bcc_button):
            if safe:
                safe.setEnabled(not self._busy)

    def wait(self, *, busy: bool) -> None:
        """While an answer is on its way no other can be given."""
        self._busy = busy
        self.refresh()

    def say_why(self, sentence: str) -> None:
        """Say something about an answer that could not be taken; empty for nothing."""
        self.hint.setText(sentence)
        self.hint.setVisible(bool(sentence))

    def enter(self) -> None:
        """The Enter key, with the focus on another control than "Don't send": it never sends."""
        text = self._say.catalogue.text
        if self.field and self.field.hasFocus() and not self._verdict.accepts(self.typed):
            self.say_not_this()
        elif self.may_send:
            self.send_button.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.say_why(text("Enter does not send. Press the space bar, or click."))

    def say_not_this(self) -> None:
        """Say that what was typed is not what has to be typed."""
        text = self._say.catalogue.text
        self.say_why(
            text("This is not {wanted}.", wanted=self._wanted) if self._wanted else text("This code is wrong.")
        )

    def _send(self) -> None:
        if self.may_send:
            self.send.emit(self.typed)

    def _typed(self) -> None:
        self.say_why("")
        marks = sum(map(str.isalnum, self.typed))
        enough = sum(map(str.isalnum, self._wanted)) or CODE_LETTERS
        if not self._verdict.accepts(self.typed) and marks >= enough:
            self.say_not_this()
        self.refresh()

    def _lay_out(self, sheet: Sheet) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(look.gap(0.5))
        if self.field:
            self.field.setObjectName("typed")
            self.field.setFixedWidth(look.gap(12 if sheet.to_type else 18))
            self.field.textChanged.connect(self._typed)
            rows.addWidget(label_for(self.field, sheet.type_prompt))
            self.field.setAccessibleDescription(sheet.to_type)
            typing = QHBoxLayout()
            typing.setSpacing(look.gap(0.6))
            typing.addWidget(self.field)
            typing.addWidget(safe_label(sheet.to_type, bold=True), 1)
            rows.addLayout(typing)
        self.hint.hide()
        rows.addWidget(self.hint)
        buttons = QHBoxLayout()
        buttons.setSpacing(look.gap(0.6))
        buttons.addWidget(self.send_button)
        buttons.addStretch(1)
        for safe in (self.bcc_button, self.reply_button, self.dont_send_button):
            if safe:
                buttons.addWidget(safe)
        rows.addLayout(buttons)
