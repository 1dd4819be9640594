"""Sizes from Exchange: what ours takes beyond the server's own time, and ExpandDL beside exchangelib's."""

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.gate import MEGA, Measured
from tests.servers.exchange import Exchange, Person

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


def run() -> list[Measured]:
    return expansion()
