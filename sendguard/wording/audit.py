"""What an audit's lines and the history's numbers say."""

import re

from sendguard.guard.audit import AuditLine, By, Line
from sendguard.guard.hindsight import AtThreshold, Hindsight, is_only_monitored
from sendguard.guard.ledger import Record
from sendguard.policy.action import Action
from sendguard.settings.setting import N_
from sendguard.wording import events
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.hostile import shown

LINES = {
    Line.DECISION: N_("decided"),
    Line.END: N_("ended"),
    Line.STARTED: N_("the audit begins"),
    Line.STOPPED: N_("the audit ends"),
    Line.TEST: N_("a test"),
    Line.GAP: N_("lines are missing here"),
}
VERDICTS = {
    "send": N_("may go"),
    "notice": N_("may go, with a notice"),
    "confirm": N_("to be confirmed"),
    "typed": N_("number to be typed"),
    "code": N_("needs a code"),
    "block": N_("blocked"),
}
WHO = {
    By.EARLIER: N_("by an earlier answer"),
    By.RULES: N_("by the rules"),
    By.NOBODY: N_("by nobody"),
}


def cells(say: Catalogue, line: AuditLine) -> tuple[str, ...]:
    """A line as a table shows it: when, what, how many people, what the rules demanded, what came of it."""
    verdict = _known(say, VERDICTS, line.verdict)
    if line.monitored and verdict:
        verdict = say.text("{verdict} (only monitored)", verdict=verdict)
    return say.moment(line.time), say.text(LINES[line.kind]), _people(say, line), verdict, _came(say, line)


def _people(say: Catalogue, line: AuditLine) -> str:
    if line.lost:
        return say.plural("{n} line", "{n} lines", line.lost)
    if line.people == "unknown":
        return say.text("nobody knows how many people")
    if line.people == "1":
        return say.plural("{n} person", "{n} people", 1)
    band = re.sub(r"\d+", lambda found: say.number(int(found[0])), shown(line.people).replace("-", "–"))
    if band.endswith(" or more"):
        return say.text("{people} people or more", people=band.removesuffix(" or more"))
    return say.text("{people} people", people=band) if band else ""


def _came(say: Catalogue, line: AuditLine) -> str:
    if line.kind is Line.END:
        return _known(say, {state.value: words for state, words in events.STATES.items()}, line.state)
    came = _known(say, {outcome.value: words for outcome, words in events.OUTCOMES.items()}, line.decision)
    who = _known(say, {each.value: words for each, words in WHO.items()}, line.by) if line.by != By.PERSON else ""
    took = say.text("{seconds} s", seconds=say.number(round(line.seconds))) if line.seconds is not None else ""
    return ", ".join(filter(None, (came, who, took)))


def _known(say: Catalogue, words: dict[str, str], code: str) -> str:
    """The words for a code; a code from another version is shown as it is."""
    return say.text(words[code]) if code in words else shown(code)


def monitored(say: Catalogue, record: Record) -> str:
    """What would have become of a row if the organisation did not only monitor."""
    if not is_only_monitored(record):
        return ""
    if record.action is Action.BLOCK:
        return say.text("only monitored: it would have been refused")
    return say.text("only monitored: you would have been asked")


def hindsight(say: Catalogue, found: Hindsight) -> tuple[str, ...]:
    """The last days in sentences: what was asked, what only monitoring let go, and a line for each threshold."""
    return (in_sum(say, found), *(at_threshold(say, each) for each in found.at))


def in_sum(say: Catalogue, found: Hindsight) -> str:
    """What the last days came to."""
    days = say.plural("In the last {n} day", "In the last {n} days", found.days)
    messages = say.plural("{n} message", "{n} messages", found.messages)
    said = [say.plural("asked about {n}", "asked about {n}", found.asked)]
    if found.changed_mind:
        said.append(say.plural("{n} time you changed your mind", "{n} times you changed your mind", found.changed_mind))
    if found.would_ask:
        said.append(say.plural("{n} would have been asked about", "{n} would have been asked about", found.would_ask))
    if found.refused:
        said.append(say.plural("{n} refused by a rule", "{n} refused by a rule", found.refused))
    if found.unknown:
        said.append(say.plural("{n} to a list of unknown size", "{n} to lists of unknown size", found.unknown))
    return say.text("{days}: {messages}; {what}.", days=days, messages=messages, what=", ".join(said))


def at_threshold(say: Catalogue, each: AtThreshold) -> str:
    """How many messages a threshold would have asked about."""
    replies = say.plural("{n} of them a reply", "{n} of them replies", each.replies)
    messages = say.plural("{n} message", "{n} messages", each.messages)
    return say.text("from {people} people: {messages}, {replies}", people=say.number(each.people), messages=messages,
                    replies=replies)  # fmt: skip
