"""The rules in force, made from the settings."""

from collections.abc import Iterator
from datetime import datetime

from sendguard.mail.address import normalise
from sendguard.policy.rules import Check, ListRule, Rules
from sendguard.settings.rule_line import RuleLine, read_rule
from sendguard.settings.values import Values


def rules_of(values: Values, now: datetime) -> Rules:
    """The rules that follow from the settings at a moment: what holds only until then is no longer among them."""
    return Rules(
        ask_reply_from=values.number("AskReplyFrom"),
        ask_any_from=values.number("AskAnyFrom"),
        type_from=values.number("TypeFrom"),
        ask_outside_from=values.number("AskOutsideFrom"),
        block_from=values.number("BlockFrom"),
        growth_factor=values.number("GrowthFactor"),
        growth_by=values.number("GrowthBy"),
        protected=tuple(_list_rules(values.lines("ProtectedLists"), now)),
        blocked=tuple(_list_rules(values.lines("BlockedLists"), now)),
        blocked_threads=tuple(_rules(values.lines("BlockedThreads"), now)),
        monitor_only=values.switch("MonitorOnly"),
        check_visible=Check(values.text("CheckVisibleRecipients")),
        visible_from=values.number("VisibleFrom"),
        check_new_outsider=Check(values.text("CheckNewOutsider")),
        check_attachment=Check(values.text("CheckAttachment")),
        check_subject=Check(values.text("CheckSubject")),
    )


def organisation_of(values: Values) -> frozenset[str]:
    """The organisation's domain patterns, normalised."""
    return frozenset(line.strip().lstrip("@").lower() for line in values.lines("OrganisationDomains"))


def _list_rules(lines: tuple[str, ...], now: datetime) -> Iterator[ListRule]:
    for rule in _rules(lines, now):
        yield ListRule(normalise(rule.pattern), rule.message, rule.codes, rule.approvers)


def _rules(lines: tuple[str, ...], now: datetime) -> Iterator[ListRule]:
    for rule in map(_read, lines):
        if rule.pattern and (rule.until is None or now < rule.until):
            yield ListRule(rule.pattern, rule.message, rule.codes, tuple(map(normalise, rule.approvers)))


def _read(line: str) -> RuleLine:
    """A rule with an option that cannot be read holds for ever, and nothing lifts it."""
    try:
        return read_rule(line)
    except ValueError:
        pattern, _, message = line.partition("|")
        return RuleLine(pattern.strip(), message.strip())
