"""Processes of their own that answer questions out of the made-up national index: each prints its figures.

``warm``: the file lies in the page cache, and nothing of it was checked yet. ``cold``: it was evicted, and the clock
runs from before it is opened. ``figures``: what the index says of the directory it was made of.
"""

import gc
import json
import os
import sys
import time
from pathlib import Path

from sendguard.audience.closure import components
from sendguard.audience.index.answer import reach
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query
from tests.benchmarks.directory_questions import TIMES, questions, write_questions
from tests.benchmarks.national import ALL_STAFF


def warm(exact: Path, asked: Path) -> dict[str, object]:
    """For each kind the milliseconds and the numbers of people; then the octets of private memory of the process."""
    with exact.open("rb") as file:
        while file.read(1 << 20):  # into the page cache
            pass
    index, found = Index.open(exact), dict[str, object]()
    gc.freeze()  # as the guard does when it has started
    for kind in TIMES:
        milliseconds, people = [], []
        for query in questions(asked, kind):
            began = time.perf_counter()
            answer = reach(index, query, "directory")
            milliseconds.append((time.perf_counter() - began) * 1000)
            people.append(answer.union.high)
        found[kind] = {"milliseconds": milliseconds, "people": people}
    return found | {"private": private_octets()}


def private_octets() -> int:
    """What the process alone has and cannot give back: Private_Dirty of smaps_rollup, interpreter and modules included.

    The pages of the mapped file are clean, and one copy of them serves every process; they are not in it.
    """
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Private_Dirty")


def cold(exact: Path, asked: Path, kind: str) -> float:
    """Milliseconds for opening the evicted file and one answer. The interpreter and its modules are there already."""
    query = next(questions(asked, kind))
    evict(exact)
    began = time.perf_counter()
    reach(Index.open(exact), query, "directory")
    return (time.perf_counter() - began) * 1000


def evict(path: Path) -> None:
    """Drop a file that no process has mapped from the page cache."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def figures(exact: Path, asked: Path) -> dict[str, int | None]:
    """What is in it, counted where it can be; and the questions to it are written."""
    index = Index.open(exact)
    index.verify()
    write_questions(exact, asked)
    nested = [index.nested(number) for number in range(index.list_count)]
    return {
        "people": index.header.people,
        "lists": sum(1 for _ in index.lists()),
        "memberships": index.header.memberships,
        "cycles": sum(len(group) > 1 for group in components(nested)),
        "all_staff": reach(index, Query((ALL_STAFF,)), "directory").union.high,
    }


def main(what: str, exact: str, asked: str, kind: str = "") -> None:
    """Do one of them, and print what it found as JSON."""
    if what == "cold":
        print(json.dumps(cold(Path(exact), Path(asked), kind)))
    else:
        print(json.dumps({"warm": warm, "figures": figures}[what](Path(exact), Path(asked))))


if __name__ == "__main__":
    main(*sys.argv[1:])
