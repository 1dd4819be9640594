"""One message in the guarded outbox, and where it stands."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic

from sendguard.guard.ticket import Ticket
from sendguard.mail.submission import Submission
from sendguard.mailbox.folder import Key

PAUSES = (5.0, 15.0, 60.0, 120.0, 300.0)
"""Seconds before the same message is tried again."""


class Stage(Enum):
    """What has to be done with a message next."""

    TO_JUDGE = auto()
    WAITING = auto()
    """For a decision; or decided, and to be acted on when it is due."""
    SENT = auto()
    """Upstream has it: to be filed and taken out of the folder."""
    UNKNOWN = auto()
    """"Sending" was committed: it may have been sent. Looked for in Sent, and not sent again by itself."""
    TO_GIVE_BACK = auto()
    """Unsent, to Drafts."""
    RESTING = auto()
    """Nothing is done until it changes or SendGuard starts again."""


@dataclass(slots=True)
class Held(Generic[Key]):
    """A message by its key. ``due`` is when to act (monotonic seconds), ``tries`` how often that failed.

    ``told`` is the last trouble told of it; ``date`` what it bears when it came without a Date;
    ``sent_before`` is what in Sent bore this Message-ID before it was sent.
    """

    key: Key
    submission: Submission
    stage: Stage = Stage.TO_JUDGE
    ticket: Ticket | None = None
    due: float = 0.0
    tries: int = 0
    told: str = ""
    date: str = ""
    sent_before: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_open(self) -> bool:
        """Whether somebody has still to decide."""
        return self.ticket is not None and not self.ticket.decision.done()

    def later(self, now: float) -> None:
        """Wait before the next try, longer each time."""
        self.due = now + PAUSES[min(self.tries, len(PAUSES) - 1)]
        self.tries += 1
