"""The cheap checks: things that are said in a question, and by themselves ask only where the rules say so."""

import re
from collections.abc import Iterator

from sendguard.audience.audience import Audience
from sendguard.mail.submission import Submission
from sendguard.policy.action import Action
from sendguard.policy.reasons import EmptySubject, MissingAttachment, NewOutsider, Reason, VisibleRecipients
from sendguard.policy.rules import Check, Rules

ATTACHMENT_WORDS = (
    "attached", "attachment", "attachments", "enclosed",
    "anhang", "angehängt", "angehängte", "angehängten", "anbei", "beigefügt", "beigefügte", "beigefügten",
    "anlage", "anlagen",
)  # fmt: skip
"""Whole words, English and German, that speak of an attachment."""


def notices(submission: Submission, audience: Audience, rules: Rules) -> Iterator[tuple[Action, Reason]]:
    """Run every check that is switched on; each finding comes with what it asks for by itself."""
    switched = (
        (rules.check_visible, _visible_recipients),
        (rules.check_new_outsider, _new_outsiders),
        (rules.check_attachment, _missing_attachment),
        (rules.check_subject, _empty_subject),
    )
    for check, find in switched:
        if check is not Check.OFF:
            action = Action.CONFIRM if check is Check.ASK else Action.NOTICE
            yield from ((action, reason) for reason in find(submission, audience, rules))


def _visible_recipients(submission: Submission, audience: Audience, rules: Rules) -> Iterator[Reason]:
    visible = {box.address for box in submission.message.visible} - submission.originators
    if len(visible) >= rules.visible_from:
        yield VisibleRecipients(len(visible))


def _new_outsiders(submission: Submission, audience: Audience, rules: Rules) -> Iterator[Reason]:
    original = submission.original
    if original is None or not submission.kind.is_reply:
        return
    known = {box.address for box in (*original.originators, *original.recipients, *original.reply_to)}
    for address in audience.outside_addresses:
        if address not in known:
            yield NewOutsider(address)


def _missing_attachment(submission: Submission, audience: Audience, rules: Rules) -> Iterator[Reason]:
    body = submission.message.body
    if body.attachments != 0:
        return
    said = f"{submission.message.subject}\n{body.own_words}"
    folded = said.casefold()
    words = [word for word in rules.attachment_words or ATTACHMENT_WORDS if word.casefold() in folded]
    pattern = r"\b(" + "|".join(re.escape(word) for word in words) + r")\b"
    if words and (spoken := re.search(pattern, said, re.IGNORECASE)):
        yield MissingAttachment(spoken[1].lower())


def _empty_subject(submission: Submission, audience: Audience, rules: Rules) -> Iterator[Reason]:
    if not submission.message.subject.strip():
        yield EmptySubject()
