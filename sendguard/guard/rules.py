"""The rules in force, made from the settings."""

from sendguard.mail.address import normalise
from sendguard.policy.rules import Check, ListRule, Rules
from sendguard.settings.values import Values


def rules_of(values: Values) -> Rules:
    """The rules that follow from the settings."""
    return Rules(
        ask_reply_from=values.number("AskReplyFrom"),
        ask_any_from=values.number("AskAnyFrom"),
        type_from=values.number("TypeFrom"),
        ask_outside_from=values.number("AskOutsideFrom"),
        block_from=values.number("BlockFrom"),
        growth_factor=values.number("GrowthFactor"),
        growth_by=values.number("GrowthBy"),
        protected=list_rules(values.lines("ProtectedLists")),
        blocked=list_rules(values.lines("BlockedLists")),
        check_visible=Check(values.text("CheckVisibleRecipients")),
        visible_from=values.number("VisibleFrom"),
        check_new_outsider=Check(values.text("CheckNewOutsider")),
        check_attachment=Check(values.text("CheckAttachment")),
        check_subject=Check(values.text("CheckSubject")),
    )


def organisation_of(values: Values) -> frozenset[str]:
    """The organisation's domain patterns, normalised."""
    return frozenset(line.strip().lstrip("@").lower() for line in values.lines("OrganisationDomains"))


def list_rules(lines: tuple[str, ...]) -> tuple[ListRule, ...]:
    """Read ``pattern | message`` lines."""
    pairs = [line.partition("|") for line in lines]
    return tuple(ListRule(normalise(pattern), message.strip()) for pattern, _, message in pairs if pattern.strip())
