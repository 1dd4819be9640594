"""What an audit puts down of a decision, and of how a message ended. No address, no subject, no text is ever in it.

One line when it was decided about a message, one when the message ended. A message nobody had to be asked about has its
end only.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sendguard.audience.audience import Audience
from sendguard.audience.count import Basis
from sendguard.guard.ledger import MONITORED, Outcome, Record, State
from sendguard.guard.ports import Activity
from sendguard.policy.action import Action
from sendguard.policy.reasons import MayApprove, NeedsCode

BANDS = (0, 1, 2, 10, 50, 200, 1_000, 10_000, 100_000)
"""Where each size band begins. The exact number would tell which list it was."""
MOST_LISTS = 50
"""List ids in one line: a syslog receiver need not take more than 2,048 octets, and most take 8,192 (RFC 5425 §4.3)."""
FORMAT = 1

Pseudonym = Callable[[str], str]
"""The id that stands for a normalised address."""


class Line(StrEnum):
    """What a line is about."""

    DECISION = "decision"
    END = "end"
    STARTED = "started"
    STOPPED = "stopped"
    TEST = "test"
    """Somebody tried whether lines arrive."""
    GAP = "gap"
    """So many lines are missing here."""


class By(StrEnum):
    """Who decided."""

    PERSON = "person"
    EARLIER = "earlier_answer"
    """The answer given when the client was not waiting any more, kept for its next try."""
    RULES = "rules"
    NOBODY = "nobody"
    """Somebody had to be asked, and nobody could be."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line; docs/audit.md says of every field what it holds. What has nothing to say is empty, and left out."""

    kind: Line
    time: datetime
    id: str = ""
    hook: str = ""
    message: str = ""
    people: str = ""
    basis: str = ""
    policy: str = ""
    verdict: str = ""
    monitored: bool = False
    asked: bool = False
    decision: str = ""
    by: str = ""
    seconds: float | None = None
    state: str = ""
    detail: str = ""
    reasons: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    lists_left_out: int = 0
    code: str = ""
    approver: str = ""
    lost: int = 0


def line_of(activity: Activity, pseudonym: Pseudonym) -> AuditLine | None:
    """The line that an activity makes; None for one that is no decision and no end."""
    record, outcome = activity.record, activity.outcome
    if record is None:
        return None
    if outcome in _DECISIONS:
        return _as_judged(_decision(activity, record, outcome), activity, pseudonym)
    if record.state.is_final or record.state is State.UNKNOWN:
        line = replace(_facts(Line.END, activity.at, record), decision=record.outcome or Outcome.SEND)
        return _as_judged(line, activity, pseudonym)
    return None


def end_of(record: Record, at: datetime) -> AuditLine:
    """The line for a row that the start after a crash put right: nothing is known of its lists any more."""
    return replace(_facts(Line.END, at, record), decision=record.outcome or Outcome.SEND)


_DECISIONS = frozenset(Outcome) - {Outcome.CANCELLED}
"""A question that was withdrawn was decided by nobody: that is an end."""


def _decision(activity: Activity, record: Record, outcome: Outcome) -> AuditLine:
    by = {Outcome.BLOCKED: By.RULES, Outcome.CANNOT_ASK: By.NOBODY}.get(outcome)
    if by is None:
        by = By.EARLIER if activity.asked_at is None else By.PERSON
    seconds = None
    if by is By.PERSON and activity.asked_at is not None:
        seconds = round((activity.at - activity.asked_at).total_seconds(), 1)
    return replace(_facts(Line.DECISION, activity.at, record), decision=outcome, by=by, seconds=seconds)


def _facts(kind: Line, at: datetime, record: Record) -> AuditLine:
    return AuditLine(
        kind,
        at,
        id=record.id,
        hook=record.hook,
        message=record.kind,
        people=band(record.low, record.high, record.basis),
        basis=record.basis,
        policy=record.rules_version,
        verdict=verdict_word(record.action, record.reasons),
        monitored=record.detail == MONITORED,
        asked=record.asked,
        state=record.state,
        detail=record.detail if _CODE.fullmatch(record.detail) else "other",
        reasons=record.reasons,
        code=_override(record.detail),
    )


