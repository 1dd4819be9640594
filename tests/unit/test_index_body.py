"""Every octet is checked before it is believed, whichever way it is asked for."""

from array import array
from collections.abc import Callable

import pytest

from sendguard.audience.index.body import Body
from sendguard.audience.index.contents import EXACT_ONLY, SECTIONS, pack
from sendguard.audience.index.header import BLOCK, Header, IndexRefused, Mode
from tests.indexes import MADE, directory

LENGTH = 3 * BLOCK // 4
"""Numbers in each section: three blocks of them, so that no two sections begin in one block."""


@pytest.fixture(scope="module")
def octets() -> bytes:
    numbers = {name: array("I", range(LENGTH)) for name in SECTIONS if name not in EXACT_ONLY}
    return pack(Header(Mode.COUNTS, 1, MADE, "tests", ""), numbers)


WAYS: dict[str, tuple[Callable[[Body], object], object]] = {
    "octet": (lambda body: body.octet("flags", 2 * BLOCK + 4), 2 * BLOCK // 4 + 1 & 0xFF),
    "number": (lambda body: body.number("low", 2 * BLOCK // 4 + 1), 2 * BLOCK // 4 + 1),
    "the second of a span": (lambda body: body.span("name_starts", 2 * BLOCK // 4 - 1)[1], 2 * BLOCK // 4),
    "part": (lambda body: body.part("names", BLOCK - 1, 2 * BLOCK + 1)[-1], 2 * BLOCK // 4 & 0xFF),
}
SECTION = {"octet": "flags", "number": "low", "the second of a span": "name_starts", "part": "names"}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_asked_for_lies_in_a_block_that_is_checked_first(octets: bytes, way: str) -> None:
    read, expected = WAYS[way]
    body = Body(memoryview(octets))
    assert read(body) == read(body) == expected
    place = {name: offset for name, offset, _ in body.header.sections}[SECTION[way]]
    changed = bytearray(octets)
    changed[place + 3 * BLOCK - 1] ^= 1  # the last octet of the third block: another than is asked for
    with pytest.raises(IndexRefused):
        read(Body(memoryview(bytes(changed))))


def test_only_what_was_not_read_yet_is_left_to_verify(octets: bytes) -> None:
    body = Body(memoryview(octets))
    body.section("low")
    body.verify()
    body.verify()
    assert body.same_length()


def test_an_index_in_memory_is_not_read_ahead(octets: bytes) -> None:
    body = Body(memoryview(octets))
    body.prefault()
    assert body.number("low", 7) == 7


def test_outsiders_are_the_same_when_asked_for_again() -> None:
    people = directory([("all@x.test", f"p@{domain}.test") for domain in "xyz"])
    for _ in range(2):
        assert people.ask("all@x.test", home="x.test").external == 2
    assert people.ask("all@x.test", home="y.test").external == 2
