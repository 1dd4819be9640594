"""The whole program in a process of its own, dying at a step of the guarded outbox's work.

    python -m tests.reliability.outbox_child FOLDER ANSWER [before|after STEP]

``FOLDER`` holds the person's files and ``password``; ``ANSWER`` is given to every question, "send" where it cannot
be given. ``STEP`` is a state the
ledger is about to write (``sending``), or a method, such as ``OutboxFolder.remove``.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sendguard.bootstrap.program import Program
from sendguard.exchange.outbox_folder import EwsOutboxFolder
from sendguard.guard.ledger import State
from sendguard.guard.ports import Answer, Question
from sendguard.imap.outbox_folder import OutboxFolder
from sendguard.smtp.submitter import SmtpSubmitter
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets
from sendguard.terminal.asker import TerminalAsker

METHODS = {f"{kind.__name__}.{name}": (kind, name) for kind, names in (
    (OutboxFolder, ("file_in_sent", "mark_answered", "remove", "back_to_drafts", "put")),
    (SmtpSubmitter, ("submit",)),
    (EwsOutboxFolder, ("send", "file", "narrow", "back_to_drafts")),
) for name in names}  # fmt: skip


def die_at(when: str, step: str) -> None:
    if step in METHODS:
        kind, name = METHODS[step]
        setattr(kind, name, _around(getattr(kind, name), when, lambda _: True))
        return
    state = State(step)
    SqliteLedger.put = _around(SqliteLedger.put, when, lambda args: args[1].state is state)  # type: ignore[method-assign]
    SqliteLedger.move = _around(SqliteLedger.move, when, lambda args: args[2] is state)  # type: ignore[method-assign]


def _around(work: Callable[..., Any], when: str, here: Callable[[tuple[Any, ...]], bool]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        if here(arguments) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = work(*arguments, **keywords)
        if here(arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return wrapped


def answering(answer: Answer) -> Callable[[Question], tuple[Answer, str]]:
    def reply(question: Question) -> tuple[Answer, str]:
        narrows = answer is not Answer.REPLY_TO_SENDER or question.judgement.submission.can_reply_to_sender
        return answer if narrows else Answer.SEND, question.judgement.verdict.to_type

    return reply


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 3:
        die_at(sys.argv[3], sys.argv[4])
    asker = TerminalAsker(answering(Answer(sys.argv[2])))
    program = Program(Places.under(folder), SessionSecrets(work=(folder / "password").read_text()), asker)
    asker.answer_to(program.gatekeeper)
    program.start()
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
