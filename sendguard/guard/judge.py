"""Audience and verdict of a submission in one step, under the rules of this moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sendguard.audience.audience import Audience, Seen
from sendguard.audience.source import Query
from sendguard.mail.submission import Submission
from sendguard.policy.rules import Rules
from sendguard.policy.verdict import Verdict, verdict


class SizeMemory(Protocol):
    """The sizes lists had over the last year, as ``audience.history`` says."""

    def last(self, addresses: tuple[str, ...], now: datetime) -> Mapping[str, Seen]:
        """What the lists among those addresses that were seen before are measured against."""
        ...

    def remember(self, sizes: Mapping[str, int], at: datetime, *, answered: bool) -> None:
        """Put down the sizes of lists as they are now. ``answered``: a person was asked, and has sent to them."""
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
        """Count the people behind a submission and decide. The lists are remembered at their sizes."""
        audience = self._resolve(query_for(submission))
        audience = replace(audience, typed=submission.typed or audience.typed)
        lists, now = tuple(part.address for part in audience.lists), self._clock()
        audience = audience.with_seen(self._memory.last(lists, now), now) if lists else audience
        self._put_down(audience, now, answered=False)
        return Judgement(submission, audience, verdict(submission, audience, self._rules()))

    def remember(self, judgement: Judgement) -> None:
        """After a send: a person who was asked knows the sizes of the lists, and is not asked again for them.

        Who was not asked knows nothing: else a list that grows a little from send to send would never be noticed.
        """
        if judgement.verdict.action.asks:
            self._put_down(judgement.audience, self._clock(), answered=True)

    def _put_down(self, audience: Audience, at: datetime, *, answered: bool) -> None:
        sizes = {part.address: part.count.high for part in audience.lists if part.count.high is not None}
        if sizes:
            self._memory.remember(sizes, at, answered=answered)

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
