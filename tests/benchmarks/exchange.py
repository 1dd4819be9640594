"""What the EWS gate costs against going straight to the same server, and what a notification's way to a verdict takes.

The server, the gate and the client are three processes, as they are on a person's desk.
"""

import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sendguard.exchange import stream
from sendguard.exchange.drafts import EwsDraftsWatch
from sendguard.exchange.gate.gate import EwsGate
from sendguard.exchange.notifications import Notifications
from sendguard.exchange.session import Mailboxes
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake
from sendguard.mail.submission import Hook
from sendguard.mailbox.watching import WatchState
from sendguard.policy.rules import Rules
from sendguard.storage.database import Database
from sendguard.storage.ledger import SqliteLedger
from tests.adapters.ews_gate_kit import FIND, PATH, SENTENCES, send_only
from tests.adapters.ews_rig import ExchangeProgram, boxes
from tests.adapters.imap_rig import Passwords, mail, now
from tests.benchmarks.drafts import Clocked
from tests.benchmarks.gate import MEGA, Measured, ServedGate, _Forgetful, side_by_side
from tests.fakes import FakeAsker, FakeDirectory, FakeLedger, FakeSizes, Guard
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person
from tests.servers.processes import server_folder, wait_until

HERE = "tests.benchmarks.exchange"
ME, PASSWORD = "me@example.test", "pass word"
CALLS = 300
BIG = 25 * MEGA
ROUNDS = 5
DRAFTS = 40


class Client:
    """One kept connection, as every EWS client has it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        login = "Basic " + b64encode(f"{ME}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": login, "Content-Type": "text/xml; charset=utf-8"}

    def call(self, body: bytes) -> None:
        self._connection.request("POST", PATH, body, self._headers)
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status == 200, said[:500]
        assert b'ResponseClass="Success"' in said, said[:500]


@contextmanager
def child(*arguments: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """A module in a process of its own, until the block ends; with the line it says when it is there."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        try:
            yield process, said
        finally:
            process.communicate("", timeout=20)


@contextmanager
def served(url: str, ledger: Path) -> Iterator[ServedGate]:
    port = choose_port()
    with child(HERE, "gate", str(port), url, str(ledger)) as (process, said):
        assert said == "ready"
        yield ServedGate(process, port)


