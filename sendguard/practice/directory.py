"""A made-up directory with the shape of a national one: 850,112 people behind a list that had 14 last week."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pyroaring import BitMap

from sendguard.audience.audience import Seen
from sendguard.audience.membership import Lists, Membership
from sendguard.audience.source import Query, Reach

PEOPLE = 850_112
ORGANISATIONS = 1_204
LIST = "croydonpractices@nhs.test"
ENGLAND = "allengland@nhs.test"
TEAM = "croydon-team@croydon.nhs.test"
ME, BEN, JO = "ana.silva@croydon.nhs.test", "ben.okoro@croydon.nhs.test", "jo.march@leeds.nhs.test"
_NAMED = (ME, BEN, JO, "mia.wood@croydon.nhs.test", "sam.hill@croydon.nhs.test", "eve.lund@croydon.nhs.test")


class PracticeDirectory:
    """An ``audience.source.Source`` made in a moment: people are numbers, and their addresses are worked out.

    Everybody is ``person000017@org0000.nhs.test``; a few have names. The originator is one of the 850,113 in it.
    """

    name = "directory"
    instant = True
    domains = frozenset({"nhs.test", "*.nhs.test"})

    def __init__(self, now: datetime) -> None:
        everybody = PEOPLE + 1
        bounds = [number * everybody // ORGANISATIONS for number in range(ORGANISATIONS + 1)]
        organisations = {
            f"everyone@org{number:04}.nhs.test": BitMap(range(bounds[number], bounds[number + 1]))
            for number in range(ORGANISATIONS)
        }
        self._membership = Membership(
            Lists(
                direct=organisations | {TEAM: BitMap(range(len(_NAMED)))},
                nested={ENGLAND: tuple(organisations), LIST: (ENGLAND,)},
                sizes={LIST: Seen(14, now - timedelta(days=7))},
            ),
            _People(bounds),
            {"nhs.test": BitMap(range(everybody))},
            source=self.name,
            as_of=now.replace(minute=0, second=0, microsecond=0),
        )

    def reach(self, query: Query) -> Reach:
        """Answer from memory."""
        return self._membership.reach(query)


class _People(Mapping[str, int]):
    """Address to number without a table of 850,113 addresses."""

    def __init__(self, bounds: list[int]) -> None:
        self._bounds = bounds

    def __getitem__(self, address: str) -> int:
        if address in _NAMED:
            return _NAMED.index(address)
        local, _, domain = address.partition("@")
        number = int(local.removeprefix("person")) if local.removeprefix("person").isdecimal() else -1
        if not 0 <= number <= PEOPLE or domain != f"org{bisect_right(self._bounds, number) - 1:04}.nhs.test":
            raise KeyError(address)
        return number

    def __contains__(self, address: object) -> bool:
        try:
            return isinstance(address, str) and self[address] >= 0
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMED)

    def __len__(self) -> int:
        return PEOPLE + 1
