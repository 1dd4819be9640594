"""Small indexes for tests, made of pairs."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sendguard.audience.audience import Part, Seen
from sendguard.audience.draft import Draft
from sendguard.audience.index.answer import reach
from sendguard.audience.index.build import build
from sendguard.audience.index.header import Mode
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query, Reach

MADE = datetime(2026, 11, 24, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """An index that can be asked."""

    index: Index
    source: str = ""

    def reach(self, query: Query) -> Reach:
        return reach(self.index, query, self.source)

    def ask(self, *addresses: str, me: str = "", home: str = "") -> Reach:
        query = Query(addresses, frozenset(filter(None, [me])), frozenset(filter(None, [home])))
        return self.reach(query)

    def part(self, address: str) -> Part:
        return self.ask(address).parts[address]


def pairs(**lists: str) -> list[tuple[str, str]]:
    return [(f"{name}@x.test", member) for name, members in lists.items() for member in members.split()]


def drafted(
    members: Iterable[tuple[str, str]],
    sizes: Mapping[str, Seen] = {},
    aliases: Mapping[str, str] = {},
    *,
    is_foreign_list: Callable[[str], bool] = lambda key: False,
    hidden: Iterable[str] = (),
    incomplete: Iterable[str] = (),
    domains: Iterable[str] = (),
) -> Draft:
    draft = Draft()
    for group, member in members:
        draft.members(group, [member] if member else [])
    for name, seen in sizes.items():
        draft.group(name, (name,), size=seen)
    for name in hidden:
        draft.group(name, (name,), hidden=True)
    for name in incomplete:
        draft.group(name, (name,), incomplete=True)
    for alias, address in aliases.items():
        draft.alias(alias, address)
    draft.speaks_for(domains)
    draft.take_for_people(is_foreign_list)
    return draft


def known(draft: Draft, mode: Mode = Mode.EXACT, before: Index | None = None, made_at: datetime = MADE) -> Known:
    octets = build(draft, source="tests", made_at=made_at, new_key=os.urandom, mode=mode, before=before)
    return Known(Index.of(octets))


def directory(*arguments: object, mode: Mode = Mode.EXACT, **keywords: object) -> Known:
    return known(drafted(*arguments, **keywords), mode)  # type: ignore[arg-type]
