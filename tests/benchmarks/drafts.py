"""From a server's push to the verdict on a draft: what a person waits beyond what the server itself takes.

The moment of the push is when its bytes are there to be read on the watch's socket. The directory is a real one with
a list of 1,200 people, the mailbox a real Dovecot, and every second draft answers a message that has to be found.
"""

import select
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sendguard.audience.resolver import Resolver
from sendguard.audience.signs import Signs
from sendguard.directories.index_file import IndexDirectory
from sendguard.directories.kept import KeptDirectory
from sendguard.directories.opening import directory_at
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.guard.judge import Judge, Judgement
from sendguard.imap.client import Client
from sendguard.imap.drafts import DraftsWatch
from sendguard.imap.originals import ImapOriginals
from sendguard.mail.submission import Hook, Submission
from sendguard.mailbox.watching import WatchState
from sendguard.policy.rules import Rules
from tests.adapters.imap_rig import MailProgram, Passwords, mail, now
from tests.benchmarks.gate import Measured
from tests.fakes import FakeAsker, FakeLedger, FakeSizes
from tests.servers.dovecot import Dovecot, Person
from tests.servers.processes import server_folder, wait_until

LIMIT_MS = 25
DRAFTS = 40
LIST = "everybody@example.test"


class Clocked(Judge):
    """A judge that notes when it was done."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.done: list[float] = []

    def judge(self, submission: Submission) -> Judgement:
        judgement = super().judge(submission)
        self.done.append(time.perf_counter())
        return judgement


@contextmanager
def noting_pushes(pushed: list[float]) -> Iterator[None]:
    """Note when the socket of an IDLE has something to read. A poll that ended by itself is no push."""
    poll = Client._poll_socket

    def noting(client: Client, sock: Any, timeout: float | None = None) -> Any:
        events = poll(client, sock, timeout)
        if events and timeout and select.select([sock], [], [], 0)[0]:
            pushed.append(time.perf_counter())
        return events

    Client._poll_socket = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        Client._poll_socket = poll  # type: ignore[method-assign]


def directory(folder: Path) -> KeptDirectory | IndexDirectory:
    members = "".join(f"{LIST},p{number}@example.test\n" for number in range(1200))
    (folder / "members.csv").write_text(f"list,member\n{members}")
    source = directory_at(folder)
    source.load()
    return source


def measure(server: Dovecot, person: Person, folder: Path) -> list[float]:
    """Milliseconds from push to verdict, for each draft."""
    resolver = Resolver([directory(folder)], Signs(()), organisation=frozenset({"example.test"}), deadline=1.5)
    judge = Clocked(resolver.resolve, Rules, FakeSizes(), now)
    gatekeeper = Gatekeeper(judge, FakeLedger(), FakeAsker(), now, lambda: "id")
    account = Account("work", (person.address,), imap=Server("127.0.0.1", server.port, Security.PLAIN, person.address))
    passwords = Passwords(person.password)
    originals = ImapOriginals([account], passwords)
    watch = DraftsWatch(account, passwords, Intake(account, Hook.IMAP_DRAFTS, originals), gatekeeper, now)
    program = MailProgram(server, person)
    for number in range(DRAFTS):
        program.put(mail(sender=LIST, to=person.address, message_id=f"<o{number}@example.test>"), "INBOX")
    pushed: list[float] = []
    taken: list[float] = []
    with noting_pushes(pushed):
        watch.start()
        wait_until(lambda: watch.state is WatchState.WATCHING, "watch")
        for number in range(DRAFTS):
            answers = f"<o{number}@example.test>" if number % 2 else ""
            pushes, verdicts = len(pushed), len(judge.done)
            program.save_draft(mail(sender=person.address, to=LIST, subject=f"draft {number}", in_reply_to=answers))
            wait_until(lambda before=verdicts: len(judge.done) > before, "verdict")  # type: ignore[misc]
            taken.append((judge.done[-1] - pushed[pushes]) * 1000)
        watch.stop()
    originals.close()
    program.close()
    resolver.close()
    return taken


def run() -> list[Measured]:
    with server_folder("bench") as folder, Dovecot(folder) as server:
        (folder / "directory").mkdir()
        taken = measure(server, server.new_person(), folder / "directory")
    median = statistics.median(taken)
    worst = max(taken)
    shown = f"{median:.1f} ms (at most {worst:.0f})"
    return [Measured("server's push to verdict for a draft", shown, f"≤ {LIMIT_MS} ms", median <= LIMIT_MS)]
