"""The questions that are put to the made-up national index, and to SQLite: always the same ones.

Lists drawn blindly would be small and far apart, five of them some 1,300 people together, and counting those is no art:
SQLite needs three times as long as the index, no more. Lists that are typed together overlap, and large ones are typed
as often as they have members; so the lists of one question are some of those that one person is in.
"""

import json
import random
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from pyroaring import BitMap

from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query
from tests.benchmarks.national import ALL_STAFF, ORGANISATIONS, PEOPLE, STAFF_ORGANISATIONS, National

HOME = frozenset({"nhs.test", "*.nhs.test"})
TIMES = {"all-staff": 300, "5 lists": 500, "3 lists + 200 people": 300, "600 lists": 300, "600 other lists": 300}
"""How often each kind of question is asked: each time by somebody else, and for others where there are others."""


def write_questions(exact: Path, target: Path) -> None:
    """Write one line of JSON a question; so whoever asks them has to hold one at a time."""
    with target.open("w", encoding="ascii") as file:
        for kind, typed, me in _questions(Index.open(exact)):
            file.write(json.dumps([kind, typed, me]) + "\n")


def questions(path: Path, wanted: str, times: int | None = None) -> Iterator[Query]:
    """The first so many of a kind."""
    with path.open(encoding="ascii") as file:
        of_kind = ((typed, me) for kind, typed, me in map(json.loads, file) if kind == wanted)
        for _, (typed, me) in zip(range(times or TIMES[wanted]), of_kind, strict=False):
            yield Query(tuple(typed), frozenset({me}), HOME)


def _questions(index: Index) -> Iterator[tuple[str, list[str], str]]:
    chance, anybody = random.Random(1), _Anybody()
    together = _lists_of_one(index, [anybody.address() for _ in range(1500)])
    staff = [_everyone(number) for number in range(STAFF_ORGANISATIONS)]
    for kind, times in TIMES.items():
        for _ in range(times):
            if kind == "5 lists":
                typed = chance.sample(next(together), 5)
            elif kind == "3 lists + 200 people":
                typed = [*chance.sample(next(together), 3), *(anybody.address() for _ in range(200))]
            elif kind == "600 other lists":
                typed = [_everyone(number) for number in chance.sample(range(ORGANISATIONS), 600)]
            else:
                typed = [ALL_STAFF] if kind == "all-staff" else staff
            yield kind, list(dict.fromkeys(typed)), anybody.address()


def _everyone(organisation: int) -> str:
    return f"everyone@org{organisation:04}.nhs.test"


class _Anybody:
    def __init__(self) -> None:
        self._national = National()
        self._bounds = self._national.bounds()
        self._chance = random.Random(2)

    def address(self) -> str:
        number = self._chance.randrange(PEOPLE)
        return self._national.person(number, bisect_right(self._bounds, number) - 1)


def _lists_of_one(index: Index, people: list[str]) -> Iterator[list[str]]:
    """For each of these people who is in five lists or more, all of them."""
    lists: dict[int, list[int]] = {target: [] for each in people if (target := index.target(each)) is not None}
    wanted = BitMap(lists)
    for number in range(index.list_count):
        for person in index.people(number) & wanted:
            lists[person].append(number)
    return ([index.name(number) for number in mine] for mine in lists.values() if len(mine) >= 5)
