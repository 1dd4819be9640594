"""What the gate costs, measured against going straight to the same Postfix, side by side in one run."""

import os
import smtplib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sendguard.audience.source import Query
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.intake import Intake
from sendguard.mail.submission import Hook
from sendguard.smtp.gate import SmtpGate
from sendguard.storage.database import Database
from sendguard.storage.ledger import SqliteLedger
from tests.adapters.smtp_kit import SENTENCES
from tests.fakes import Guard
from tests.servers.dovecot import Dovecot, Person
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder

TO = "somebody@elsewhere.test"
"""Postfix takes mail for this address, and throws it away."""
MEGA = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """One row of the table; ``ok`` is whether the limit was kept."""

    name: str
    measured: str
    limit: str
    ok: bool


def message(octets: int, number: int = 0) -> bytes:
    """A message of about that size, its lines as long as those of base64."""
    head = f"From: me\r\nTo: {TO}\r\nSubject: number {number}\r\nMessage-ID: <{number}@bench>\r\n\r\n".encode()
    line = b"x" * 76 + b"\r\n"
    return head + line * (octets // len(line))


def session(port: int, me: Person, *raws: bytes, to: str = TO) -> None:
    """Connect, log in, send, leave; all messages on one connection."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="bench", timeout=120) as client:
        client.login(me.address, me.password)
        for raw in raws:
            client.mail(me.address)
            client.rcpt(to)
            code, words = client.data(raw)
            assert code == 250, words


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def side_by_side(times: int, first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Medians of both, taken in turns so that both see the same weather."""
    pairs = [(seconds(first), seconds(second)) for _ in range(times)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def added_to_10_kb(direct: int, gate: int, me: Person, times: int = 60) -> Measured:
    """A whole session, from connecting to leaving."""
    raw = message(10_000)
    straight, through = side_by_side(times, lambda: session(direct, me, raw), lambda: session(gate, me, raw))
    more = (through - straight) * 1000
    return Measured("10 kB message, no question", f"{more:.1f} ms more", "≤ 5 ms more", more <= 5)


def ratio_of_10_mb(direct: int, gate: int, me: Person, times: int = 7) -> Measured:
    raw = message(10 * MEGA)
    straight, through = side_by_side(times, lambda: session(direct, me, raw), lambda: session(gate, me, raw))
    ratio = through / straight
    return Measured("10 MB message", f"{ratio:.2f} × ({through * 1000:.0f} ms)", "≤ 2.5 ×", ratio <= 2.5)


def ratio_of_rates(
    direct: int, gate: int, me: Person, dovecot: Dovecot, messages: int = 500, connections: int = 4
) -> list[Measured]:
    """From the first connection until the last message lies in its mailbox, and until the last was accepted.

    Medians of three taken in turns. Postfix accepts sooner than it delivers: it goes on with what it has queued.
    """

    def all_at(port: int) -> tuple[float, float]:
        to = dovecot.new_person()
        raws = [message(10_000, number) for number in range(messages)]
        shares = [raws[start::connections] for start in range(connections)]
        began = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(lambda share: session(port, me, *share, to=to.address), shares))
        accepted = time.perf_counter() - began
        dovecot.wait_for_messages(to, messages, seconds=60)
        return accepted, time.perf_counter() - began

    pairs = [(all_at(direct), all_at(gate)) for _ in range(3)]
    rows = []
    for until, which in (("delivered", 1), ("accepted", 0)):
        straight, through = (statistics.median(pair[side][which] for pair in pairs) for side in (0, 1))
        ratio = straight / through
        name = f"{messages} messages on {connections} connections, until {until}"
        rows.append(Measured(name, f"{ratio:.2f} × the rate ({messages / through:.0f}/s)", "≥ 0.5 ×", ratio >= 0.5))
    return rows


def memory_of_10_mb(gate: "ServedGate", me: Person) -> Measured:
    """The most a fresh gate's process grows by while one message is in it, in times of the message."""
    session(gate.port, me, message(10_000))
    before = gate.rss()
    raw = message(10 * MEGA)
    most = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            most[0] = max(most[0], gate.rss())

    watching = threading.Thread(target=watch)
    watching.start()
    session(gate.port, me, raw)
    done.set()
    watching.join()
    ratio = (most[0] - before) / len(raw)
    return Measured("10 MB message, memory", f"{ratio:.1f} × the message", "≤ 3 ×", ratio <= 3)


def flatness(gate: "ServedGate", me: Person, messages: int = 10_000) -> Measured:
    """Memory and descriptors after a tenth of the messages against after all of them, connections of ten."""
    raws = [message(2_000, number) for number in range(10)]

    def send(count: int) -> tuple[float, int]:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: session(gate.port, me, *raws), range(count // 10)))
        return gate.rss() / MEGA, gate.descriptors()

    warm, warm_open = send(messages // 10)
    full, full_open = send(messages - messages // 10)
    ok = full - warm <= max(2.0, 0.05 * warm) and full_open <= warm_open
    grown = f"{full - warm:+.1f} MB, {full_open - warm_open:+d} descriptors"
    return Measured(f"{messages:,} messages through the gate", grown, "flat", ok)


@dataclass
class ServedGate:
    """A gate in a process of its own, with a real ledger, so that its memory can be measured."""

    process: "subprocess.Popen[str]"
    port: int

    def rss(self) -> int:
        """Resident octets."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Open descriptors."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextmanager
def served_gate(upstream_port: int, identity: str, ledger: Path) -> Iterator[ServedGate]:
    port = choose_port()
    command = [sys.executable, "-m", "tests.benchmarks.gate", str(port), str(upstream_port), identity, str(ledger)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield ServedGate(process, port)
        finally:
            process.communicate("", timeout=20)


def serve(port: int, upstream_port: int, identity: str, ledger: Path) -> None:
    """Serve a gate until standard input ends."""
    database = Database(ledger)
    guard = Guard(ledger=SqliteLedger(database))
    account = Account("bench", (identity,), smtp=Server("127.0.0.1", upstream_port, Security.PLAIN), gate_port=port)
    guard.gatekeeper._observers.clear()  # whose list of what happened would grow, as would that of queries
    guard.directory.asked = _Forgetful()
    gate = SmtpGate(account, guard.gatekeeper, Intake(account, Hook.SMTP_GATE), SENTENCES)
    gate.start()
    print("ready", flush=True)
    sys.stdin.read()
    gate.stop()
    database.close()


class _Forgetful(list[Query]):
    def append(self, query: Query) -> None:
        """A long run is not to be remembered."""


def run(messages: int = 10_000) -> list[Measured]:
    """Measure everything; ``messages`` is the size of the long run."""
    with ExitStack() as stack:
        dovecot = stack.enter_context(Dovecot(stack.enter_context(server_folder("dovecot"))))
        postfix = stack.enter_context(Postfix(stack.enter_context(server_folder("postfix")), dovecot))
        ledgers = stack.enter_context(server_folder("ledgers"))
        me, straight = dovecot.new_person(), postfix.port
        with served_gate(straight, me.address, ledgers / "memory.sqlite") as fresh:
            memory = memory_of_10_mb(fresh, me)
        gate = stack.enter_context(served_gate(straight, me.address, ledgers / "speed.sqlite"))
        for port in (straight, gate.port):
            session(port, me, *[message(1000, number) for number in range(50)])
        rates = ratio_of_rates(straight, gate.port, me, dovecot)
        return [
            added_to_10_kb(straight, gate.port, me),
            ratio_of_10_mb(straight, gate.port, me),
            memory,
            *rates,
            flatness(gate, me, messages),
        ]


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
