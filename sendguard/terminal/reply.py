"""How questions are answered in a terminal."""

from collections.abc import Callable

from sendguard.guard.ports import Answer, Question
from sendguard.policy.action import Action
from sendguard.settings.setting import N_
from sendguard.wording.sentences import Sentences

Print = Callable[[str], None]
ANSWERS = {
    Answer.DONT_SEND: N_("don't send"),
    Answer.REPLY_TO_SENDER: N_("reply to the sender only"),
    Answer.MOVE_TO_BCC: N_("move them to Bcc"),
    Answer.SEND: N_("send"),
}
KEYS = {"r": Answer.REPLY_TO_SENDER, "b": Answer.MOVE_TO_BCC}
"""What a person types for the ways out between sending and not."""
ReadLine = Callable[[str], str]
"""Prints a prompt and reads a line; raises EOFError at the end of the input."""


def by_rule(answer: Answer) -> Callable[[Question], tuple[Answer, str]]:
    """Answer every question alike. Where only the outbox can reply to the sender, elsewhere that is "don't send"."""

    def reply(question: Question) -> tuple[Answer, str]:
        if not question.judgement.submission.offers(answer.value):
            return Answer.DONT_SEND, ""
        if question.judgement.verdict.codes:  # no rule knows a code
            return Answer.DONT_SEND, ""
        return answer, question.judgement.verdict.to_type

    return reply


class Shown:
    """Answers by a rule, and prints the question it answers, so that a person sees what they would have been asked."""

    def __init__(self, rule: Callable[[Question], tuple[Answer, str]], say: Sentences, show: Print) -> None:
        self._rule = rule
        self._say = say
        self._show = show

    def __call__(self, question: Question) -> tuple[Answer, str]:
        """Print, and answer."""
        for line in question_lines(self._say, question):
            self._show(line)
        answer, typed = self._rule(question)
        text = self._say.catalogue.text
        self._show(text("  Nobody is asked here. The answer given: {answer}", answer=text(ANSWERS[answer])))
        return answer, typed


class ByPerson:
    """Prints the question as the window shows it, and takes a line for the answer. No line means: don't send."""

    def __init__(self, say: Sentences, show: Print, read: ReadLine) -> None:
        self._say = say
        self._show = show
        self._read = read

    def __call__(self, question: Question) -> tuple[Answer, str]:
        """Ask; the end of the input is "don't send"."""
        for line in question_lines(self._say, question):
            self._show(line)
        verdict = question.judgement.verdict
        offered = {key: answer for key, answer in KEYS.items() if question.judgement.submission.offers(answer.value)}
        typed_way = verdict.action is Action.CONFIRM_TYPED
        text = self._say.catalogue.text
        send = self._say.send_to(question.judgement.audience.count)
        self._show(text("  Enter: don't send"))
        for key, answer in offered.items():
            self._show(f"  {key}: {text(ANSWERS[answer])}")
        word = text("the code you were given") if verdict.codes else verdict.to_type if typed_way else "send"
        self._show(text("  {word}: {send}", word=word, send=send))
        try:
            line = self._read("> ").strip()
        except EOFError:
            return Answer.DONT_SEND, ""
        if line in offered:
            return offered[line], ""
        if line and (verdict.accepts(line) if typed_way else line == "send"):
            return Answer.SEND, line
        return Answer.DONT_SEND, ""


def question_lines(say: Sentences, question: Question) -> list[str]:
    """The question in lines, the number first."""
    audience = question.judgement.audience
    lines = ["", f"  {say.people(audience.count)}", f"  {say.basis(audience.count)}"]
    lines += [f"  {line}" for line in say.lists(audience)]
    lines += [f"  - {say.reason(reason)}" for reason in question.judgement.verdict.reasons]
    return [*lines, ""]
