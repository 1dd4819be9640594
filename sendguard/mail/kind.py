"""Which kind of message this is: facts/imap-smtp-thunderbird.md §5, after the drafts of eight compose actions."""

import re
from dataclasses import dataclass
from enum import StrEnum

from sendguard.mail.address import without_tag
from sendguard.mail.message import Message

_FORWARD_PREFIX = re.compile(r"\s*(?:fwd?|wg|tr|rv)\s*:", re.IGNORECASE)
_REPLY_PREFIX = re.compile(r"\s*(?:re|aw|antw|sv|vs|ref)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)


class Kind(StrEnum):
    """What a message is, seen from its headers. It never says which button was pressed."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply_all"
    REPLY_LIST = "reply_list"
    FORWARD = "forward"
    REDIRECT = "redirect"

    @property
    def is_reply(self) -> bool:
        """Whether it answers another message."""
        return self in {Kind.REPLY, Kind.REPLY_ALL, Kind.REPLY_LIST}


@dataclass(frozen=True, slots=True)
class Judged:
    """A kind, and whether a reply to all left some of the original's recipients out."""

    kind: Kind
    trimmed: bool = False


def classify(
    message: Message,
    recipients: tuple[str, ...],
    original: Message | None = None,
    own_addresses: frozenset[str] = frozenset(),
) -> Judged:
    """Tell the kind of ``message`` going to ``recipients`` (the envelope where there is one, else To, Cc and Bcc).

    In-Reply-To does not mean reply: forwards and redirects of Thunderbird carry it too, so their marks come first.
    Without the original a reply to two or more people is taken as a reply to all.
    """
    own = {without_tag(address) for address in own_addresses | {box.address for box in message.originators}}
    now = {address for address in recipients if without_tag(address) not in own}
    if message.forwarded_id or (not message.in_reply_to and _FORWARD_PREFIX.match(message.subject)):
        return Judged(Kind.FORWARD)
    if message.resent or _is_redirect(message, own):
        return Judged(Kind.REDIRECT)
    if not message.parent_id:
        return Judged(Kind.NEW)
    if original is None:
        return Judged(Kind.REPLY_ALL if len(now) >= 2 else Kind.REPLY)
    return _classify_reply(now, original, own)


def _is_redirect(message: Message, own: set[str]) -> bool:
    """A redirect keeps the subject and sends answers to the first author: Reply-To is not self, and there is no Re:."""
    elsewhere = [box for box in message.reply_to if without_tag(box.address) not in own]
    return bool(message.parent_id and elsewhere and not _REPLY_PREFIX.match(message.subject))


def _classify_reply(now: set[str], original: Message, own: set[str]) -> Judged:
    senders = {box.address for box in (original.reply_to or original.originators)}
    posts = original.list_signs.addresses
    if now and now <= posts:
        return Judged(Kind.REPLY_LIST)
    others = {box.address for box in original.visible if without_tag(box.address) not in own} - senders
    kept = others & now
    if not others or 2 * len(kept) < len(others):
        return Judged(Kind.REPLY)
    return Judged(Kind.REPLY_ALL, trimmed=kept != others)
