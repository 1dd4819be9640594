"""Fakes at our own ports: a clock, ids, a ledger in memory, a person who answers."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sendguard.audience.audience import AddressKind, Audience, Part, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.history import Day, earlier, put_down
from sendguard.audience.source import Query
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.judge import Judge
from sendguard.guard.ledger import MOVES, UNHEARD, IllegalMove, LedgerFailed, Outcome, Record, Remembered, State
from sendguard.guard.ports import Activity, Question
from sendguard.policy.rules import Rules


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class FakeLedger:
    """``guard.ledger.Ledger`` in memory; ``full`` makes every write fail."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self.answers: dict[bytes, Remembered] = {}
        self.spent: set[str] = set()
        self.full = False
        self.moves: list[tuple[str, State]] = []

    def put(self, record: Record) -> None:
        self._check()
        self.rows[record.id] = record
        self.moves.append((record.id, record.state))

    def move(self, id: str, to: State, at: datetime, *, outcome: Outcome | None = None, detail: str = "") -> Record:
        self._check()
        row = self.rows[id]
        if to not in MOVES[row.state]:
            raise IllegalMove(f"{row.state} to {to}")
        self.rows[id] = replace(
            row, state=to, changed_at=at, outcome=outcome or row.outcome, detail=detail or row.detail
        )
        self.moves.append((id, to))
        return self.rows[id]

    def get(self, id: str) -> Record | None:
        return self.rows.get(id)

    def in_states(self, *states: State) -> tuple[Record, ...]:
        return tuple(row for row in self.rows.values() if row.state in states)

    def by_binding(self, binding: bytes) -> Record | None:
        found = [row for row in reversed(self.rows.values()) if row.binding == binding]
        weight = {State.SENT: 2, State.SENDING: 1, State.UNKNOWN: 1}
        return max(found, key=lambda row: weight.get(row.state, 0), default=None)

    def perhaps_sent(self, since: datetime, retry_key: bytes | None = None) -> Record | None:
        for row in reversed(self.rows.values()):
            unheard = row.state is State.SENT and row.detail == UNHEARD and row.changed_at >= since
            if (row.state is State.UNKNOWN or unheard) and retry_key in {None, row.retry_key}:
                return row
        return None

    def history(self, limit: int = 200) -> tuple[Record, ...]:
        return tuple(reversed(self.rows.values()))[:limit]

    def received_since(self, at: datetime) -> tuple[Record, ...]:
        return tuple(row for row in self.rows.values() if row.received_at >= at)

    def remember(self, answer: Remembered) -> None:
        self._check()
        self.answers[answer.retry_key] = answer

    def recall(self, retry_key: bytes, now: datetime) -> Remembered | None:
        answer = self.answers.pop(retry_key, None)
        return answer if answer is not None and now < answer.expires else None

    def spend(self, code: str, at: datetime) -> bool:
        if code in self.spent:
            return False
        self.spent.add(code)
        return True

    def purge(self, before: datetime) -> int:
        gone = [row.id for row in self.rows.values() if row.state.is_final and row.changed_at < before]
        for id in gone:
            del self.rows[id]
        return len(gone)

    def _check(self) -> None:
        if self.full:
            raise LedgerFailed("OperationalError")


class FakeAsker:
    """A screen: ``shown`` is what is on it now; ``appeared`` can be waited for."""

    def __init__(self, *, can_ask: bool = True) -> None:
        self.can_ask = can_ask
        self.shown: Question | None = None
        self.waiting = 0
        self.history: list[Question] = []
        self._changed = threading.Condition()

    def show(self, question: Question | None, waiting: int) -> None:
        with self._changed:
            self.shown, self.waiting = question, waiting
            if question is not None:
                self.history.append(question)
            self._changed.notify_all()

    def wait_for(self, condition: Callable[["FakeAsker"], bool], seconds: float = 10) -> Question:
        """Wait until ``condition`` holds, and return the question on the screen (fails when there is none)."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), seconds), "the screen never came to that"
            assert self.shown is not None
            return self.shown

    def question(self, seconds: float = 10) -> Question:
        """Wait for a question."""
        return self.wait_for(lambda screen: screen.shown is not None, seconds)


class FakeSizes:
    """``guard.judge.SizeMemory`` in memory: the days of each list, the oldest first."""

    def __init__(self) -> None:
        self.days: dict[str, list[Day]] = {}

    def last(self, addresses: tuple[str, ...], now: datetime) -> Mapping[str, Seen]:
        found = {address: earlier(reversed(self.days.get(address, [])), now) for address in addresses}
        return {address: seen for address, seen in found.items() if seen is not None}

    def remember(self, sizes: Mapping[str, int], at: datetime, *, answered: bool) -> None:
        for address, people in sizes.items():
            days = self.days.setdefault(address, [])
            newest = days[-1] if days else None
            if day := put_down(newest, people, at, answered=answered):
                days[len(days) - (newest is not None and newest.number == day.number) :] = [day]


class FakeDirectory:
    """Resolves like a ``Resolver``: lists with the sizes given (None: unknown), everybody else one assumed person."""

    def __init__(self, **sizes: int | None) -> None:
        self.sizes: dict[str, int | None] = {f"{name}@lists.test": size for name, size in sizes.items()}
        self.asked: list[Query] = []

    def __call__(self, query: Query) -> Audience:
        self.asked.append(query)
        parts = tuple(self._part(a) for a in dict.fromkeys(query.addresses) if a not in query.originators)
        low = sum(part.count.low for part in parts)
        if any(part.count.is_open for part in parts):
            count = Count.unknown("test", low)
        elif any(part.kind is AddressKind.LIST for part in parts):
            count = Count.exact(low, "test")
        else:
            count = Count(low, low, Basis.ASSUMED, "test")
        return Audience(count, len(set(query.addresses)), parts=parts)

    def _part(self, address: str) -> Part:
        if address not in self.sizes:
            return Part(address, AddressKind.PERSON, Count(1, 1, Basis.ASSUMED))
        size = self.sizes[address]
        count = Count.unknown() if size is None else Count.exact(size, "test")
        return Part(address, AddressKind.LIST, count, hint="" if size else "name_pattern")


class Guard:
    """A gatekeeper with everything around it a test wants to look at or change.

    Without arguments: ``big@lists.test`` has 850,112 people, ``team@lists.test`` 38, ``all@lists.test`` nobody knows.
    """

    def __init__(self, *, can_ask: bool = True, ledger: object = None) -> None:
        self.clock = ManualClock()
        self.ledger = ledger or FakeLedger()
        self.asker = FakeAsker(can_ask=can_ask)
        self.sizes = FakeSizes()
        self.directory = FakeDirectory(big=850_112, middle=150, team=38, all=None)
        self.rules = Rules()
        self.activities: list[Activity] = []
        self._ids = iter(range(1, 1_000_000))
        self.judge = Judge(lambda query: self.directory(query), lambda: self.rules, self.sizes, self.clock)
        self.gatekeeper = Gatekeeper(
            self.judge,
            self.ledger,  # type: ignore[arg-type]
            self.asker,
            self.clock,
            lambda: f"id-{next(self._ids)}",
        )
        self.gatekeeper.subscribe(self.activities.append)
