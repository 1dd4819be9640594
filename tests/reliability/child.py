"""The whole program in a process of its own, answering every question with "send", and dying where it is told to.

    python -m tests.reliability.child FOLDER [before|after N]

``FOLDER`` holds the person's files and ``password``. With a step it kills itself before or after the N-th write to
the ledger that belongs to a message.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sendguard.bootstrap.program
from sendguard.bootstrap.program import Program
from sendguard.guard.ports import Answer
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets
from sendguard.terminal.asker import TerminalAsker
from sendguard.terminal.reply import by_rule


def dying(when: str, step: int) -> type[SqliteLedger]:
    """A ledger whose process dies at a step."""
    writes = 0

    def around(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **keywords: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == step and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            done = write(*arguments, **keywords)
            if writes == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return wrapped

    return type("Dying", (SqliteLedger,), {"put": around(SqliteLedger.put), "move": around(SqliteLedger.move)})


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        sendguard.bootstrap.program.SqliteLedger = dying(sys.argv[2], int(sys.argv[3]))  # type: ignore[misc]
    password = (folder / "password").read_text()
    asker = TerminalAsker(by_rule(Answer.SEND))
    program = Program(Places.under(folder), SessionSecrets(work=password), asker)
    asker.answer_to(program.gatekeeper)
    program.start()
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
