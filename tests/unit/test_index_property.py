"""Random directories against a plain recursive oracle, in both modes."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from sendguard.audience.audience import Seen
from sendguard.audience.count import Basis
from sendguard.audience.index.delta import apply_delta, make_delta
from sendguard.audience.index.header import Mode
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query
from tests.indexes import Known, drafted, known

PEOPLE = [f"{letter}@x.test" for letter in "abcdefghij"]
LISTS = [f"l{number}@x.test" for number in range(7)]
UNKNOWN = "elsewhere@y.test"
names, lists = st.sampled_from(PEOPLE), st.sampled_from(LISTS)


@dataclass
class Model:
    """A directory as a person would write it down."""

    members: list[tuple[str, str]]
    aliases: dict[str, str]
    hidden: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)

    def index(self, mode: Mode, before: Index | None = None) -> Known:
        members = [*self.members, *((name, "") for name in self.empty)]
        sizes = {name: Seen(people) for name, people in self.sizes.items()}
        draft = drafted(members, sizes, self.aliases, is_foreign_list=UNKNOWN.__eq__, hidden=self.hidden)
        return known(draft, mode, before)

    def resolve(self, name: str) -> str:
        for _ in range(20):  # longer than any chain: inside a circle by then, where there is one
            name = self.aliases.get(name, name)
        return min([name] + [name := self.aliases.get(name, name) for _ in range(20)])

    def lists(self) -> set[str]:
        named = [*(group for group, _ in self.members), *self.sizes, *self.hidden, *self.empty]
        return {self.resolve(name) for name in named}

    def reached(self, name: str) -> set[str]:
        """Everything in a list, lists included."""
        found, waiting = set[str](), [self.resolve(name)]
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting += [self.resolve(m) for group, m in self.members if self.resolve(group) == current]
        return found

    def truth(self, typed: list[str], me: str) -> tuple[int, int | None, int]:
        """People listed, people at most (each unlisted one somebody else), and the largest published size."""
        lists = self.lists()
        reached = set[str]().union(*(self.reached(name) for name in typed))
        people = {name for name in reached if name not in lists and name != UNKNOWN} - {self.resolve(me)}
        unlisted, published, is_open = 0, 0, UNKNOWN in reached
        for name in reached & lists:
            inside = {each for each in self.reached(name) if each not in lists and each != UNKNOWN}
            size = max((size for other, size in self.sizes.items() if self.resolve(other) == name), default=0)
            unlisted += max(0, size - len(inside))
            published = max(published, size)
            is_open = is_open or not (inside or size or UNKNOWN in self.reached(name) or self._sized_inside(name))
        return len(people), None if is_open else len(people) + unlisted, published

    def _sized_inside(self, name: str) -> bool:
        return any(self.resolve(sized) in self.reached(name) for sized in self.sizes)


@st.composite
def models(draw: st.DrawFn) -> Model:
    members = draw(st.lists(st.tuples(lists, st.one_of(names, names, lists, st.just(UNKNOWN))), max_size=30))
    if draw(st.booleans()):
        members = [pair for pair in members if pair[1] != UNKNOWN]
    aliases = draw(st.dictionaries(names, names, max_size=3))
    around = {group for group, member in members if member in LISTS}
    leaves = [name for name in LISTS if name not in around]
    sizes = draw(st.dictionaries(st.sampled_from(leaves), st.integers(1, 30), max_size=3)) if leaves else {}
    hidden = draw(st.sets(lists, max_size=2))
    return Model(members, aliases, hidden, sizes, draw(st.sets(lists, max_size=1)))


typed = st.lists(st.one_of(names, lists), min_size=1, max_size=6, unique=True)


@settings(max_examples=400, deadline=None)
@given(models(), typed, names)
def test_an_exact_union_equals_the_oracle_and_nothing_is_ever_below_it(model: Model, typed: list[str], me: str) -> None:
    found = model.index(Mode.EXACT).reach(Query(tuple(typed), frozenset({me})))
    listed, at_most, published = model.truth(list(found.parts), me)
    union = found.union
    assert (union.high is None) == (at_most is None and bool(found.parts))
    assert union.low <= max(listed, published, 2 if union.basis is Basis.UNKNOWN else 0)
    if at_most is not None and union.high is not None:
        assert union.high >= at_most
        reached = set[str]().union(*(model.reached(name) for name in found.parts))
        if not (reached & {model.resolve(name) for name in (*model.sizes, *model.hidden)}):
            assert union.low == union.high == listed == at_most


@settings(max_examples=400, deadline=None)
@given(models(), typed, names)
def test_counts_are_never_below_the_oracle(model: Model, typed: list[str], me: str) -> None:
    found = model.index(Mode.COUNTS).reach(Query(tuple(typed), frozenset({me})))
    assert set(found.parts) == {name for name in typed if model.resolve(name) in model.lists()}
    listed, at_most, published = model.truth(list(found.parts), me)
    union = found.union
    assert (union.high is None) == (at_most is None and bool(found.parts))
    assert union.low <= max(listed, published, 2 if union.basis is Basis.UNKNOWN else 0)
    if at_most is not None and union.high is not None:
        assert union.high >= at_most


@settings(max_examples=200, deadline=None)
@given(models(), typed)
def test_one_list_is_as_exact_in_the_counts_as_in_the_exact_index(model: Model, typed: list[str]) -> None:
    exact, counts = model.index(Mode.EXACT), model.index(Mode.COUNTS)
    for name in typed:
        part = exact.ask(name).parts.get(name)
        if part is not None and name in counts.ask(name).parts:
            assert counts.part(name).count == part.count


@settings(max_examples=200, deadline=None)
@given(models(), models(), st.sampled_from(Mode))
def test_a_delta_makes_the_very_octets_of_the_new_index(old: Model, new: Model, mode: Mode) -> None:
    before = old.index(mode)
    after = new.index(mode, before.index)
    if before.index.header.bits == after.index.header.bits and before.index.header.key == after.index.header.key:
        assert apply_delta(before.index, make_delta(before.index, after.index)) == bytes(after.index.body.octets)
