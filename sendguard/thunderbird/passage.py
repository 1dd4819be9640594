"""What SendGuard says to the add-on: about a message that is being written, and about one that is to be sent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome
from sendguard.guard.ticket import Decision, NotApproved, Ticket
from sendguard.mail.address import normalise, read_addresses
from sendguard.mail.message import Message
from sendguard.mail.rewrite import sender_of
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.action import Action
from sendguard.thunderbird.composed import Composed
from sendguard.wording.sentences import Sentences

ACCOUNT = "Thunderbird"
"""The name of whoever sends from an address that is in no account of SendGuard's."""
LEVELS = {
    Action.SEND: "quiet", Action.NOTICE: "quiet", Action.CONFIRM: "ask", Action.CONFIRM_TYPED: "ask",
    Action.BLOCK: "block",
}  # fmt: skip

MOST_LINES = 20
"""What a tooltip can show."""

Said = dict[str, Any]
"""One frame of the protocol."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The original came with the message: nothing has to be looked for."""

    original: Message | None

    def find(self, account: str, message: Message) -> Message | None:
        return self.original


@dataclass(frozen=True, slots=True)
class Asked:
    """A message a person wants to send, and the gatekeeper's hold on it."""

    composed: Composed
    ticket: Ticket


class Passage:
    """Takes the add-on's messages to the gatekeeper. Any thread; each call may wait for a directory and a disk."""

    def __init__(
        self,
        gatekeeper: Gatekeeper,
        accounts: Callable[[], tuple[Account, ...]],
        sentences: Callable[[], Sentences],
    ) -> None:
        self._gatekeeper = gatekeeper
        self._accounts = accounts
        self._sentences = sentences

    def count(self, composed: Composed) -> Said:
        """How many people a message reaches that is still being written: a short line, and what explains it."""
        if not composed.typed:
            return {"label": "", "level": "quiet", "lines": []}
        judgement = self._gatekeeper.preview(self.submission(composed))
        say = self._sentences()
        return {
            "label": say.reaches(judgement.audience.count),
            "level": LEVELS[judgement.verdict.action],
            "lines": list(_explained(say, judgement))[:MOST_LINES],
        }

    def ask(self, composed: Composed) -> Asked:
        """Take a message in; where nobody has to be asked, the decision is there at once. Raises LedgerFailed."""
        return Asked(composed, self._gatekeeper.receive(self.submission(composed)))

    def answer(self, asked: Asked, decision: Decision) -> Said:
        """What the add-on is to do: ``send``, ``stop``, or ``change`` the recipients and leave the window open."""
        say = self._sentences()
        about: Said = {"people": say.people(decision.judgement.audience.count), "came": say.outcome(decision.outcome)}
        if not decision.judgement.verdict.action.asks and decision.sends:
            about["came"] = ""
        match decision.outcome:
            case Outcome.SEND:
                return about | {"answer": "send"}
            case Outcome.REPLY_TO_SENDER:
                return about | {"answer": "change"} | reply_to_sender(asked.composed)
            case Outcome.MOVE_TO_BCC:
                return about | {"answer": "change"} | move_to_bcc(asked.composed)
            case Outcome.DONT_SEND | Outcome.CANCELLED:
                return about | {"answer": "stop", "words": ""}
            case Outcome.BLOCKED | Outcome.CANNOT_ASK:
                return about | {"answer": "stop", "words": say.refusal(decision.outcome, decision.judgement)}

    def release(self, asked: Asked, composed: Composed) -> bool:
        """Commit "sending" for what is about to leave Thunderbird; False when it is not what was answered for.

        Raises LedgerFailed.
        """
        submission = self.submission(composed)
        try:
            self._gatekeeper.begin(asked.ticket, submission.handed_over)
        except NotApproved as error:
            self._gatekeeper.cancel(asked.ticket, f"not_approved_{error.what}")
            return False
        self._gatekeeper.hand_over(asked.ticket, composed.likenesses(submission))
        return True

    def submission(self, composed: Composed) -> Submission:
        """The message as the gatekeeper judges it. Its token is all the add-on said."""
        raw = composed.octets()
        from_field = read_addresses((composed.sender,)).addresses
        sender = from_field[0] if from_field else normalise(composed.sender)
        intake = Intake(self._account(sender, composed.own), Hook.THUNDERBIRD, _Known(composed.original))
        found = intake.submission(raw, Envelope.of(sender, composed.recipients), token=composed.said)
        return replace(found, typed=composed.typed)

    def _account(self, sender: str, own: frozenset[str]) -> Account:
        for account in self._accounts():
            if sender in account.own_addresses:
                return replace(account, identities=tuple(dict.fromkeys((*account.identities, *sorted(own)))))
        return Account(ACCOUNT, tuple(dict.fromkeys((sender, *sorted(own)))))


def reply_to_sender(composed: Composed) -> Said:
    """The fields of a reply that goes to the author of the original and nobody else."""
    original = composed.original
    sender = sender_of(original) if original is not None else None
    if sender is None:
        return {}
    return {"to": [sender.address], "cc": [], "bcc": []}


def move_to_bcc(composed: Composed) -> Said:
    """The fields with everybody in Bcc who sees the others and need not; whom a reply answers stays in To."""
    seen = ("to", "cc")
    original = composed.original
    sender = sender_of(original) if original is not None else None
    stays = sender.address if sender is not None else ""
    moved = [entry for name in seen for entry in composed.entries_where(name, lambda address: address != stays)]
    stay = [entry for name in seen for entry in composed.entries[name] if entry not in moved]
    return {"to": stay, "cc": [], "bcc": [*composed.entries["bcc"], *moved]}


def _explained(say: Sentences, judgement: Judgement) -> Iterable[str]:
    yield say.basis(judgement.audience.count)
    yield from say.lists(judgement.audience)
    if judgement.verdict.action.asks or judgement.verdict.action is Action.BLOCK:
        yield from (say.reason(reason) for reason in judgement.verdict.reasons)
