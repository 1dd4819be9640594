"""What the gatekeeper needs of others, and what it tells them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome, Record


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. A question keeps its ``id`` until it is answered or withdrawn.

    ``client_waits`` is False once the client was told to try again: the answer is then kept for the next try.
    """

    id: str
    judgement: Judgement
    asked_at: datetime
    client_waits: bool = True


class Answer(StrEnum):
    """The ways out of a question."""

    DONT_SEND = "dont_send"
    REPLY_TO_SENDER = "reply_to_sender"
    MOVE_TO_BCC = "move_to_bcc"
    SEND = "send"


class Asker(Protocol):
    """Puts questions before the person. Called from any thread; no method may block."""

    @property
    def can_ask(self) -> bool:
        """Whether somebody can be asked at all: a dialog can be shown, a terminal is there."""
        ...

    def show(self, question: Question | None, waiting: int) -> None:
        """This question is to be on the screen now, and ``waiting`` more stand behind it; None for no question.

        Called again with the same id when only ``waiting`` or ``client_waits`` changed.
        """
        ...


class ActivityKind(StrEnum):
    """What happened."""

    HELD = "held"
    DECIDED = "decided"
    SENT = "sent"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    WARNED = "warned"
    """A draft would reach many; nothing is held."""
    NOTICED = "noticed"
    """Sent without a question, with something to be said."""
    TROUBLE = "trouble"
    """A part of SendGuard does not work; ``detail`` is a code."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something the tray, the window or the terminal may want to show, and an audit to put down.

    ``asked_at`` is when its question came onto the screen, None where nobody was asked.
    """

    kind: ActivityKind
    at: datetime
    record: Record | None = None
    judgement: Judgement | None = None
    outcome: Outcome | None = None
    detail: str = ""
    account: str = ""
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message that waits on its server for ``due``, when the server sends it: judged, and not held by us."""

    account: str
    id: str
    due: datetime
    judgement: Judgement


Observer = Callable[[Activity], None]
"""Called from any thread; must not block and must not raise."""


TOKEN_SERVICES = tuple(f"exchange_tokens{number or ''}" for number in range(6))
"""What a sign-in brought, in pieces that every keyring takes."""
SERVICES = ("imap", "smtp", "exchange", *TOKEN_SERVICES)
"""Whatever an account may have a secret for."""


class Secrets(Protocol):
    """Where passwords are kept."""

    def get(self, account: str, service: str) -> str | None:
        """The secret for one of an account's ``SERVICES``; None when there is none or the keyring gives no answer."""
        ...

    def set(self, account: str, service: str, secret: str) -> bool:
        """Keep a secret; False when only this session will know it, since no keyring answered."""
        ...

    def delete(self, account: str) -> None:
        """Forget an account's secrets."""
        ...


class SubmissionRefused(Exception):
    """Upstream said no. ``code`` is its SMTP reply code, ``words`` its text (may hold addresses: never log it)."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"upstream answered {code}")
        self.code = code
        self.words = words

    @property
    def is_temporary(self) -> bool:
        """Whether upstream asked to try again later (4xx)."""
        return 400 <= self.code < 500


class ReplyLost(Exception):
    """The connection ended after the final dot and before the reply: the message may have been taken."""


class UpstreamUnreachable(Exception):
    """Nothing was handed over: no connection, no TLS, no login. Safe to try again. ``why`` is a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Submitter(Protocol):
    """Hands one message to an account's submission server."""

    def submit(
        self, raw: bytes, originator: str, recipients: tuple[str, ...], before_first_byte: Callable[[], None]
    ) -> str:
        """Send; returns upstream's final words. ``before_first_byte`` is called once, before MAIL FROM goes out.

        Raises SubmissionRefused, ReplyLost or UpstreamUnreachable.
        """
        ...
