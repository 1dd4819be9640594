"""A question in the terminal: printed, and answered by a line that is typed, or by a rule."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

from sendguard.guard.ledger import LedgerFailed
from sendguard.guard.ports import Answer, Question
from sendguard.guard.ticket import AskedAgain, QuestionGone, WrongWord

log = logging.getLogger(__name__)


class Questions(Protocol):
    """The part of the gatekeeper that takes answers."""

    def answer(self, question_id: str, answer: Answer, typed: str = "") -> None:
        """Take an answer."""
        ...


Reply = Callable[[Question], tuple[Answer, str]]
"""Finds the answer to a question, and what is typed with it. May block for as long as a person needs."""


class TerminalAsker:
    """``guard.ports.Asker``: answers one question after the other on a thread of its own."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._questions: Questions | None = None
        self._waiting: queue.SimpleQueue[Question] = queue.SimpleQueue()
        self._asked: set[str] = set()

    def answer_to(self, questions: Questions) -> None:
        """Start to ask; before, nobody can be asked."""
        self._questions = questions
        threading.Thread(target=self._work, name="terminal", daemon=True).start()

    @property
    def can_ask(self) -> bool:
        """Whether somebody takes the answers."""
        return self._questions is not None

    def show(self, question: Question | None, waiting: int) -> None:
        """Ask this next; a question that was shown before is not asked twice."""
        if question is not None and question.id not in self._asked:
            self._asked.add(question.id)
            self._waiting.put(question)

    def _work(self) -> None:
        """The thread that asks. When it fails, nobody can be asked any more."""
        try:
            while self._questions is not None:
                self._ask(self._questions, self._waiting.get())
        except Exception as error:  # a terminal that has gone, above all: its words may hold mail
            log.error("the terminal asks no more: %s", type(error).__name__)  # noqa: TRY400
        finally:
            self._questions = None

    def _ask(self, questions: Questions, question: Question) -> None:
        answer, typed = self._reply(question)
        try:
            questions.answer(question.id, answer, typed)
        except WrongWord:
            self._waiting.put(question)
        except (QuestionGone, AskedAgain, LedgerFailed):
            pass  # withdrawn; or asked again under another id; or not written down, and so not sent