def letter(octets: int, to: str = "somebody@example.test") -> bytes:
    line = "x" * 76 + "\r\n"
    return mail(sender=ME, to=to, body=line * (octets // len(line)))


def most_of(gate: ServedGate, call: bytes) -> float:
    """Megabytes the gate's process grows by at the most, while one call is in it."""
    client = Client(gate.port)
    client.call(FIND)
    before, most, done = gate.rss(), [gate.rss()], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            most[0] = max(most[0], gate.rss())

    watching = threading.Thread(target=watch)
    watching.start()
    client.call(call)
    done.set()
    watching.join()
    return (most[0] - before) / MEGA


def gate_rows(url: str, ledgers: Path) -> list[Measured]:
    port = int(url.split(":")[2].partition("/")[0])
    sends, saves = send_only(letter(BIG)), send_only(letter(BIG), disposition="SaveOnly")
    with served(url, ledgers / "memory") as fresh:
        held = most_of(fresh, sends)
    with served(url, ledgers / "flat") as fresh:
        passed = most_of(fresh, saves)
    rows = []
    with served(url, ledgers / "speed") as gate:
        straight, through = Client(port), Client(gate.port)
        small = send_only(letter(2_000))
        for name, call in (("GetFolder", FIND), ("CreateItem that sends 2 kB, no question", small)):
            for _ in range(20):
                straight.call(call), through.call(call)
            one, other = side_by_side(CALLS, lambda: straight.call(call), lambda: through.call(call))  # noqa: B023
            more = (other - one) * 1000
            rows.append(Measured(f"EWS gate: {name}", f"{more:.1f} ms more", "≤ 3 ms more", more <= 3))
        one, other = side_by_side(ROUNDS, lambda: straight.call(sends), lambda: through.call(sends))
    ratio, limit = other / one, BIG / MEGA + 20
    return [
        *rows,
        Measured("EWS gate: 25 MB message", f"{ratio:.2f} × ({other * 1000:.0f} ms)", "≤ 2 ×", ratio <= 2),
        Measured("EWS gate: its memory", f"{held:.0f} MB", f"≤ {limit:.0f} MB", held <= limit),
        Measured("EWS gate: 25 MB that only save, memory", f"{passed:.1f} MB", "≤ 5 MB", passed <= 5),
    ]


def watch_row() -> Measured:
    """From the moment the event's octets are read to the verdict on the draft."""
    heard: list[float] = []
    news = stream._news

    def noting(envelope: Any) -> Any:
        heard.append(time.perf_counter())
        return news(envelope)

    with Exchange() as server:
        person = server.new_person()
        account = Account("work", (person.address,), exchange=ExchangeServer(server.url, Login.BASIC, person.address))
        judge = Clocked(FakeDirectory(big=850_112), Rules, FakeSizes(), now)
        gatekeeper = Gatekeeper(judge, FakeLedger(), FakeAsker(), now, lambda: "id")
        mailboxes = Mailboxes(account, Passwords(person.password))
        notifications = Notifications(mailboxes.open)
        watch = EwsDraftsWatch(mailboxes, notifications, Intake(account, Hook.EWS_DRAFTS), gatekeeper, now)
        program = ExchangeProgram(server, person)
        stream._news = noting
        try:
            watch.start()
            wait_until(lambda: watch.state is WatchState.WATCHING and notifications.streams, "watch")
            taken = [_one_draft(program, judge, heard, number) for number in range(DRAFTS)]
        finally:
            stream._news = news
            watch.stop()
            notifications.stop()
            program.close()
    median = statistics.median(taken)
    shown = f"{median:.1f} ms (at most {max(taken):.0f})"
    return Measured("Exchange's notification to verdict for a draft", shown, "≤ 30 ms", median <= 30)


def _one_draft(program: ExchangeProgram, judge: Clocked, heard: list[float], number: int) -> float:
    before = len(judge.done)
    heard.clear()
    program.save_draft(subject=f"draft {number}", to_recipients=boxes("big@lists.test"))
    wait_until(lambda: len(judge.done) > before, "verdict")
    return (judge.done[-1] - heard[0]) * 1000


def run() -> list[Measured]:
    with ExitStack() as stack:
        ledgers = stack.enter_context(server_folder("ledgers"))
        _, url = stack.enter_context(child(HERE, "server"))
        return [*gate_rows(url, ledgers), watch_row()]


def serve_exchange() -> None:
    with Exchange() as server:
        server.add_person(ME, PASSWORD)
        print(server.url, flush=True)
        threading.Thread(target=_forgetting, args=(server,), daemon=True).start()
        sys.stdin.read()


def _forgetting(server: Exchange) -> None:
    """What was sent is not to be remembered: a long run would fill the memory."""
    me: Person = server.people[ME]
    while True:
        time.sleep(1)
        server.submitted.clear()
        with server.lock:
            mailbox = server.mailbox(me)
            for folder in ("drafts", "sentitems"):
                for item in server.messages(me, folder):
                    mailbox.remove(item)


def serve_gate(port: int, url: str, ledger: Path) -> None:
    database = Database(ledger)
    guard = Guard(ledger=SqliteLedger(database))
    guard.gatekeeper._observers.clear()
    guard.directory.asked = _Forgetful()
    account = Account("bench", (ME,), exchange=ExchangeServer(url, Login.BASIC, ME), ews_gate_port=port)
    gate = EwsGate(account, guard.gatekeeper, Intake(account, Hook.EWS_GATE), SENTENCES)
    gate.start()
    print("ready", flush=True)
    sys.stdin.read()
    gate.stop()
    database.close()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve_exchange()
    else:
        serve_gate(int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
    os._exit(0)
