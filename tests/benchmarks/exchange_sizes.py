"""Sizes from Exchange: what ours takes beyond the server's own time, and ExpandDL beside exchangelib's."""

import base64
import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sendguard.audience.resolver import Resolver
from sendguard.audience.source import Query
from sendguard.exchange.session import Mailboxes, Session
from sendguard.exchange.sizes import ExchangeSizes
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.judge import Judge
from sendguard.mail.kind import Kind
from sendguard.mail.message import read_message
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.rules import Rules
from tests.adapters.imap_rig import Passwords, mail, now
from tests.benchmarks.exchange import child
from tests.benchmarks.gate import MEGA, Measured
from tests.fakes import FakeSizes
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person

RECIPIENTS, PEOPLE = 40, (0, 30)
WARM = "warm@example.test"
ROUNDS = 25
MORE_MS = 30
MEMBERS = 100_000
LIST = "everybody@example.test"
FASTER, MORE_MEMORY = 6.0, 20

_CHILD = """
import re, sys, time
from sendguard.exchange.expansion import expand
from sendguard.exchange.session import Mailboxes
from sendguard.guard.account import Account, ExchangeServer, Login
from tests.adapters.imap_rig import Passwords

reader, url, address, password, wanted = sys.argv[1:]
account = Account("work", (address,), exchange=ExchangeServer(url, Login.BASIC, address))
session = Mailboxes(account, Passwords(password)).open()

def ours(wanted):
    found = expand(session, wanted, time.monotonic() + 60)
    assert found.complete
    return found.count

def theirs(wanted):
    return len({each.email_address.lower() for each in session.box.protocol.expand_dl(wanted)})

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

read = {"ours": ours, "theirs": theirs}[reader]
read("few@example.test")
before = peak()
began = time.perf_counter()
people = read(wanted)
print(people, time.perf_counter() - began, peak() - before)
"""


def expanded(server: Exchange, me: Person, reader: str) -> tuple[float, int]:
    """Seconds and octets of memory, in a process of its own that has connected before."""
    arguments = [sys.executable, "-c", _CHILD, reader, server.url, me.address, me.password, LIST]
    root = Path(__file__).parents[2]
    done = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=True, timeout=120)
    people, seconds, octets = done.stdout.split()
    assert int(people) == MEMBERS, people
    return float(seconds), int(octets)


def expansion() -> list[Measured]:
    """Both read the same answer of the same server, each three times; the best of each counts."""
    with Exchange() as server:
        me = server.new_person()
        server.new_list("few@example.test", members=[f"p{number}@example.test" for number in range(5)])
        server.new_list(LIST, members=[f"Person.Number.{number}@example.test" for number in range(MEMBERS)])
        ours, memory = min(expanded(server, me, "ours") for _ in range(3))
        theirs, their_memory = min(expanded(server, me, "theirs") for _ in range(2))
    times = theirs / ours
    return [
        Measured(
            f"ExpandDL of {MEMBERS:,} members",
            f"{ours:.2f} s, exchangelib {theirs:.1f} s: {times:.1f} ×",
            f"≥ {FASTER:g} ×",
            times >= FASTER,
        ),
        Measured(
            "its memory",
            f"{memory / MEGA:.0f} MB, exchangelib {their_memory / MEGA:.0f} MB",
            f"≤ {MORE_MEMORY} MB more",
            memory <= MORE_MEMORY * MEGA,
        ),
    ]


class Wire:
    """The same octets once more, with nothing around them: what the server itself takes."""

    def __init__(self, url: str, address: str, password: str) -> None:
        self._connection = http.client.HTTPConnection(url.split("/")[2], timeout=20)
        token = base64.b64encode(f"{address}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "text/xml; charset=utf-8"}

    def seconds(self, requests: Sequence[bytes]) -> float:
        began = time.perf_counter()
        for each in requests:
            self._connection.request("POST", "/EWS/Exchange.asmx", each, self._headers)
            self._connection.getresponse().read()
        return time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()


def asked(round_: int, people: int) -> tuple[str, ...]:
    """So many people nobody was asked about before, and lists, two of which are small enough to be opened."""
    lists = RECIPIENTS - people - 2
    kinds = [*["person"] * people, *["list"] * lists, *["small"] * 2]
    return tuple(f"{kind}-{people}-{round_}-{number}@example.test" for number, kind in enumerate(kinds))


def serve() -> None:
    """The server in a process of its own, as it is on a person's desk, with everybody the rounds ask for."""
    with Exchange() as server:
        me = server.new_person()
        server.new_list(WARM, total=400)
        for people in PEOPLE:
            for address in (each for number in range(ROUNDS) for each in asked(number, people)):
                kind = address.partition("-")[0]
                if kind == "person":
                    server.add_person(address)
                else:
                    few = [f"p{number}@example.test" for number in range(10)]
                    server.new_list(address, **({"total": 400} if kind == "list" else {"members": few}))
        print(server.url, me.address, me.password, sep="\t", flush=True)
        sys.stdin.read()


def to_a_verdict(people: int, url: str, address: str, password: str) -> Measured:
    """From a submission to its verdict, nothing remembered; the session is there already."""
    account = Account("work", (address,), exchange=ExchangeServer(url, Login.BASIC, address))
    sizes = ExchangeSizes([account], lambda each: Mailboxes(each, Passwords(password)).open(), now, within=20)
    resolver = Resolver([sizes], deadline=20)
    judge = Judge(resolver.resolve, Rules, FakeSizes(), now)
    wire = Wire(url, address, password)
    sizes.reach(Query((WARM,), frozenset({address})))
    more, own = [], []
    with noting_requests() as requests:
        for number in range(ROUNDS):
            to = asked(number, people)
            message = read_message(mail(sender=address, to=", ".join(to), message_id=f"<{number}@bench>"))
            submission = Submission(Hook.COMMAND_LINE, "", message, Envelope(address, to), Kind.NEW)
            requests.clear()
            began = time.perf_counter()
            judgement = judge.judge(submission)
            taken = time.perf_counter() - began
            assert judgement.audience.count.low >= 400
            assert not judgement.audience.missed
            own.append(wire.seconds(requests) * 1000)
            more.append(taken * 1000 - own[-1])
    wire.close()
    resolver.close()
    sizes.close()
    median = statistics.median(more)
    return Measured(
        f"MailTips for {RECIPIENTS} recipients ({people} of them people) to a verdict, over the server's own time",
        f"{median:.1f} ms more (server {statistics.median(own):.0f} ms)",
        f"≤ {MORE_MS} ms more",
        median <= MORE_MS,
    )


@contextmanager
def noting_requests() -> Iterator[list[bytes]]:
    """The envelopes that sessions send in the meantime."""
    noted: list[bytes] = []
    post = Session.post

    def noting(session: Session, envelope: bytes, **how: Any) -> Any:
        noted.append(envelope)
        return post(session, envelope, **how)

    Session.post = noting  # type: ignore[method-assign]
    try:
        yield noted
    finally:
        Session.post = post  # type: ignore[method-assign]


def run() -> list[Measured]:
    with child("tests.benchmarks.exchange_sizes") as (_, said):
        scene = said.split("\t")
        verdicts = [to_a_verdict(people, *scene) for people in PEOPLE]
    return [*verdicts, *expansion()]


if __name__ == "__main__":
    serve()
