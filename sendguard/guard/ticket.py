"""A hook's hold on one submission, what was decided about it, and what can keep an answer from counting."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome, Record, State
from sendguard.guard.ports import Question
from sendguard.mail import digest


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a submission. ``reasons`` are those of the judgement it was made on."""

    outcome: Outcome
    judgement: Judgement
    at: datetime

    @property
    def sends(self) -> bool:
        """Whether the message may go out as it is."""
        return self.outcome is Outcome.SEND


class NotApproved(Exception):
    """What is about to be sent is not what was approved; ``what`` is ``message``, ``policy`` or ``time``."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class QuestionGone(Exception):
    """The question was answered or withdrawn before."""


class WrongWord(Exception):
    """What had to be typed was not what was typed. The question stays."""


class CodeSpent(WrongWord):
    """The override code that was typed had been used before. The question stays."""


class AskedAgain(Exception):
    """The answer no longer fitted; the question is on the screen again, with the reason."""


@dataclass(slots=True)
class Ticket:
    """A hook's hold on one submission. ``decision`` is done once somebody, or the rules, decided."""

    id: str
    judgement: Judgement
    binding: bytes
    received_at: datetime
    retry_key: bytes = b""
    decision: Future[Decision] = field(default_factory=Future)
    decided: Decision | None = None
    in_ledger: bool = False
    attached: bool = True
    asked_at: datetime | None = None
    shown_at: datetime | None = None
    question_id: str = ""
    detail: str = ""
    withdrawn: bool = False

    @property
    def question(self) -> Question:
        """What its person is asked."""
        return Question(self.question_id, self.judgement, self.asked_at or self.received_at, self.attached)

    def record(self, state: State, at: datetime, *, asked: bool, outcome: Outcome | None) -> Record:
        """Its row of the ledger, as it stands now."""
        submission, count = self.judgement.submission, self.judgement.audience.count
        return Record(
            id=self.id,
            hook=submission.hook,
            account=submission.account,
            state=state,
            kind=submission.kind,
            typed=self.judgement.audience.typed,
            low=count.low,
            high=count.high,
            basis=count.basis,
            action=self.judgement.verdict.weight,
            reasons=tuple(reason.code for reason in self.judgement.verdict.reasons),
            rules_version=self.judgement.verdict.rules_version,
            received_at=self.received_at,
            changed_at=at,
            binding=self.binding,
            retry_key=self.retry_key or digest.retry_key_of(submission),
            message_id=submission.message.message_id,
            asked=asked,
            outcome=outcome,
            detail=self.detail,
        )
