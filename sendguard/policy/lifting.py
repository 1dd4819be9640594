"""Rules about lists and conversations that a message meets, and who can go on all the same."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sendguard.audience.audience import Audience
from sendguard.audience.patterns import matches
from sendguard.mail.submission import Submission
from sendguard.policy.action import Action
from sendguard.policy.reasons import Blocked, MayApprove, NeedsCode, Protected
from sendguard.policy.rules import ListRule, Rules

_ALIKE = str.maketrans("OIL", "011")
"""Letters that are read for digits when a code is told on the telephone."""


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that a message meets: what it demands, why, and the digests of the codes that would lift it.

    ``named``: the organisation has blocked this very list or conversation; nothing softens that.
    """

    action: Action
    reason: Blocked | NeedsCode | MayApprove | Protected
    codes: tuple[str, ...] = ()
    named: bool = False


def rules_met(submission: Submission, audience: Audience, rules: Rules) -> tuple[Met, ...]:
    """Every rule about lists and conversations that the message meets.

    Where several can be lifted by a code, one code must lift all of them; where none does, they are blocked.
    """
    met = (*_lists(submission, audience, rules), *_threads(submission, rules))
    needing = [each for each in met if each.codes]
    if not needing:
        return met
    common = set(needing[0].codes).intersection(*(each.codes for each in needing))
    return tuple(_with_codes(each, common) if each.codes else each for each in met)


def _with_codes(met: Met, common: set[str]) -> Met:
    if common:
        return Met(met.action, met.reason, tuple(sorted(common)), met.named)
    reason = met.reason
    approvers = reason.approvers if isinstance(reason, NeedsCode) else ()
    return Met(Action.BLOCK, Blocked(reason.address, reason.message, approvers), named=met.named)


def digest_of(code: str) -> str:
    """The digest a rule knows an override code by; spaces, dashes, case and look-alike letters do not matter."""
    bare = re.sub(r"[^0-9A-Z]", "", code.upper()).translate(_ALIKE)
    return hashlib.sha256(bare.encode()).hexdigest()


def _lists(submission: Submission, audience: Audience, rules: Rules) -> Iterator[Met]:
    for part in audience.parts:
        names = (part.address, *part.path)
        blocked = _matching(names, rules.blocked)
        yield from (_met(rule, part.address, submission, named=True) for rule in blocked)
        for rule in () if blocked else _matching(names, rules.protected):
            if rule.can_be_lifted:
                yield _met(rule, part.address, submission, named=False)
            else:
                yield Met(Action.CONFIRM, Protected(part.address, rule.message))


def _threads(submission: Submission, rules: Rules) -> Iterator[Met]:
    message = submission.message
    earlier = {message.in_reply_to, message.forwarded_id, *message.references}
    for rule in rules.blocked_threads:
        if f"<{rule.pattern.strip('<>')}>" in earlier:
            yield _met(rule, "", submission, named=True)


def _met(rule: ListRule, address: str, submission: Submission, *, named: bool) -> Met:
    senders = {box.address for box in submission.message.originators} | {submission.envelope.originator} - {""}
    if senders and senders <= set(rule.approvers):
        return Met(Action.CONFIRM, MayApprove(address, rule.message), named=named)
    if rule.codes:
        return Met(Action.CONFIRM_TYPED, NeedsCode(address, rule.message, rule.approvers), rule.codes, named)
    return Met(Action.BLOCK, Blocked(address, rule.message, rule.approvers), named=named)


def _matching(addresses: tuple[str, ...], rules: tuple[ListRule, ...]) -> tuple[ListRule, ...]:
    return tuple(rule for rule in rules if any(matches(address, rule.pattern) for address in addresses))
