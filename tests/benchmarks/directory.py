"""The index of a directory of 1.2 million people: how fast it answers, how large it is, what making it costs.

Everything is measured in processes of their own. The made-up directory, and the same in SQLite, are kept in
``build/bench-directory`` from run to run.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from hashlib import blake2b
from math import ceil
from pathlib import Path
from typing import Any

from sendguard.directories.packing import pack
from tests.benchmarks import national
from tests.benchmarks.directory_making import next_day
from tests.benchmarks.gate import Measured

WORK = Path("build/bench-directory")
MB = 1_000_000
P99 = {"all-staff": 0.1, "5 lists": 0.5, "3 lists + 200 people": 1.5, "600 lists": 10, "600 other lists": 10}
"""Milliseconds for 99 of 100 answers."""
COLD = 50
"""Milliseconds from an evicted file to the first answer."""
COLD_TIMES = 5
ROUNDS = 3
SLOWER = {"all-staff": 50, "5 lists": 10}
"""How many times as long SQLite has to need for the index to be worth it."""
FIGURES = {
    "people": national.PEOPLE,
    "lists": national.LISTS,
    "memberships": national.MEMBERSHIPS,
    "cycles": national.CYCLES,
    "all_staff": national.STAFF,
}
"""What the made-up directory has to have, to within a thousandth."""


def child(module: str, *arguments: str | Path) -> Any:
    """What a process of its own found."""
    command = [sys.executable, "-m", f"tests.benchmarks.directory_{module}", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def folder() -> Path:
    """The CSV files of both days: made where this very generator has not made them before."""
    made_by = Path(national.__file__).read_bytes() + Path(__file__).with_name("directory_making.py").read_bytes()
    kept = WORK / blake2b(made_by, digest_size=6).hexdigest()
    if not kept.exists():
        shutil.rmtree(WORK, ignore_errors=True)  # what an earlier generator made is a gigabyte, and of no use
        partial = kept.with_suffix(".partial")
        national.National().write(partial)
        next_day(partial, partial / "next-day")
        partial.rename(kept)
    return kept


def percentile(milliseconds: list[float], share: float) -> float:
    return sorted(milliseconds)[ceil(share * len(milliseconds)) - 1]


def made_up(figures: dict[str, int]) -> Measured:
    said = "{people:,} people, {lists:,} lists, {memberships:,} memberships, {cycles} cycles, all-staff {all_staff:,}"
    ok = all(abs(figures[name] - wanted) <= wanted // 1000 for name, wanted in FIGURES.items())
    return Measured("the directory asked", said.format(**figures), "the size and shape of 2016", ok)


def answers(rounds: list[dict[str, Any]]) -> list[Measured]:
    """Each round is a process of its own: of its p99 and its p50, the medians over the rounds."""
    rows = []
    for kind, limit in P99.items():
        taken = [found[kind]["milliseconds"] for found in rounds]
        p99, p50 = (statistics.median(percentile(each, share) for each in taken) for share in (0.99, 0.5))
        shown = f"p99 {p99:.2f} ms (p50 {p50:.3f})"
        rows.append(Measured(f"addresses to number: {kind}", shown, f"≤ {limit} ms", p99 <= limit))
    return rows


def first_answers(exact: Path, asked: Path) -> list[Measured]:
    """The file evicted each time: medians."""
    rows = []
    for kind in P99:
        taken = [float(child("asking", "cold", exact, asked, kind)) for _ in range(COLD_TIMES)]
        median = statistics.median(taken)
        shown = f"{median:.0f} ms (at most {max(taken):.0f})"
        rows.append(Measured(f"open, and first answer, from the disk: {kind}", shown, f"≤ {COLD} ms", median <= COLD))
    return rows


def against_sqlite(found: dict[str, Any], others: dict[str, Any]) -> list[Measured]:
    """Medians of the same questions; the answers have to be the same as well."""
    rows = []
    for kind, limit in SLOWER.items():
        other, count = others[kind], len(others[kind]["people"])
        assert other["people"] == found[kind]["people"][:count], kind
        theirs, ours = (statistics.median(each["milliseconds"][:count]) for each in (other, found[kind]))
        shown = f"{theirs / ours:,.0f} × slower ({theirs:.1f} ms)"
        rows.append(Measured(f"the same in SQLite, recursive: {kind}", shown, f"≥ {limit} ×", theirs >= limit * ours))
    return rows


def size(name: str, octets: int, limit: int) -> Measured:
    """Of a compressed file; ``limit`` in octets."""
    unit, said = (MB, "MB") if limit >= MB else (1000, "kB")
    return Measured(name, f"{octets / unit:.2f} {said}", f"≤ {limit // unit} {said}", octets <= limit)


def making(csv: Path, exact: Path) -> list[Measured]:
    began = time.perf_counter()
    memory = child("making", "first", csv, exact)["memory"]
    taken = time.perf_counter() - began
    return [
        Measured("CSV to index, whole", f"{taken:.0f} s", "≤ 90 s", taken <= 90),
        Measured("CSV to index, memory", f"{memory / MB:,.0f} MB", "≤ 1,500 MB", memory <= 1500 * MB),
    ]


def sizes(exact: Path, second: Path, counts: Path) -> list[Measured]:
    """Of what is downloaded: zstd at level 19."""
    delta = child("making", "delta", exact, second, second.with_suffix(".applied"))
    apply = statistics.median(delta["seconds"])
    return [
        size("file, exact, compressed", len(pack(exact.read_bytes())), 30 * MB),
        size("file, counts only, compressed", len(pack(counts.read_bytes())), MB),
        size("changes of a day: 10,000 memberships, compressed", delta["octets"], 100_000),
        Measured("changes of a day, unpacked, applied and on the disk", f"{apply:.2f} s", "≤ 0.5 s", apply <= 0.5),
    ]


def run() -> list[Measured]:
    """Measure everything but the crawls: those are ``tests.benchmarks.ldap``'s."""
    csv = folder()
    exact, second, counts, asked = (WORK / name for name in ("exact", "exact-2", "counts", "questions"))
    made = making(csv, exact)
    child("making", "second", csv / "next-day", exact, second, counts)
    if not (kept := csv / "national.sqlite").exists():
        child("sqlite", "make", csv, kept)
    figures = made_up(child("asking", "figures", exact, asked))
    rounds = [child("asking", "warm", exact, asked) for _ in range(ROUNDS)]
    private = max(found["private"] for found in rounds) / MB
    return [
        figures,
        *answers(rounds),
        *first_answers(exact, asked),
        *against_sqlite(rounds[0], child("sqlite", "ask", kept, asked)),
        Measured("private memory of the process that answers", f"{private:.1f} MB", "≤ 20 MB", private <= 20),
        *made,
        *sizes(exact, second, counts),
    ]
