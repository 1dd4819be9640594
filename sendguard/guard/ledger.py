"""The durable record of holds, decisions and sends: its states, its rows, and the port a storage fills."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sendguard.audience.count import Basis
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.policy.action import Action


class State(StrEnum):
    """Where a submission stands."""

    RECEIVED = "received"
    HELD = "held"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it."""
        return not MOVES[self]


MOVES: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.HELD, State.APPROVED, State.REFUSED, State.CANCELLED}),
    State.HELD: frozenset({State.APPROVED, State.REFUSED, State.CANCELLED}),
    State.APPROVED: frozenset({State.SENDING, State.HELD, State.CANCELLED}),
    State.SENDING: frozenset({State.SENT, State.REFUSED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.SENT, State.REFUSED}),
    State.SENT: frozenset(),
    State.REFUSED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""The only moves there are. SENDING never goes back: what may have left is never sent again by itself."""


MONITORED = "monitored"
"""The detail of a row that nobody was asked about because the organisation only monitors."""
UNHEARD = "unheard"
"""The detail of a row in SENT whose client had gone when upstream said yes: its person saw an error."""


class Outcome(StrEnum):
    """How a submission ended, or what was decided."""

    SEND = "send"
    DONT_SEND = "dont_send"
    REPLY_TO_SENDER = "reply_to_sender"
    MOVE_TO_BCC = "move_to_bcc"
    BLOCKED = "blocked"
    CANNOT_ASK = "cannot_ask"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the ledger. It holds no address, no subject and no secret; ``message_id`` is for looking up in Sent.

    ``asked`` says whether a person was asked; ``detail`` is a code (``restart``, ``upstream_550``, ``lost_reply``, …),
    never a server's words.
    """

    id: str
    hook: Hook
    account: str
    state: State
    kind: Kind
    typed: int
    low: int
    high: int | None
    basis: Basis
    action: Action
    reasons: tuple[str, ...]
    rules_version: str
    received_at: datetime
    changed_at: datetime
    binding: bytes = b""
    retry_key: bytes = b""
    message_id: str = ""
    asked: bool = False
    outcome: Outcome | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer given when its client was no longer waiting: for the next try, once, until ``expires``."""

    retry_key: bytes
    outcome: Outcome
    audience_key: str
    rules_version: str
    expires: datetime


class LedgerFailed(Exception):
    """The ledger could not be written or read (a full disk, a damaged file). Nothing may be sent."""


class IllegalMove(Exception):
    """A move that ``MOVES`` does not hold. A mistake of ours, never a person's."""


class Ledger(Protocol):
    """Durable: what a call has returned from survives the death of process and system. Thread-safe.

    Every method raises LedgerFailed when it cannot do its work.
    """

    def put(self, record: Record) -> None:
        """Write a new row."""
        ...

    def move(self, id: str, to: State, at: datetime, *, outcome: Outcome | None = None, detail: str = "") -> Record:
        """Move a row to another state; raises IllegalMove. ``outcome`` and ``detail`` replace the old when given."""
        ...

    def get(self, id: str) -> Record | None:
        """One row."""
        ...

    def in_states(self, *states: State) -> tuple[Record, ...]:
        """The rows in those states, oldest first."""
        ...

    def by_binding(self, binding: bytes) -> Record | None:
        """The row with this binding that says most: one that was SENT, else SENDING or UNKNOWN, else the latest."""
        ...

    def perhaps_sent(self, since: datetime, retry_key: bytes | None = None) -> Record | None:
        """The latest row, with this retry key where one is given, of which the person may not know that it was sent.

        One in UNKNOWN, or one in SENT since ``since`` with the detail ``UNHEARD``.
        """
        ...

    def history(self, limit: int = 200) -> tuple[Record, ...]:
        """The latest rows, newest first."""
        ...

    def received_since(self, at: datetime) -> tuple[Record, ...]:
        """Every row received since then."""
        ...

    def remember(self, answer: Remembered) -> None:
        """Keep an answer for the next try, in place of an earlier one with the same key."""
        ...

    def recall(self, retry_key: bytes, now: datetime) -> Remembered | None:
        """Take out the answer kept for a key: it is gone afterwards. None when there is none or it has expired."""
        ...

    def spend(self, code: str, at: datetime) -> bool:
        """Put down that an override code, known by its digest, was used; False when it had been used before."""
        ...

    def purge(self, before: datetime) -> int:
        """Delete final rows last changed before then; returns how many."""
        ...
