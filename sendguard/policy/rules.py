"""The rules a verdict is found by. Settings and managed policy are made into these before a decision."""

import hashlib
from dataclasses import dataclass, field, fields
from enum import StrEnum


class Check(StrEnum):
    """What a cheap check does when it finds something."""

    OFF = "off"
    NOTICE = "notice"
    """Said in a question that is asked anyway, and as a notice otherwise."""
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class ListRule:
    """A pattern of addresses (``*`` and ``?``, case ignored), the organisation's own words about it, and who may go on.

    For conversations ``pattern`` is a Message-ID.
    """

    pattern: str
    message: str = ""
    codes: tuple[str, ...] = ()
    """SHA-256 digests (hexadecimal) of codes with which it can be gone on all the same, each once."""
    approvers: tuple[str, ...] = ()
    """Addresses (normalised) from which it can."""

    @property
    def can_be_lifted(self) -> bool:
        """Whether the organisation named somebody, or something, that lets a message through."""
        return bool(self.codes or self.approvers)


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds are numbers of people; 0 switches a tier off. An open count reaches every threshold that is on."""

    ask_reply_from: int = 20
    ask_any_from: int = 100
    type_from: int = 500
    ask_outside_from: int = 10
    block_from: int = 0
    growth_factor: float = 3.0
    growth_by: int = 100
    protected: tuple[ListRule, ...] = ()
    blocked: tuple[ListRule, ...] = ()
    blocked_threads: tuple[ListRule, ...] = ()
    monitor_only: bool = False
    """Nothing is asked, and only what is blocked by name is refused."""
    check_visible: Check = Check.NOTICE
    visible_from: int = 15
    check_new_outsider: Check = Check.NOTICE
    check_attachment: Check = Check.NOTICE
    check_subject: Check = Check.NOTICE
    attachment_words: tuple[str, ...] = field(default=())

    @property
    def version(self) -> str:
        """A short digest of every rule: what a decision is bound to (12 hex digits)."""
        said = ";".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
        return hashlib.sha256(said.encode()).hexdigest()[:12]
