"""The file: whatever is damaged, cut off, foreign or newer is refused, and nothing of it is believed."""

import contextlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from sendguard.audience.index.addresses import Hasher, KeyCollision, table
from sendguard.audience.index.body import Body
from sendguard.audience.index.build import build
from sendguard.audience.index.delta import MAGIC, NoDelta, apply_delta, make_delta
from sendguard.audience.index.header import BLOCK, IndexRefused, Mode
from sendguard.audience.index.reader import Index
from sendguard.audience.index.varints import Reader, Writer
from sendguard.audience.source import Query
from tests.indexes import MADE, Known, drafted, known, pairs

MEMBERS = pairs(
    all="team@x.test other@x.test p1@x.test",
    team=" ".join(f"p{n}@x.test" for n in range(900)),
    other=" ".join(f"p{n}@x.test" for n in range(500, 2400)),
)
QUERY = Query(("all@x.test", "team@x.test", "p7@x.test"), frozenset({"p9@x.test"}), frozenset({"x.test"}))


@pytest.fixture(scope="module", params=Mode)
def octets(request: pytest.FixtureRequest) -> bytes:
    draft = drafted(MEMBERS, {}, {f"q{n}@x.test": f"p{n}@x.test" for n in range(300)}, domains=["x.test"])
    return build(draft, source="tests", made_at=MADE, new_key=lambda n: bytes(range(n)), mode=request.param)


def ask(octets: bytes) -> None:
    """Open it, ask it, and read the rest."""
    index = Index.of(octets)
    Known(index).reach(QUERY)
    index.verify()


