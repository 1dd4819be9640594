"""A made-up directory with the shape of a national one: 850,112 people behind a list that had 14 last week."""

import os
from datetime import datetime, timedelta
from itertools import pairwise

from pyroaring import BitMap

from sendguard.audience.audience import Seen
from sendguard.audience.draft import Group, ListKind
from sendguard.audience.index.answer import reach
from sendguard.audience.index.build import KEY, assemble
from sendguard.audience.index.contents import LIST as IS_LIST
from sendguard.audience.index.header import Header, Mode
from sendguard.audience.index.reader import Index
from sendguard.audience.index.roster import Roster
from sendguard.audience.source import Query, Reach

PEOPLE = 850_112
ORGANISATIONS = 1_204
LIST = "croydonpractices@nhs.test"
ENGLAND = "allengland@nhs.test"
TEAM = "croydon-team@croydon.nhs.test"
ME, BEN, JO = "ana.silva@croydon.nhs.test", "ben.okoro@croydon.nhs.test", "jo.march@leeds.nhs.test"
_NAMED = (ME, BEN, JO, "mia.wood@croydon.nhs.test", "sam.hill@croydon.nhs.test", "eve.lund@croydon.nhs.test")


class PracticeDirectory:
    """An ``audience.source.Source``: an index like any other, in which only a few of the people have a name.

    The originator is one of the 850,113 in it.
    """

    name = "directory"
    instant = True
    domains = frozenset({"nhs.test", "*.nhs.test"})

    def __init__(self, now: datetime) -> None:
        header = Header(Mode.EXACT, 1, now.replace(minute=0, second=0, microsecond=0), self.name, os.urandom(KEY).hex())
        self._index = Index.of(assemble(_roster(now, self.domains), header))

    def reach(self, query: Query) -> Reach:
        """Answer from memory."""
        return reach(self._index, query, self.name)


def _roster(now: datetime, domains: frozenset[str]) -> Roster:
    everybody = PEOPLE + 1
    bounds = [number * everybody // ORGANISATIONS for number in range(ORGANISATIONS + 1)]
    organisations = [f"everyone@org{number:04}.nhs.test" for number in range(ORGANISATIONS)]
    names = [LIST, ENGLAND, TEAM, *organisations]
    seen = Seen(14, now - timedelta(days=7))
    return Roster(
        names=names,
        groups=[Group(ListKind.DYNAMIC, size=seen), *(Group() for _ in names[1:])],
        own=[BitMap(), BitMap(), BitMap(range(len(_NAMED))), *(BitMap(range(a, b)) for a, b in pairwise(bounds))],
        nested=[[1], list(range(3, len(names))), [], *([] for _ in organisations)],
        targets=[(address, number) for number, address in enumerate(_NAMED)]
        + [(address, IS_LIST | number) for number, address in enumerate(names)],
        by_domain={"nhs.test": BitMap(range(everybody))},
        domains=domains,
        people=everybody,
        ids=everybody,
    )
