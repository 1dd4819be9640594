"""Judgements as data for other programs: the JSON of the command line."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sendguard.audience.audience import Part
from sendguard.audience.count import Count
from sendguard.guard.judge import Judgement
from sendguard.policy.action import Action
from sendguard.policy.reasons import Reason

VERDICTS = {
    Action.SEND: "send",
    Action.NOTICE: "notice",
    Action.CONFIRM: "confirm",
    Action.CONFIRM_TYPED: "confirm",
    Action.BLOCK: "block",
}
FRICTION = {Action.CONFIRM: "button", Action.CONFIRM_TYPED: "type"}


def report(judgement: Judgement) -> dict[str, Any]:
    """A judgement: ``kind typed audience external verdict friction reasons``, and beside them what explains it."""
    action = judgement.verdict.action
    return {
        "kind": judgement.submission.kind.value,
        "typed": judgement.audience.typed,
        "audience": count_report(judgement.audience.count),
        "external": judgement.audience.external,
        "verdict": VERDICTS[action],
        "friction": FRICTION.get(action),
        "reasons": [reason_report(reason) for reason in judgement.verdict.reasons],
        "trimmed": judgement.submission.trimmed,
        "to_type": judgement.verdict.to_type or None,
        "needs_code": bool(judgement.verdict.codes),
        "monitored": VERDICTS[judgement.verdict.weight] if judgement.verdict.monitored is not None else None,
        "lists": [part_report(part) for part in judgement.audience.lists],
    }


def count_report(count: Count) -> dict[str, Any]:
    """A count: ``low high basis as_of source``; ``high`` is null when open, ``as_of`` ISO 8601 or null."""
    return {
        "low": count.low,
        "high": count.high,
        "basis": count.basis.value,
        "as_of": count.as_of.isoformat() if count.as_of else None,
        "source": count.source,
    }


def part_report(part: Part) -> dict[str, Any]:
    """What one list brings and through which lists."""
    return {
        "address": part.address,
        "audience": count_report(part.count),
        "path": list(part.path),
        "lists_inside": part.lists_inside,
        "only": part.only,
        "hint": part.hint or None,
    }


def reason_report(reason: Reason) -> dict[str, Any]:
    """A reason: its ``code`` and its facts."""
    return {"code": reason.code} | {each.name: _plain(getattr(reason, each.name)) for each in fields(reason)}


def _plain(value: object) -> Any:
    if isinstance(value, Count):
        return count_report(value)
    return value.isoformat() if isinstance(value, datetime) else value