def flipped(octets: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[at] ^= 1 << bit
    return bytes(changed)


def test_every_flipped_octet_of_the_header_is_noticed_when_it_is_opened(octets: bytes) -> None:
    for at in range(Index.of(octets).header.sections[0][1]):
        with pytest.raises(IndexRefused):
            Index.of(flipped(octets, at, at % 8))


def test_a_flipped_octet_anywhere_is_noticed_before_it_is_believed(octets: bytes) -> None:
    good = Known(Index.of(octets)).reach(QUERY)
    chance = random.Random(2016)
    for at in chance.sample(range(len(octets)), 600):
        with pytest.raises(IndexRefused):
            ask(flipped(octets, at, chance.randrange(8)))
        with contextlib.suppress(IndexRefused):
            assert Known(Index.of(flipped(octets, at, 0))).reach(QUERY) == good


def test_a_file_cut_off_at_any_section_is_refused(octets: bytes) -> None:
    sections = Index.of(octets).header.sections
    ends = {0, 1, 15, 16, 23, 24, 56, BLOCK, len(octets) - 1}
    for _, offset, length in sections:
        ends |= {offset, offset + length // 2, offset + length - 1}
    for end in sorted(ends):
        with pytest.raises(IndexRefused):
            ask(octets[:end])
    with pytest.raises(IndexRefused):
        ask(octets + b"more")


def test_a_foreign_a_newer_an_empty_and_a_missing_file_are_told_apart(tmp_path: Path, octets: bytes) -> None:
    newer = bytearray(octets)
    newer[16] = 9
    (tmp_path / "foreign").write_bytes(b"PK\x03\x04" * 999)
    (tmp_path / "newer").write_bytes(newer)
    (tmp_path / "empty").touch()
    why = {}
    for name in ("foreign", "newer", "empty", "missing"):
        with pytest.raises(IndexRefused) as raised:
            Index.open(tmp_path / name)
        why[name] = raised.value.why
    assert why == {"foreign": "foreign", "newer": "newer", "empty": "unreadable", "missing": "unreadable"}


def test_a_file_that_is_cut_off_while_it_is_in_use_is_refused_and_ends_nothing(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "a.index"
    path.write_bytes(octets)
    people = Known(Index.open(path))
    people.index.body.prefault()
    assert people.reach(QUERY).union.high
    with path.open("r+b") as file:
        file.truncate(BLOCK)
    with pytest.raises(IndexRefused, match="changed while it was in use"):
        people.reach(QUERY)


def test_one_source_makes_the_same_octets_every_time(octets: bytes) -> None:
    draft = drafted(MEMBERS, {}, {f"q{n}@x.test": f"p{n}@x.test" for n in range(300)}, domains=["x.test"])
    mode = Index.of(octets).header.mode
    assert build(draft, source="tests", made_at=MADE, new_key=lambda n: bytes(range(n)), mode=mode) == octets


def test_no_address_of_a_person_is_in_it(octets: bytes) -> None:
    assert b"p7@" not in octets
    assert b"team@x.test" in octets


def test_sets_are_dropped_from_memory_when_they_grow_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.audience.index.reader.CACHED", 10)
    people = known(drafted(MEMBERS))
    assert people.ask("team@x.test", "other@x.test").union.high == 2400
    assert people.ask("team@x.test", "other@x.test", "all@x.test").union.high == 2400


def test_hashes_that_collide_ask_for_another_key() -> None:
    with pytest.raises(KeyCollision):
        table([(b"abcdef", 1), (b"abcdef", 2)])
    assert table([(b"abcdef", 1), (b"abcdef", 1)])[1]["targets"].tolist() == [1]


def test_a_collision_takes_another_key_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    real, keys = Hasher.of, [b"1" * 16, b"2" * 16]
    monkeypatch.setattr(Hasher, "of", lambda self, address: b"same!!" if keys else real(self, address))
    octets = build(drafted(MEMBERS), source="", made_at=MADE, new_key=lambda n: keys.pop(0))
    assert Index.of(octets).header.key == (b"2" * 16).hex()


def test_a_hash_that_lies_across_two_entries_is_not_found() -> None:
    class Fixed(Body):
        def __init__(self) -> None:
            pass

        header = Index.of(build(drafted([]), source="", made_at=MADE, new_key=bytes)).header

        def span(self, name: str, at: int) -> tuple[int, int]:
            return 0, 3

        def part(self, name: str, start: int, end: int) -> memoryview:
            return memoryview(b"..abcd..abcd")  # three entries of four octets

        def number(self, name: str, at: int) -> int:
            return at

    from sendguard.audience.index.addresses import find

    assert find(Fixed(), b"xxabcd") == 2
    assert find(Fixed(), b"xxd..a") is None


# --- from one to the next


def two_days(**second: str) -> tuple[Index, Index]:
    before = known(drafted(MEMBERS, domains=["x.test"])).index
    return before, known(drafted([*MEMBERS, *pairs(**second)], domains=["x.test"]), before=before).index


def test_a_delta_is_small_and_makes_the_very_octets() -> None:
    before, after = two_days(team="new@y.test", fresh="p1@x.test")
    delta = make_delta(before, after)
    assert apply_delta(before, delta) == bytes(after.body.octets)
    assert len(delta) < 2200


def test_there_is_no_delta_between_indexes_of_other_keys_modes_or_times() -> None:
    before, after = two_days(team="new@x.test")
    counts = known(drafted(MEMBERS), Mode.COUNTS, before).index
    for old, new in ((before, known(drafted(MEMBERS)).index), (after, before), (before, counts)):
        with pytest.raises(NoDelta):
            make_delta(old, new)


def test_a_damaged_delta_makes_nothing_that_passes_for_an_index() -> None:
    before, after = two_days(team="new@y.test", fresh="p1@x.test")
    delta, wanted = make_delta(before, after), bytes(after.body.octets)
    chance = random.Random(2016)
    changed = [flipped(delta, at, chance.randrange(8)) for at in range(len(delta))]
    cut = [delta[:end] for end in range(0, len(delta), 7)]
    for each in (*changed, *cut, delta + b"\0"):
        try:
            made = apply_delta(before, each)
        except IndexRefused:
            continue
        assert made != wanted


def test_numbers_in_a_delta_that_are_too_large_are_refused_as_damage() -> None:
    before, after = two_days(team="new@y.test", fresh="p1@x.test team@x.test")
    delta = make_delta(before, after)
    refused = set()
    for at in range(len(MAGIC), len(delta)):
        try:
            apply_delta(before, delta[:at] + b"\xff" * 9 + b"\1" + delta[at + 1 :])
        except IndexRefused as error:
            refused.add(str(error))
    assert "the changes to the index are damaged" in refused


def test_a_delta_to_another_index_is_refused() -> None:
    before, after = two_days(team="new@x.test")
    with pytest.raises(IndexRefused, match="another index"):
        apply_delta(after, make_delta(before, after))
    with pytest.raises(IndexRefused, match="no changes"):
        apply_delta(before, b"PK")
    assert make_delta(before, after).startswith(MAGIC)


@pytest.mark.parametrize("write", [Writer.number, Writer.signed])
def test_numbers_come_out_as_they_went_in(write: Callable[[Writer, int], None]) -> None:
    read = {Writer.number: Reader.number, Writer.signed: Reader.signed}[write]
    numbers = [0, 1, 127, 128, 300, 2**31, 2**63 - 1, *((-1, -64, -65, -(2**40)) if write is Writer.signed else ())]
    writer = Writer()
    for number in numbers:
        write(writer, number)
    reader = Reader(bytes(writer.octets))
    assert [read(reader) for _ in numbers] == numbers
    reader.end()
    with pytest.raises(IndexRefused):
        reader.number()


def test_the_header_can_be_read_by_whoever_looks_at_the_file(octets: bytes) -> None:
    length = int.from_bytes(octets[20:24], "little")
    assert json.loads(octets[56:length])["source"] == "tests"
