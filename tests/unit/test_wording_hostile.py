"""Texts from mail cannot hide, turn around or push away what stands beside them."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from sendguard.wording.hostile import LONGEST, pretends, shown, shown_address

RLO, ZERO_WIDTH, LINE_SEPARATOR = "\u202e", "\u200b", "\u2028"


def test_a_bidi_override_cannot_fake_another_address() -> None:
    assert shown_address(f"safe{RLO}gro.live@lla") == "safegro.live@lla"


def test_nothing_invisible_and_no_line_break_is_left() -> None:
    assert shown(f"a{ZERO_WIDTH}b\r\nBcc: c{LINE_SEPARATOR}d\x00\x1b[31m") == "ab Bcc: c d[31m"


def test_the_end_of_a_long_address_stays_visible() -> None:
    address = shown_address("all-staff@nhs.test." + "a" * 300 + ".evil.example")
    assert len(address) == LONGEST
    assert address.endswith(".evil.example")
    assert address.startswith("all-staff@nhs.test.")


def test_a_long_subject_is_cut_at_its_end() -> None:
    assert shown("x" * 300) == "x" * (LONGEST - 1) + "…"


def test_text_from_right_to_left_is_isolated_and_any_other_is_not() -> None:
    assert shown("\u05e9\u05dc\u05dd") == "\u2068\u05e9\u05dc\u05dd\u2069"
    assert shown("ordinary") == "ordinary"


def test_stacked_marks_do_not_climb_over_other_lines() -> None:
    assert shown("a" + "\u0336" * 50) == "a" + "\u0336" * 2


def test_a_name_that_looks_like_another_address_is_known() -> None:
    assert pretends("boss@nhs.test", "x@evil.example")
    assert not pretends("boss@nhs.test", "BOSS@nhs.test")
    assert not pretends("The Boss", "x@evil.example")


@given(st.text(max_size=400))
def test_whatever_comes_is_short_one_line_and_harmless(text: str) -> None:
    for said in (shown(text), shown_address(text)):
        bare = said.removeprefix("\u2068").removesuffix("\u2069")
        assert len(bare) <= LONGEST
        assert not {unicodedata.category(c) for c in bare} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert said == unicodedata.normalize("NFC", said) or "…" in said
