"""The rule: what must happen before a submission may leave."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from sendguard.audience.audience import Audience, Part
from sendguard.audience.count import Basis, Count
from sendguard.audience.patterns import local_part
from sendguard.mail.submission import Submission
from sendguard.policy.action import Action
from sendguard.policy.checks import notices
from sendguard.policy.lifting import digest_of, rules_met
from sendguard.policy.reasons import (
    Blocked,
    Grown,
    ManyOutside,
    MayApprove,
    NeedsCode,
    NoRecipients,
    Protected,
    ReachesMany,
    Reason,
    ReplyReachesMany,
    SourcesDisagree,
    SourceSilent,
    TooLarge,
    UnknownSize,
    Unreadable,
)
from sendguard.policy.rules import Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must happen and why, the weightiest reason first.

    ``to_type`` is what the person has to type for CONFIRM_TYPED: the digits of the number, or the name of a list.
    ``codes`` are the digests of the codes one of which has to be typed instead: then ``to_type`` is empty.
    ``monitored`` is what would have happened if the organisation did not only monitor; None where it does not.
    """

    action: Action
    reasons: tuple[Reason, ...] = ()
    to_type: str = ""
    rules_version: str = ""
    codes: tuple[str, ...] = ()
    monitored: Action | None = None

    @property
    def weight(self) -> Action:
        """What the message weighs, whether or not anybody acts on it."""
        return self.action if self.monitored is None else self.monitored

    def accepts(self, typed: str) -> bool:
        """Whether what was typed is what had to be typed; grouping marks, spaces and case do not matter."""
        if self.action is not Action.CONFIRM_TYPED:
            return self.action is not Action.BLOCK
        if self.codes:
            return digest_of(typed) in self.codes
        return _bare(typed.partition("@")[0]) == _bare(self.to_type)

    def is_stricter_than(self, other: "Verdict") -> bool:
        """Whether who was asked because of the other one has to be asked again: more is demanded, or IT says more."""
        told = set(other.reasons)
        more = any(isinstance(each, _BY_NAME) and each not in told for each in self.reasons)
        return self.action > other.action or (bool(self.codes) and self.codes != other.codes) or more


_BY_NAME = (Blocked, NeedsCode, MayApprove, Protected)
"""What the organisation says of single lists and conversations."""


def verdict(submission: Submission, audience: Audience, rules: Rules) -> Verdict:
    """Decide what must happen before ``submission`` may leave.

    Pure. An audience whose upper bound is open counts as larger than every threshold.
    """
    met = rules_met(submission, audience, rules)
    found: list[tuple[Action, Reason]] = [
        *((each.action, each.reason) for each in met),
        *_sizes(submission, audience, rules),
        *_doubts(submission, audience),
    ]
    noticed = list(notices(submission, audience, rules))
    weight = max((action for action, _ in (*found, *noticed)), default=Action.SEND)
    named = max((each.action for each in met if each.named), default=Action.SEND)
    action = named if rules.monitor_only else weight
    codes = next((each.codes for each in met if each.codes and (each.named or not rules.monitor_only)), ())
    ranked = sorted(found, key=lambda pair: pair[0] is not Action.BLOCK) + noticed
    typed = action is Action.CONFIRM_TYPED
    return Verdict(
        action=action,
        reasons=tuple(reason for _, reason in ranked),
        to_type=_to_type(audience) if typed and not codes else "",
        rules_version=rules.version,
        codes=codes if typed else (),
        monitored=weight if rules.monitor_only else None,
    )


def _sizes(submission: Submission, audience: Audience, rules: Rules) -> Iterator[tuple[Action, Reason]]:
    count, size = audience.count, weighs(audience.count)
    if rules.block_from and count.reaches(rules.block_from) and not count.is_open:
        yield Action.BLOCK, TooLarge(count, rules.block_from)
    for part in audience.unknown_lists:
        if part.count.basis is Basis.UNKNOWN:
            yield Action.CONFIRM_TYPED, UnknownSize(part.address, part.hint)
    for part in audience.lists:
        if grown := _growth(part, rules):
            yield Action.CONFIRM, grown
    if rules.type_from and size >= rules.type_from:
        yield Action.CONFIRM_TYPED, ReachesMany(count, rules.type_from)
    elif rules.ask_any_from and size >= rules.ask_any_from:
        yield Action.CONFIRM, ReachesMany(count, rules.ask_any_from)
    elif rules.ask_reply_from and submission.kind.is_reply and size >= rules.ask_reply_from:
        yield Action.CONFIRM, ReplyReachesMany(count, rules.ask_reply_from)
    if rules.ask_outside_from and audience.external >= rules.ask_outside_from:
        yield Action.CONFIRM, ManyOutside(audience.external, rules.ask_outside_from)


def weighs(count: Count) -> float:
    """The number that thresholds are compared with; infinite for an open count.

    An unknown list is asked about by name: what is known beside it counts.
    """
    if count.basis is Basis.UNKNOWN:
        return count.low
    return inf if count.high is None else count.high


def _growth(part: Part, rules: Rules) -> Grown | None:
    now, seen = part.count.high if part.count.high is not None else part.count.low, part.seen
    if seen is None or rules.growth_factor <= 0 or part.count.basis is Basis.UNKNOWN:
        return None
    if now < seen.people * rules.growth_factor or now - seen.people < rules.growth_by:
        return None
    return Grown(part.address, seen.people, seen.at, now)


def _doubts(submission: Submission, audience: Audience) -> Iterator[tuple[Action, Reason]]:
    for missed in audience.missed:
        yield Action.CONFIRM, SourceSilent(missed.source, missed.why)
    for differs in audience.disagreements:
        yield Action.CONFIRM, SourcesDisagree(differs.address, differs.one, differs.other)
    for problem in sorted(submission.message.problems):
        yield Action.CONFIRM, Unreadable(problem)
    if not audience.typed:
        yield Action.CONFIRM, NoRecipients()


def _to_type(audience: Audience) -> str:
    """The number when there is one; for a list of unknown size the part of its address before the ``@``."""
    if audience.count.basis is Basis.UNKNOWN and audience.unknown_lists:
        return local_part(audience.unknown_lists[0].address)
    return str(audience.count.high if audience.count.high is not None else audience.count.low)


def _bare(text: str) -> str:
    return re.sub(r"[\s.,'’\u00a0\u202f]", "", text).casefold()
