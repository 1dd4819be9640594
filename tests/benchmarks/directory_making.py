"""Making indexes of the made-up national directory, each in a process of its own: it prints its figures."""

import json
import os
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sendguard.audience.crawl import Unwatched
from sendguard.audience.draft import Draft
from sendguard.audience.index.build import build
from sendguard.audience.index.delta import apply_delta, make_delta
from sendguard.audience.index.header import Mode
from sendguard.audience.index.reader import Index
from sendguard.directories.folder import FolderCrawl
from sendguard.directories.packing import pack, unpack

MADE = datetime(2026, 11, 24, 7, tzinfo=UTC)
ADDED, REMOVED, JOINED = 6_000, 4_000, 500
"""Memberships that come and go from one day to the next; so many of those that come are of people nobody knew."""


def read(folder: Path) -> Draft:
    draft = Draft()
    FolderCrawl(folder).read(draft, Unwatched())
    return draft


def write(path: Path, octets: bytes) -> None:
    """Write, and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def key(octets: int) -> bytes:
    """The same in every run."""
    return bytes(range(octets))


def first(folder: Path, exact: Path) -> dict[str, object]:
    """CSV to index, whole: the most memory it took, in octets."""
    write(exact, build(read(folder), source="directory", made_at=MADE, new_key=key))
    return {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def second(folder: Path, before: Path, exact: Path, counts: Path) -> dict[str, object]:
    """The next day's index, and one of the same with counts only."""
    draft, made_at = read(folder), MADE + timedelta(days=1)
    write(exact, build(draft, source="directory", made_at=made_at, new_key=key, before=Index.open(before)))
    write(counts, build(draft, source="directory", made_at=made_at, new_key=key, mode=Mode.COUNTS))
    return {}


def delta(old: Path, new: Path, target: Path) -> dict[str, object]:
    """Octets of the packed changes, and the seconds it takes to unpack them, apply them and have them on the disk."""
    changes = make_delta(Index.open(old), Index.open(new))
    packed, seconds = pack(changes), []
    for _ in range(5):
        index = Index.open(old)
        began = time.perf_counter()
        write(target, apply_delta(index, unpack(packed, len(changes))))
        seconds.append(time.perf_counter() - began)
        assert target.read_bytes() == new.read_bytes()
    return {"octets": len(packed), "seconds": seconds}


def next_day(folder: Path, changed: Path) -> None:
    """The same directory a day later, 10,000 memberships changed, anywhere in it."""
    changed.mkdir(exist_ok=True)
    for name in ("aliases.csv", "domains.csv"):
        shutil.copyfile(folder / name, changed / name)
    chance = random.Random(7)
    with (folder / "members.csv").open(encoding="ascii") as file:
        lines = sum(1 for _ in file)
    removed = set(chance.sample(range(1, lines), REMOVED))
    at, of = (chance.sample(range(1, lines), ADDED) for _ in range(2))
    wanted, members = set(of), {}
    with (folder / "members.csv").open(encoding="ascii") as file:
        for number, line in enumerate(file):
            if number in wanted:
                members[number] = line.rstrip("\n").partition(",")[2]
    added = {place: members[whose] for place, whose in zip(at, of, strict=True)}
    for joined, place in enumerate(at[:JOINED]):
        added[place] = f"new.{joined:x}@{added[place].partition('@')[2]}"
    with (folder / "members.csv").open(encoding="ascii") as old, (changed / "members.csv").open("w") as new:
        for number, line in enumerate(old):
            if number not in removed:
                new.write(line)
            if number in added:
                new.write(f"{line.partition(',')[0]},{added[number]}\n")


WORKS: dict[str, Callable[..., dict[str, object]]] = {"first": first, "second": second, "delta": delta}

if __name__ == "__main__":
    print(json.dumps(WORKS[sys.argv[1]](*map(Path, sys.argv[2:]))))