def _as_judged(line: AuditLine, activity: Activity, pseudonym: Pseudonym) -> AuditLine:
    """The line by the judgement of the moment: the row holds the first one, and knows no list and no approver."""
    judgement = activity.judgement
    if judgement is None:
        return line
    typed, through = _lists(judgement.audience)
    room = max(0, MOST_LISTS - len(typed))
    senders = [box.address for box in judgement.submission.message.originators][:1]
    approves = any(isinstance(reason, MayApprove) for reason in judgement.verdict.reasons)
    count, verdict = judgement.audience.count, judgement.verdict
    reasons = tuple(reason.code for reason in verdict.reasons)
    return replace(
        line,
        people=band(count.low, count.high, count.basis),
        basis=count.basis,
        policy=verdict.rules_version,
        verdict=verdict_word(verdict.weight, reasons),
        reasons=reasons,
        monitored=verdict.monitored is not None,
        lists=tuple(map(pseudonym, typed[:MOST_LISTS])),
        through=tuple(map(pseudonym, through[:room])),
        lists_left_out=len(typed[MOST_LISTS:]) + len(through[room:]),
        code=line.code or _override(activity.detail),
        approver=pseudonym(senders[0] if senders else judgement.submission.envelope.originator) if approves else "",
    )


def _lists(audience: Audience) -> tuple[list[str], list[str]]:
    """The lists that were typed, and those they lead through."""
    typed = [part.address for part in audience.lists]
    passed = dict.fromkeys(name for part in audience.lists for name in part.path)
    return typed, [name for name in passed if name not in set(typed)]


_CODE = re.compile(r"[a-z0-9_]{0,48}")
"""What the ledger's details look like. Anything else is not repeated, whatever it is."""


def _override(detail: str) -> str:
    """The digest of the override code that was typed, short, from a row's detail."""
    return detail.removeprefix("code_") if re.fullmatch("code_[0-9a-f]{8}", detail) else ""


def verdict_word(action: Action, reasons: tuple[str, ...]) -> str:
    """What the rules demanded: ``send notice confirm typed code block``."""
    if action is Action.CONFIRM_TYPED:
        return "code" if NeedsCode.code in reasons else "typed"
    return action.name.lower()


def band(low: int, high: int | None, basis: Basis) -> str:
    """The size band of a count: ``10-49``; ``10-49 or more`` where its upper bound is open; ``unknown``."""
    if high is not None:
        return _band(high)
    return "unknown" if basis is Basis.UNKNOWN and low <= BANDS[2] else f"{_band(low)} or more"


def _band(people: int) -> str:
    for first, following in pairwise(BANDS):
        if people < following:
            return str(first) if first + 1 == following else f"{first}-{following - 1}"
    return f"{BANDS[-1]}+"


def to_json(line: AuditLine) -> bytes:
    """A line as JSON in ASCII, without its end. What is empty is left out."""
    said: dict[str, Any] = {"v": FORMAT, "kind": line.kind, "time": line.time.isoformat(timespec="milliseconds")}
    for name in _NAMES[2:]:
        value = getattr(line, name)
        if value or (isinstance(value, float) and value == 0):
            said[name] = value
    return json.dumps(said, separators=(",", ":")).encode("ascii")


def from_json(octets: bytes) -> AuditLine | None:
    """A line as a file holds it; None for what is none. Fields that are not what they should be are empty."""
    try:
        said = json.loads(octets)
        bare = AuditLine(Line(said["kind"]), datetime.fromisoformat(said["time"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return replace(bare, **dict(_readable(said, bare)))


def _readable(said: Mapping[str, Any], bare: AuditLine) -> Iterator[tuple[str, Any]]:
    for name in _NAMES[2:]:
        value, empty = said.get(name), getattr(bare, name)
        if isinstance(empty, tuple):
            if isinstance(value, list):
                yield name, tuple(filter(lambda each: isinstance(each, str), value))
        elif type(value) is type(empty) or (empty is None and isinstance(value, int | float)):
            yield name, value


_NAMES = tuple(each.name for each in fields(AuditLine))
