"""The rule: what must happen before a submission may leave."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sendguard.audience.audience import Audience, Part
from sendguard.audience.count import Basis
from sendguard.audience.patterns import local_part, matches
from sendguard.mail.submission import Submission
from sendguard.policy.action import Action
from sendguard.policy.checks import notices
from sendguard.policy.reasons import (
    Blocked,
    Grown,
    ManyOutside,
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
from sendguard.policy.rules import ListRule, Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must happen and why, the weightiest reason first.

    ``to_type`` is what the person has to type for CONFIRM_TYPED: the digits of the number, or the name of a list.
    """

    action: Action
    reasons: tuple[Reason, ...] = ()
    to_type: str = ""
    rules_version: str = ""

    def accepts(self, typed: str) -> bool:
        """Whether what was typed is what had to be typed; grouping marks, spaces and case do not matter."""
        if self.action is not Action.CONFIRM_TYPED:
            return self.action is not Action.BLOCK
        return _bare(typed.partition("@")[0]) == _bare(self.to_type)


def verdict(submission: Submission, audience: Audience, rules: Rules) -> Verdict:
    """Decide what must happen before ``submission`` may leave.

    Pure. An audience whose upper bound is open counts as larger than every threshold.
    """
    found = [
        *_list_rules(audience, rules),
        *_sizes(submission, audience, rules),
        *_doubts(submission, audience),
    ]
    noticed = list(notices(submission, audience, rules))
    action = max((action for action, _ in (*found, *noticed)), default=Action.SEND)
    ranked = sorted(found, key=lambda pair: pair[0] is not Action.BLOCK) + noticed
    return Verdict(
        action=action,
        reasons=tuple(reason for _, reason in ranked),
        to_type=_to_type(audience) if action is Action.CONFIRM_TYPED else "",
        rules_version=rules.version,
    )


def _list_rules(audience: Audience, rules: Rules) -> Iterator[tuple[Action, Reason]]:
    for part in audience.parts:
        names = (part.address, *part.path)
        if rule := _matching(names, rules.blocked):
            yield Action.BLOCK, Blocked(part.address, rule.message)
        elif rule := _matching(names, rules.protected):
            yield Action.CONFIRM, Protected(part.address, rule.message)


def _sizes(submission: Submission, audience: Audience, rules: Rules) -> Iterator[tuple[Action, Reason]]:
    count = audience.count
    if rules.block_from and count.reaches(rules.block_from) and not count.is_open:
        yield Action.BLOCK, TooLarge(count, rules.block_from)
    for part in audience.unknown_lists:
        if part.count.basis is Basis.UNKNOWN:
            yield Action.CONFIRM_TYPED, UnknownSize(part.address, part.hint)
    for part in audience.lists:
        if grown := _growth(part, rules):
            yield Action.CONFIRM, grown
    if rules.type_from and _counts_as(audience, rules.type_from):
        yield Action.CONFIRM_TYPED, ReachesMany(count, rules.type_from)
    elif rules.ask_any_from and _counts_as(audience, rules.ask_any_from):
        yield Action.CONFIRM, ReachesMany(count, rules.ask_any_from)
    elif rules.ask_reply_from and submission.kind.is_reply and _counts_as(audience, rules.ask_reply_from):
        yield Action.CONFIRM, ReplyReachesMany(count, rules.ask_reply_from)
    if rules.ask_outside_from and audience.external >= rules.ask_outside_from:
        yield Action.CONFIRM, ManyOutside(audience.external, rules.ask_outside_from)


def _counts_as(audience: Audience, threshold: int) -> bool:
    """An unknown list is asked about by name: only what is known beside it makes the number a reason."""
    count = audience.count
    return count.low >= threshold if count.basis is Basis.UNKNOWN else count.reaches(threshold)


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


def _matching(addresses: tuple[str, ...], rules: tuple[ListRule, ...]) -> ListRule | None:
    return next((rule for rule in rules for address in addresses if matches(address, rule.pattern)), None)


def _bare(text: str) -> str:
    return re.sub(r"[\s.,'’\u00a0\u202f]", "", text).casefold()
