"""Why SendGuard asks. Data, not prose: ``wording`` makes sentences of them, in a person's language."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sendguard.audience.count import Count
from sendguard.mail.header import Problem


@dataclass(frozen=True, slots=True)
class ReplyReachesMany:
    """A reply that reaches the threshold for replies."""

    code: ClassVar[str] = "reply_reaches_many"
    count: Count
    threshold: int


@dataclass(frozen=True, slots=True)
class ReachesMany:
    """A message of any kind that reaches the threshold."""

    code: ClassVar[str] = "reaches_many"
    count: Count
    threshold: int


@dataclass(frozen=True, slots=True)
class UnknownSize:
    """A list whose size nobody knows; ``hint`` says why it is taken for a list, when a sign did."""

    code: ClassVar[str] = "unknown_size"
    address: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ManyOutside:
    """So many people outside the organisation's domains."""

    code: ClassVar[str] = "many_outside"
    people: int
    threshold: int


@dataclass(frozen=True, slots=True)
class Grown:
    """A list that has many more people than when it was last seen."""

    code: ClassVar[str] = "grown"
    address: str
    before: int
    before_at: datetime | None
    now: int


@dataclass(frozen=True, slots=True)
class Protected:
    """A list that is always asked about; ``message`` is the organisation's own, or empty."""

    code: ClassVar[str] = "protected"
    address: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A list nobody may write to, or a conversation (``address`` is empty) nobody may go on with.

    ``approvers`` are addresses from which it can be sent all the same.
    """

    code: ClassVar[str] = "blocked"
    address: str
    message: str = ""
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsCode:
    """A list or, where ``address`` is empty, a conversation that only who has an override code can write to."""

    code: ClassVar[str] = "needs_code"
    address: str
    message: str = ""
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MayApprove:
    """A list or, where ``address`` is empty, a conversation that is closed to all but who is sending this."""

    code: ClassVar[str] = "may_approve"
    address: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """An audience at which sending is refused."""

    code: ClassVar[str] = "too_large"
    count: Count
    threshold: int


@dataclass(frozen=True, slots=True)
class SourcesDisagree:
    """Two sources of one list's size that cannot both be right."""

    code: ClassVar[str] = "sources_disagree"
    address: str
    one: Count
    other: Count


@dataclass(frozen=True, slots=True)
class SourceSilent:
    """A source of sizes that did not answer; ``why`` is ``timeout`` or ``failed``."""

    code: ClassVar[str] = "source_silent"
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that could not be read with certainty."""

    code: ClassVar[str] = "unreadable"
    problem: Problem


@dataclass(frozen=True, slots=True)
class NoRecipients:
    """A message of which no recipient could be found."""

    code: ClassVar[str] = "no_recipients"


@dataclass(frozen=True, slots=True)
class VisibleRecipients:
    """Many recipients who see one another's address, where Bcc would spare them."""

    code: ClassVar[str] = "visible_recipients"
    addresses: int


@dataclass(frozen=True, slots=True)
class NewOutsider:
    """Someone outside the organisation who was not part of the conversation."""

    code: ClassVar[str] = "new_outsider"
    address: str


@dataclass(frozen=True, slots=True)
class MissingAttachment:
    """A word that speaks of an attachment, and none is there."""

    code: ClassVar[str] = "missing_attachment"
    word: str


@dataclass(frozen=True, slots=True)
class EmptySubject:
    """A message without a subject."""

    code: ClassVar[str] = "empty_subject"


@dataclass(frozen=True, slots=True)
class AnswerIsStale:
    """An earlier answer that no longer fits; ``what`` is ``audience``, ``policy`` or ``message``."""

    code: ClassVar[str] = "answer_is_stale"
    what: str


@dataclass(frozen=True, slots=True)
class PossiblySent:
    """The same message was handed to the server before, at ``at``, and the server's answer was lost."""

    code: ClassVar[str] = "possibly_sent"
    at: datetime


Reason = (
    ReplyReachesMany
    | ReachesMany
    | UnknownSize
    | ManyOutside
    | Grown
    | Protected
    | Blocked
    | NeedsCode
    | MayApprove
    | TooLarge
    | SourcesDisagree
    | SourceSilent
    | Unreadable
    | NoRecipients
    | VisibleRecipients
    | NewOutsider
    | MissingAttachment
    | EmptySubject
    | AnswerIsStale
    | PossiblySent
)
