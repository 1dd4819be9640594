"""What becomes of one message in the guarded outbox: judged, asked about, sent once, filed; or given back.

A kill between any two steps loses nothing and sends nothing twice: what the ledger knows as sent is only filed, what
it knows as sending is looked for in Sent and then asked about, and everything else is judged anew.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import Generic, assert_never

from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import LedgerFailed, Outcome, State
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.guard.ticket import NotApproved, Ticket
from sendguard.mail import digest
from sendguard.mail.address import without_tag
from sendguard.mail.rewrite import sender_of
from sendguard.mail.submission import Submission
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.errors import CommandRefused
from sendguard.mailbox.folder import Folder, Key, Stored
from sendguard.mailbox.held import Held, Stage

FILED_BY_SERVER_AFTER = 1.5
"""Seconds in which a server that files what it sends (Gmail, Exchange) has done so."""
LOOK_AGAIN_AFTER = 30.0
"""Seconds between looks for a message whose answer was lost: in Sent, and whether a person said what happened."""


class Sending(Generic[Key]):
    """Acts on one message at a time. Not thread-safe: one worker uses it.

    ``service`` begins the codes of troubles with the server; ``decided`` is called, on any thread, when a decision was
    made.
    """

    def __init__(
        self,
        service: str,
        intake: Intake,
        gatekeeper: Gatekeeper,
        known: Compositions,
        clock: Callable[[], datetime],
        decided: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._intake = intake
        self._gatekeeper = gatekeeper
        self._known = known
        self._clock = clock
        self._decided = decided
        self._monotonic = monotonic

    def take_in(self, key: Key, stored: Stored) -> Held[Key]:
        """A message that was put there."""
        submission = self._intake.submission(stored.raw, token=stored.token)
        if not submission.message.message_id:
            message = replace(submission.message, message_id=_made_up_id(submission))
            submission = replace(submission, message=message)
        return Held(key, submission)

    def step(self, held: Held[Key], folder: Folder[Key]) -> bool:
        """Do what is due; returns False when the message is no longer there. Raises MailboxUnreachable."""
        if held.due > self._monotonic() or (held.stage is Stage.WAITING and held.is_open):
            return True
        try:
            return self._act(held, folder)
        except LedgerFailed:
            self._tell(held, "ledger_failed")
        except CommandRefused as error:
            self._tell(held, f"{self._service}_{error.why}")
        held.later(self._monotonic())
        return True

    def gone(self, held: Held[Key], detail: str = "draft_gone") -> None:
        """The message was taken out or changed, or nobody looks after it any more: the question is withdrawn."""
        if held.ticket is not None and held.stage is Stage.WAITING:
            self._gatekeeper.cancel(held.ticket, detail)

    def give_back(self, held: Held[Key], folder: Folder[Key], why: str) -> bool:
        """Move a message to Drafts unsent, and say why where nobody decided it."""
        held.stage = Stage.TO_GIVE_BACK
        self._tell(held, why)
        folder.back_to_drafts(held.key)
        return False

    def _act(self, held: Held[Key], folder: Folder[Key]) -> bool:
        match held.stage:
            case Stage.TO_JUDGE:
                return self._judge(held, folder)
            case Stage.WAITING:
                return self._obey(held, folder)
            case Stage.SENT:
                return self._file(held, folder)
            case Stage.UNKNOWN:
                return self._look(held, folder)
            case Stage.TO_GIVE_BACK:
                return self.give_back(held, folder, "")
            case Stage.RESTING:
                return True
            case _:
                assert_never(held.stage)

    def _judge(self, held: Held[Key], folder: Folder[Key]) -> bool:
        if without_tag(held.submission.envelope.originator) not in map(without_tag, self._intake.account.own_addresses):
            return self.give_back(held, folder, "outbox_foreign_sender")
        if self._was_sent(held, folder):
            return self.step(held, folder)
        held.ticket = self._gatekeeper.receive(held.submission)
        held.stage = Stage.WAITING
        held.ticket.decision.add_done_callback(lambda _: self._decided())
        return True

    def _was_sent(self, held: Held[Key], folder: Folder[Key]) -> bool:
        """Whether the ledger has these bytes as sent, or Sent shows that they were. Then they are only filed."""
        record = self._gatekeeper.earlier(held.submission)
        if record is not None and record.state is State.UNKNOWN:
            if not folder.in_sent(held.submission.message.message_id):
                return False
            self._gatekeeper.settle(record.id, was_sent=True, detail="found_in_sent")
        elif record is None or record.state is not State.SENT:
            return False
        held.stage, held.due = Stage.SENT, 0.0
        return True

    def _obey(self, held: Held[Key], folder: Folder[Key]) -> bool:
        ticket = _ticket(held)
        outcome = ticket.decision.result(0).outcome
        match outcome:
            case Outcome.SEND:
                return self._send(held, ticket, folder)
            case Outcome.DONT_SEND | Outcome.MOVE_TO_BCC | Outcome.BLOCKED:
                self._known.keep(ticket.judgement)
                return self.give_back(held, folder, "")
            case Outcome.REPLY_TO_SENDER:
                return self._narrow(held, folder)
            case Outcome.CANNOT_ASK:
                held.stage = Stage.TO_JUDGE
                held.later(self._monotonic())
            case Outcome.CANCELLED:
                held.stage = Stage.RESTING
            case _:
                assert_never(outcome)
        return True

    def _send(self, held: Held[Key], ticket: Ticket, folder: Folder[Key]) -> bool:
        stored = folder.read(held.key)
        if stored is None:
            self.gone(held)
            return False
        if self._was_sent(held, folder):  # the same bytes lay there twice
            self._gatekeeper.cancel(ticket, "sent_before")
            return True
        if not held.submission.envelope.recipients:
            self._gatekeeper.cancel(ticket, "no_recipients")
            return self.give_back(held, folder, "outbox_no_recipients")
        held.sent_before = folder.in_sent(held.submission.message.message_id)

        def begin() -> None:
            self._gatekeeper.begin(ticket, stored.handed_over)
            held.stage = Stage.UNKNOWN  # from here on, whatever happens

        try:
            held.date = format_datetime(self._clock())
            folder.send(held, stored, begin)
        except NotApproved as error:
            self._withdraw(held, ticket, f"not_approved_{error.what}")
        except (SubmissionRefused, UpstreamUnreachable) as error:
            return self._not_taken(held, ticket, folder, error)
        except ReplyLost:
            held.due = self._monotonic() + FILED_BY_SERVER_AFTER
            self._gatekeeper.lost(ticket)
        else:
            held.stage, held.due = Stage.SENT, self._monotonic() + FILED_BY_SERVER_AFTER
            self._gatekeeper.sent(ticket)
        return True

    def _withdraw(self, held: Held[Key], ticket: Ticket, why: str) -> None:
        """Nothing has left. A server that will not have the message as it was approved is not asked again at once."""
        begun = held.stage is Stage.UNKNOWN
        (self._gatekeeper.refused if begun else self._gatekeeper.cancel)(ticket, why)
        held.stage, held.due = Stage.TO_JUDGE, 0.0
        if begun:
            held.later(self._monotonic())

    def _not_taken(
        self, held: Held[Key], ticket: Ticket, folder: Folder[Key], error: SubmissionRefused | UpstreamUnreachable
    ) -> bool:
        """Nothing was delivered. What may pass is tried again; what was refused for good goes back to Drafts."""
        begun = held.stage is Stage.UNKNOWN
        code = f"upstream_{error.code}" if isinstance(error, SubmissionRefused) else f"upstream_{error.why}"
        for_good = isinstance(error, SubmissionRefused) and not error.is_temporary
        if for_good and begun:
            self._gatekeeper.refused(ticket, code)
        elif for_good:
            self._gatekeeper.cancel(ticket, code)
        elif begun:
            self._gatekeeper.deferred(ticket, code)
        if for_good:
            return self.give_back(held, folder, "" if begun else code)
        held.stage = Stage.TO_JUDGE if begun else Stage.WAITING
        held.later(self._monotonic())
        self._tell(held, "outbox_waits")
        return True

    def _narrow(self, held: Held[Key], folder: Folder[Key]) -> bool:
        """Put a reply to the sender only in the place of a reply to many. It is judged like everything put there."""
        original = held.submission.original
        sender = sender_of(original) if original is not None else None
        if sender is None:
            return self.give_back(held, folder, "outbox_no_sender")
        folder.narrow(held, sender)
        return False

    def _file(self, held: Held[Key], folder: Folder[Key]) -> bool:
        folder.file(held)
        return False

    def _look(self, held: Held[Key], folder: Folder[Key]) -> bool:
        """Look whether a message whose answer was lost lies in Sent, or whether a person said what became of it."""
        record = self._gatekeeper.earlier(held.submission)
        if record is None or record.state is State.REFUSED:
            held.stage, held.due = Stage.TO_JUDGE, 0.0
            return True
        if record.state is not State.SENT:
            if not folder.in_sent(held.submission.message.message_id) - held.sent_before:
                held.due = self._monotonic() + LOOK_AGAIN_AFTER
                return True
            self._gatekeeper.settle(record.id, was_sent=True, detail="found_in_sent")
        held.stage, held.due = Stage.SENT, 0.0
        return self._file(held, folder)

    def _tell(self, held: Held[Key], code: str) -> None:
        if code and code != held.told:
            held.told = code
            self._gatekeeper.trouble(code, held.submission.account)


def _ticket(held: Held[Key]) -> Ticket:
    if held.ticket is None:
        raise AssertionError("a message that waits has a ticket")
    return held.ticket


def _made_up_id(submission: Submission) -> str:
    """A Message-ID for a message without one: the same for the same bytes, so that it can be found in Sent later."""
    name = digest.binding(submission.raw, submission.envelope).hex()[:32]
    return f"<{name}@{submission.envelope.originator.rpartition('@')[2] or 'localhost'}>"
