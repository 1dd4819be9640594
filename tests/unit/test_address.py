"""Addresses from bytes nobody vouches for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.mail.address import (
    MAX_ADDRESSES,
    AddressList,
    Mailbox,
    domain_of,
    is_addr_spec,
    normalise,
    read_addresses,
    without_tag,
)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Ana@NHS.test", "ana@nhs.test"),
        (" <ana@nhs.test.> ", "ana@nhs.test"),
        ('"ana.b"@nhs.test', "ana.b@nhs.test"),
        ("all@münchen.test", "all@xn--mnchen-3ya.test"),
        ("all@" + "ü" * 70 + ".test", "all@" + "ü" * 70 + ".test"),
        ("not an address", "not an address"),
    ],
)
def test_two_spellings_of_one_address_compare_equal(written: str, compared: str) -> None:
    assert normalise(written) == compared


def test_domain_and_tag() -> None:
    assert domain_of("a@b.test") == "b.test"
    assert domain_of("nothing") == ""
    assert without_tag("me+list@x.test") == "me@x.test"
    assert without_tag("+x@y.test") == "+x@y.test"
    assert Mailbox("", "a@b.test").domain == "b.test"


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        ("a@x.test, B <b@x.test>", ("a@x.test", "b@x.test")),
        ("", ()),
        ("undisclosed-recipients:;", ()),
        ('"Doe, J @ Home" <j@x.test>', ("j@x.test",)),
        ("j@x.test <J@x.test>", ("j@x.test",)),
        ("'j@x.test' <j@x.test>", ("j@x.test",)),
        ("Team: a@x.test, b@x.test;", ("a@x.test", "b@x.test")),
    ],
)
def test_fields_that_are_read_with_certainty(field: str, addresses: tuple[str, ...]) -> None:
    found = read_addresses([field])
    assert found.certain
    assert found.addresses == addresses


@pytest.mark.parametrize(
    "field",
    [
        "a@x.test;b@y.test",
        "a@x.test b@x.test",
        "boss@x.test <other@y.test>",
        "(" * 5000 + "a@x.test",
        "<a@x.test",
        "a@",
    ],
)
def test_a_field_that_could_be_read_two_ways_is_not_certain(field: str) -> None:
    assert not read_addresses([field]).certain


def test_an_uncertain_field_yields_everything_that_could_have_been_meant() -> None:
    assert set(read_addresses(["a@x.test;b@y.test"]).addresses) == {"a@x.test", "b@y.test"}


def test_more_addresses_than_can_be_judged_are_capped() -> None:
    found = read_addresses([",".join(f"p{n}@x.test" for n in range(MAX_ADDRESSES + 5))])
    assert not found.certain
    assert len(found.mailboxes) == MAX_ADDRESSES


def test_names_are_decoded_and_addresses_are_not() -> None:
    found = read_addresses(["=?x?= <a@x.test>"], lambda name: name.upper())
    assert found.mailboxes == (Mailbox("=?X?=", "a@x.test"),)


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_raise(field: str) -> None:
    found = read_addresses([field])
    assert all(is_addr_spec(address) for address in found.addresses) or not found.certain


def test_a_reader_that_fails_on_a_field_makes_it_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage loses its trace in a real RecursionError: the fields of the test above raise it."""

    def fails(fields: list[str]) -> None:
        raise IndexError

    monkeypatch.setattr("sendguard.mail.address.getaddresses", fails)
    assert read_addresses(["a@x.test"]) == AddressList((Mailbox("", "a@x.test"),), certain=False)
