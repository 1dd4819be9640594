"""A made-up national directory, always the same: the size and the shape of the one of 2016, nobody's real data.

1,200,000 people in 7,000 organisations, 60,000 lists (organisation trees, rule lists, cross lists), 8 million
memberships, 31 cycles, and one list that holds about 880,000 people through 600 organisations.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

PEOPLE, ORGANISATIONS, LISTS, RULE_LISTS, CYCLES = 1_200_000, 7_000, 60_000, 1_000, 31
TREE_LISTS, MEMBERSHIPS = 43_000, 8_000_000
STAFF_ORGANISATIONS, STAFF = 600, 880_000
ALL_STAFF = "all-staff@nhs.test"
_NAMES = ("ana", "ben", "chidi", "dara", "eve", "farah", "george", "hana", "ivan", "jo", "kemi", "liam", "mia", "noor")


@dataclass(frozen=True, slots=True)
class National:
    """``scale`` is the share of the full size: 1.0 for the bench, less to try something."""

    scale: float = 1.0

    def person(self, number: int, organisation: int) -> str:
        """Somebody's address."""
        return f"{_NAMES[number % len(_NAMES)]}.{number:x}@org{organisation:04}.nhs.test"

    def write(self, folder: Path) -> None:
        """Write members.csv, aliases.csv and domains.csv: some 400 MB at full size."""
        folder.mkdir(parents=True, exist_ok=True)
        bounds = self.bounds()
        addresses = [self.person(n, org) for org, (a, b) in enumerate(pairwise(bounds)) for n in range(a, b)]
        with (folder / "members.csv").open("w", encoding="ascii") as file:
            file.write("list,member\n")
            for name, members in self.lists(bounds, addresses):
                file.writelines(f"{name},{member}\n" for member in members)
        with (folder / "aliases.csv").open("w", encoding="ascii") as file:
            file.writelines(f"n{number:07}@nhs.test,{address}\n" for number, address in enumerate(addresses)
                            if number % 10 < 3)  # fmt: skip
        (folder / "domains.csv").write_text("nhs.test\n*.nhs.test\n", "ascii")

    def bounds(self) -> list[int]:
        """Where each organisation's people begin: a few are large, most are small. The first 600 hold 880,000."""
        people, count = int(PEOPLE * self.scale), max(2, int(ORGANISATIONS * self.scale))
        head = max(1, int(STAFF_ORGANISATIONS * self.scale))
        staff = int(STAFF * self.scale)
        weights = [1 / (rank + 20) ** 0.8 for rank in range(head)]
        sizes = [max(3, int(staff * weight / sum(weights))) for weight in weights]
        rest = max(1, (people - sum(sizes)) // (count - head))
        sizes += [rest] * (count - head - 1)
        sizes.append(people - sum(sizes))
        return [0, *accumulate(sizes)]

    def lists(self, bounds: list[int], addresses: list[str]) -> Iterator[tuple[str, Iterable[str]]]:
        """Each list with its direct members, people and lists."""
        chance = random.Random(2016)
        roots: list[str] = []
        trees: list[str] = []
        per_person = max(1, int(TREE_LISTS * self.scale) - len(bounds)) / len(addresses)
        for organisation, (start, end) in enumerate(pairwise(bounds)):
            root = f"everyone@org{organisation:04}.nhs.test"
            roots.append(root)
            nodes = max(1, round((end - start) * per_person))
            names = [root, *(f"team-{node:03}@org{organisation:04}.nhs.test" for node in range(1, nodes + 1))]
            trees += names
            inside: dict[int, list[str]] = {}
            for node in range(1, len(names)):  # four teams to a list: eight levels for the largest organisation
                inside.setdefault((node - 1) // 4, []).append(names[node])
            share = (end - start) / len(names)
            for node, name in enumerate(names):
                own = addresses[start + int(node * share) : start + int((node + 1) * share)]
                yield name, [*own, *inside.get(node, ())]
        yield ALL_STAFF, roots[: max(1, int(STAFF_ORGANISATIONS * self.scale))]
        yield from self._rules(bounds, addresses, chance)
        yield from self._crossing(bounds, addresses, trees, chance)

    def _rules(self, bounds: list[int], addresses: list[str], chance: random.Random) -> Iterator[tuple[str, list[str]]]:
        """Lists a rule fills: some share of everybody, or of some organisations."""
        count = max(2, int(RULE_LISTS * self.scale))
        for rule in range(count):
            share = 0.2 / (rule + 1) ** 0.85
            step = max(1, int(1 / share))
            offset = chance.randrange(step)
            yield f"rule-{rule:04}@nhs.test", addresses[offset::step]

    def _crossing(
        self, bounds: list[int], addresses: list[str], trees: list[str], chance: random.Random
    ) -> Iterator[tuple[str, list[str]]]:
        """Lists across organisations, with other lists in them; pairs of the last ones contain one another."""
        count = int(LISTS * self.scale) - len(trees) - max(2, int(RULE_LISTS * self.scale)) - 1
        cycles = max(1, int(CYCLES * self.scale))
        names = [f"network-{number:05}@nhs.test" for number in range(count)]
        for number, name in enumerate(names):
            size = max(4, int(60_000 * self.scale / (number + 1) ** 0.7))
            organisation = chance.randrange(len(bounds) - 1)
            near = range(bounds[organisation], min(len(addresses), bounds[organisation] + 4 * size))
            members = [addresses[each] for each in chance.sample(near, min(len(near), size))]
            inside = chance.sample(trees, 1 + number % 2) + ([names[number - 7]] if number % 40 == 39 else [])
            pair = number - (count - 2 * cycles)
            if pair >= 0:
                inside.append(names[number + 1 if pair % 2 == 0 else number - 1])
            yield name, [*members, *inside]
