"""The one way between the guard's threads and Qt's: frozen dataclasses cross it, as signals.

A signal that is emitted on another thread than its receiver's is queued by Qt. Nothing here and in what is imported
before the tray stands touches the ``Qt`` namespace: to make its hundreds of enums takes 12 ms (measured, 6.11).
"""

import threading
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QObject, Signal

from sendguard.desktop import faults
from sendguard.desktop.services import Questions
from sendguard.guard.ledger import LedgerFailed
from sendguard.guard.ports import Activity, Answer, Question
from sendguard.guard.ticket import AskedAgain, CodeSpent, QuestionGone, WrongWord


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be on the screen now, and how many questions wait behind it."""

    question: Question | None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """An answer a person gave in a dialog."""

    question_id: str
    answer: Answer
    typed: str = ""


class Result(Enum):
    """What became of an answer."""

    TAKEN = auto()
    WRONG_WORD = auto()
    CODE_SPENT = auto()
    GONE = auto()
    ASKED_AGAIN = auto()
    LEDGER_FAILED = auto()
    FAULT = auto()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and what became of it."""

    given: Given
    result: Result


class Bridge(QObject):
    """Implements ``guard.ports.Asker`` and is an Observer. Made on the main thread, called from any."""

    shown = Signal(object)
    happened = Signal(object)
    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = threading.Event()

    def connect_to(self, screen: QObject) -> None:
        """Bring everything to ``screen``'s slots ``on_shown``, ``on_happened`` and ``on_answered``, in its order."""
        self.shown.connect(screen.on_shown)  # type: ignore[attr-defined]
        self.happened.connect(screen.on_happened)  # type: ignore[attr-defined]
        self.answered.connect(screen.on_answered)  # type: ignore[attr-defined]

    @property
    def can_ask(self) -> bool:
        """Whether a dialog can be shown: from the first turn of the main loop until it ends or the dialog fails."""
        return self._open.is_set()

    def open(self) -> None:
        """From now on somebody can be asked."""
        self._open.set()

    def close(self) -> None:
        """From now on nobody can be asked: what needs an answer is refused."""
        self._open.clear()

    def show(self, question: Question | None, waiting: int) -> None:
        """Have this question on the screen. Any thread."""
        self.shown.emit(Shown(question, waiting))

    def observe(self, activity: Activity) -> None:
        """Carry what happened. Any thread."""
        self.happened.emit(activity)

    def answer(self, questions: Questions, given: Given) -> None:
        """Hand an answer to the gatekeeper on a thread of its own; ``answered`` says what became of it."""
        threading.Thread(target=self._answer, args=(questions, given), name="answer", daemon=True).start()

    def _answer(self, questions: Questions, given: Given) -> None:
        try:
            questions.answer(given.question_id, given.answer, given.typed)
            result = Result.TAKEN
        except CodeSpent:
            result = Result.CODE_SPENT
        except WrongWord:
            result = Result.WRONG_WORD
        except QuestionGone:
            result = Result.GONE
        except AskedAgain:
            result = Result.ASKED_AGAIN
        except LedgerFailed:
            result = Result.LEDGER_FAILED
        except Exception as error:  # a thread's top: the message stays held, the person may answer again
            faults.log(error)
            result = Result.FAULT
        self.answered.emit(Answered(given, result))
