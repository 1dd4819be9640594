"""Audience and verdict of a submission in one step, under the rules of this moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sendguard.audience.audience import Audience, Seen
from sendguard.audience.source import Query
from sendguard.mail.submission import Submission
from sendguard.policy.reasons import Grown
from sendguard.policy.rules import Rules
from sendguard.policy.verdict import Verdict, verdict


class SizeMemory(Protocol):
    """The size each list had when it was last seen."""

    def last(self, addresses: tuple[str, ...]) -> Mapping[str, Seen]:
        """The remembered sizes of those addresses that have one."""
        ...

    def remember(self, sizes: Mapping[str, int], at: datetime) -> None:
        """Put down the sizes of lists as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """A submission with the people it reaches and what we think of it."""

    submission: Submission
    audience: Audience
    verdict: Verdict

    @property
    def audience_key(self) -> str:
        """What an answer is bound to besides the message: how many people, and how that is known."""
        count = self.audience.count
        return f"{count.low}-{count.high}-{count.basis}-{self.audience.external}"

    def says_as(self, other: "Judgement") -> bool:
        """Whether a person who knows the other one learns nothing new: as strict, and as many people."""
        return self.verdict.action is other.verdict.action and self.audience_key == other.audience_key


class Judge:
    """Finds judgements. May be called from any thread; takes at most the resolver's deadline."""

    def __init__(
        self,
        resolve: Callable[[Query], Audience],
        rules: Callable[[], Rules],
        memory: SizeMemory,
        clock: Callable[[], datetime],
    ) -> None:
        self._resolve = resolve
        self._rules = rules
        self._memory = memory
        self._clock = clock

    def judge(self, submission: Submission) -> Judgement:
        """Count the people behind a submission and decide. A list that has not grown is remembered at its size."""
        audience = self._resolve(query_for(submission))
        lists = tuple(part.address for part in audience.lists)
        audience = audience.with_seen(dict(self._memory.last(lists))) if lists else audience
        found = verdict(submission, audience, self._rules())
        judgement = Judgement(submission, audience, found)
        if lists and not any(isinstance(reason, Grown) for reason in found.reasons):
            self.remember(judgement)
        return judgement

    def remember(self, judgement: Judgement) -> None:
        """Put down the sizes of the lists in a judgement: after a send, the person knows them."""
        sizes = {part.address: part.count.high for part in judgement.audience.lists if part.count.high is not None}
        if sizes:
            self._memory.remember(sizes, self._clock())

    def rules_version(self) -> str:
        """The version of the rules in force now."""
        return self._rules().version


def query_for(submission: Submission) -> Query:
    """Whom to count for a submission, and what its original says about lists."""
    original = submission.original
    query = Query(submission.envelope.recipients, submission.originators)
    if original is None:
        return query
    authors = {box.address for box in original.originators}
    answers_go_to = [box for box in original.reply_to if box.address not in authors]
    return replace(
        query,
        list_signs=original.list_signs,
        original_addresses=frozenset(box.address for box in (*original.visible, *answers_go_to)),
    )
