"""From bytes and an envelope to a submission that can be judged: the same way for every hook."""

from dataclasses import dataclass, field
from typing import Protocol

from sendguard.guard.account import Account
from sendguard.mail.kind import classify
from sendguard.mail.message import Message, read_message
from sendguard.mail.rewrite import sender_of
from sendguard.mail.submission import Envelope, Hook, Submission


class Originals(Protocol):
    """Finds the message that another one answers."""

    def find(self, account: str, message: Message) -> Message | None:
        """The original of ``message`` (headers only), or None when it is not found within the budget. Never raises."""
        ...


class NoOriginals:
    """Where no mailbox can be searched."""

    def find(self, account: str, message: Message) -> Message | None:
        """Nothing is ever found."""
        return None


@dataclass(frozen=True, slots=True)
class Intake:
    """Makes submissions for one account."""

    account: Account
    hook: Hook
    originals: Originals = field(default_factory=NoOriginals)

    def submission(
        self, raw: bytes, envelope: Envelope | None = None, *, token: bytes = b"", whole: bool = True
    ) -> Submission:
        """Read ``raw`` and tell its kind. Without an envelope the header's To, Cc and Bcc are the recipients.

        ``token`` is what the hook hands over instead of the bytes; ``whole`` is False where it holds header fields
        only. Never raises for what the bytes are.
        """
        message = read_message(raw, with_body=whole)
        if envelope is None:
            sender = message.originators[0].address if message.originators else ""
            envelope = Envelope.of(sender, [box.address for box in message.recipients])
        original = self.originals.find(self.account.name, message) if message.parent_id else None
        judged = classify(message, envelope.recipients, original, self.account.own_addresses)
        return Submission(
            hook=self.hook,
            account=self.account.name,
            message=message,
            envelope=envelope,
            kind=judged.kind,
            trimmed=judged.trimmed,
            original=original,
            own_addresses=self.account.own_addresses,
            raw=raw if whole else b"",
            token=token,
            composition=composition_key(message),
            can_reply_to_sender=self.hook.can_narrow
            and judged.kind.is_reply
            and _reaches_more_than_sender(envelope, original),
            can_move_to_bcc=self.hook is Hook.THUNDERBIRD and len(seen_by_others(message, original)) > 1,
        )


def _reaches_more_than_sender(envelope: Envelope, original: Message | None) -> bool:
    sender = sender_of(original) if original is not None else None
    return sender is not None and envelope.recipients != (sender.address,)


def seen_by_others(message: Message, original: Message | None) -> frozenset[str]:
    """The addresses whose owners see one another and need not: all in To and Cc, but for whom a reply answers."""
    sender = sender_of(original) if original is not None else None
    return frozenset(box.address for box in message.visible) - {sender.address if sender else ""}


def composition_key(message: Message) -> str:
    """What stays the same over the saves of one draft: each save has a new UID and a new Message-ID."""
    return "\n".join((message.parent_id, *message.composition_hints, message.subject.strip().casefold()))
