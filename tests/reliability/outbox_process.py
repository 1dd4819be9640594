"""A guarded outbox in a process of its own that dies where it is told to: what the tests of all servers do with it."""

import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from sendguard.guard.ledger import Record
from sendguard.storage.database import Database
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places
from tests.adapters.imap_rig import OUTBOX
from tests.servers.processes import wait_until

ORIGINAL = "<original@x.test>"
DONT_SEND, SEND, NARROW = "dont_send", "send", "reply_to_sender"
BEFORE_ANYTHING_LEFT = [("before", "held"), ("after", "held"), ("before", "approved"), ("after", "approved")]
"""Steps (``outbox_child``) at which no server was told anything, whatever server it is."""


class OutboxProcess(ABC):
    """The outbox of the person whose files lie in ``folder``."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        self.process: subprocess.Popen[str] | None = None

    @abstractmethod
    def holds(self, folder: str) -> int:
        """How many messages lie in one of the person's folders."""

    def start(self, answer: str, *dies: str) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.reliability.outbox_child", str(self.folder), answer, *dies],
                stdout=log, stderr=log, text=True,
            )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def dies(self) -> None:
        assert self.process is not None
        assert self.process.wait(20) == -9, self.log.read_text()

    def wait_until_empty(self) -> None:
        wait_until(lambda: not self.holds(OUTBOX), "empty outbox", 20)


def rows_in(folder: Path) -> tuple[Record, ...]:
    """What the ledger of a person's files holds, oldest first."""
    database = Database(Places.under(folder).ledger)
    try:
        return tuple(reversed(SqliteLedger(database).history()))
    finally:
        database.close()
