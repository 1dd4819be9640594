"""The window that says what has happened without a question: a message that a rule refused."""

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout

from sendguard.desktop import look
from sendguard.desktop.facts import Facts, Headline
from sendguard.desktop.icons import icon
from sendguard.desktop.layout import buttons
from sendguard.desktop.sheet import Sheet
from sendguard.desktop.text import Tone, Weight, button, safe_label
from sendguard.guard.judge import Judgement
from sendguard.policy.reasons import Blocked, Protected
from sendguard.wording.hostile import shown
from sendguard.wording.reasons import LONGEST_MESSAGE
from sendguard.wording.sentences import Sentences


class NotSent(QDialog):
    """Says that a message was refused, by which rule, in the organisation's own words. It offers no way to send it."""

    def __init__(self, judgement: Judgement, say: Sentences) -> None:
        super().__init__(None, Qt.WindowType.Dialog | Qt.WindowType.WindowStaysOnTopHint)
        text = say.catalogue.text
        own_words = organisations_words(judgement)
        sheet = replace(Sheet.of(without_words(judgement), say), lead=text("It would have gone to"))
        self.setWindowTitle(text("SendGuard: not sent"))
        self.setWindowIcon(icon("trouble"))
        self.setAccessibleName(self.windowTitle())
        self.setAccessibleDescription(" ".join((text("This message was not sent."), own_words, sheet.aloud)))
        self.setMinimumWidth(look.gap(36))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(look.gap(1.2), look.gap(1), look.gap(1.2), look.gap(1))
        rows.setSpacing(look.gap(0.8))
        rows.addWidget(safe_label(text("This message was not sent."), Tone.ACCENT, 1.8, bold=True))
        if own_words:
            rows.addWidget(safe_label(own_words, size=1.2))
        rows.addWidget(safe_label(text("Nobody has received it. It is still in your mail program.")))
        rows.addWidget(Headline(sheet))
        rows.addWidget(Facts(sheet, say))
        close = button(text("Close"), Weight.STRONG)
        close.setDefault(True)
        close.clicked.connect(self.close)
        rows.addLayout(buttons(close))


def without_words(judgement: Judgement) -> Judgement:
    """The same without the organisation's words in its reasons: they stand above, once."""
    bare = (
        replace(why, message="") if isinstance(why, Blocked | Protected) else why for why in judgement.verdict.reasons
    )
    return replace(judgement, verdict=replace(judgement.verdict, reasons=tuple(bare)))


def organisations_words(judgement: Judgement) -> str:
    """What the organisation wrote about the list, cleaned; empty where it wrote nothing."""
    words = (reason.message for reason in judgement.verdict.reasons if isinstance(reason, Blocked | Protected))
    return shown(next(filter(None, words), ""), LONGEST_MESSAGE)
