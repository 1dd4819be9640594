"""A submission: a message, its envelope, and what is known of the person who asked to send it."""

from dataclasses import dataclass, field
from enum import StrEnum

from sendguard.mail.address import normalise
from sendguard.mail.kind import Kind
from sendguard.mail.message import Message


class Hook(StrEnum):
    """Where a submission was met."""

    SMTP_GATE = "smtp_gate"
    IMAP_OUTBOX = "imap_outbox"
    IMAP_DRAFTS = "imap_drafts"
    EWS_GATE = "ews_gate"
    EWS_OUTBOX = "ews_outbox"
    EWS_DRAFTS = "ews_drafts"
    THUNDERBIRD = "thunderbird"
    COMMAND_LINE = "command_line"

    @property
    def blocks(self) -> bool:
        """Whether this hook really holds the message; the others only warn (design: hooks)."""
        return self.is_gate or self.can_narrow

    @property
    def is_gate(self) -> bool:
        """Whether it stands in the mail path, and sees the very octets a mail program sends."""
        return self in {Hook.SMTP_GATE, Hook.EWS_GATE}

    @property
    def can_narrow(self) -> bool:
        """Whether it can change who gets the message: what it holds is not on its way yet."""
        return self.is_outbox or self is Hook.THUNDERBIRD

    @property
    def is_outbox(self) -> bool:
        """Whether it is a folder SendGuard itself sends from, and so can rewrite what lies there."""
        return self in {Hook.IMAP_OUTBOX, Hook.EWS_OUTBOX}


@dataclass(frozen=True, slots=True)
class Envelope:
    """RFC 5321 §2.3.1: ``originator`` (MAIL FROM, may be empty), recipients (RCPT TO); normalised, no repeats."""

    originator: str
    recipients: tuple[str, ...]

    @classmethod
    def of(cls, originator: str, recipients: "tuple[str, ...] | list[str]") -> "Envelope":
        """Normalise and drop repeats, keeping the order."""
        return cls(normalise(originator), tuple(dict.fromkeys(normalise(recipient) for recipient in recipients)))


@dataclass(frozen=True, slots=True)
class Submission:
    """What a gatekeeper judges.

    ``own_addresses`` is every identity of the account (normalised); ``raw`` the very bytes the hook holds, empty where
    it sees headers only; ``token`` what names them where the hook hands over a name instead: Exchange's item id and
    change key. ``composition`` names one composition over many saves of a draft; empty elsewhere. ``typed`` is how many
    addresses stand in its fields where the hook has seen lists of an address book opened; 0 for as many as it has.
    """

    hook: Hook
    account: str
    message: Message
    envelope: Envelope
    kind: Kind
    trimmed: bool = False
    original: Message | None = None
    own_addresses: frozenset[str] = frozenset()
    raw: bytes = field(default=b"", repr=False)
    token: bytes = b""
    composition: str = ""
    can_reply_to_sender: bool = False
    can_move_to_bcc: bool = False
    typed: int = 0

    def offers(self, way_out: str) -> bool:
        """Whether a person may choose this way out (``guard.ports.Answer``) of a question about it."""
        match way_out:
            case "reply_to_sender":
                return self.can_reply_to_sender
            case "move_to_bcc":
                return self.can_move_to_bcc
            case _:
                return True

    @property
    def handed_over(self) -> bytes:
        """What upstream gets, and an approval is bound to: the bytes, or the token that names them."""
        return self.token or self.raw

    @property
    def originators(self) -> frozenset[str]:
        """Addresses that are the sending person: never counted as reached."""
        own = {mailbox.address for mailbox in self.message.originators} | self.own_addresses
        return frozenset(own | ({self.envelope.originator} if self.envelope.originator else set()))
