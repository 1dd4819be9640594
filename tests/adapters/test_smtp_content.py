"""Dots, line ends and lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.gate.limits import GateLimits
from sendguard.settings.values import Values
from sendguard.smtp import content
from sendguard.smtp.addresses import BadAddress, path
from sendguard.smtp.content import Problem, Wire, final_dot, problem_in, stuffed
from sendguard.smtp.replies import Reply

LINES = st.lists(
    st.one_of(st.binary(max_size=20), st.sampled_from([b"", b".", b"..", b".\r", b"\r.", b"\n.", b". "])), max_size=30
)


@given(LINES, st.integers(1, 40), st.integers(1, 40))
def test_content_comes_out_as_it_went_in_however_it_is_cut(lines: list[bytes], piece: int, chunk: int) -> None:
    raw = b"".join(line + b"\r\n" for line in lines)
    before, content.CHUNK = content.CHUNK, chunk
    try:
        sent = b"".join(stuffed(raw)) + final_dot(raw)
    finally:
        content.CHUNK = before
    wire, rest = Wire(10_000), b"QUIT\r\n"
    whole = sent + rest
    for start in range(0, len(whole), piece):
        if wire.add(whole[start : start + piece]):
            got, early = wire.take()
            assert got == raw
            assert early + whole[start + piece :] == rest
            return
    raise AssertionError("the end was not seen")


@given(LINES)
def test_nothing_but_a_lone_dot_between_crlfs_ends_content(lines: list[bytes]) -> None:
    raw = b"\r\n".join(lines) + b"\r\n"
    ends = (b"\r\n" + raw).find(b"\r\n.\r\n")
    assert Wire(10_000).add(raw) == (ends >= 0)


def test_a_last_line_without_its_end_is_given_one() -> None:
    assert final_dot(b"a") == b"\r\n.\r\n"
    assert final_dot(b"a\r\n") == b".\r\n"
    assert final_dot(b"") == b".\r\n"


def test_too_much_is_not_kept() -> None:
    wire = Wire(1000)
    for _ in range(100):
        assert not wire.add(b"x" * 998 + b"\r\n")
    assert sum(map(len, wire._pieces)) <= 1000
    assert wire.add(b".\r\n")
    assert wire.too_large


def test_lines_of_998_octets_are_well_and_of_999_are_not() -> None:
    for before in (b"", b"short\r\n", b"y" * 998 + b"\r\n"):
        assert problem_in(before + b"x" * 998 + b"\r\n") is None
        assert problem_in(before + b"x" * 999 + b"\r\n") is Problem.LONG_LINE
        assert problem_in(before + b"x" * 998) is None
        assert problem_in(before + b"x" * 999) is Problem.LONG_LINE


def test_a_reply_is_three_lines_of_ours_without_the_last_full_stop() -> None:
    reply = Reply.own(550, "5.7.1", "One.\nTwo ä.\nThree.")
    assert reply.wire() == "550-5.7.1 One.\r\n550-5.7.1 Two ä.\r\n550 5.7.1 Three".encode()


def test_upstreams_words_cannot_end_a_line_and_are_cut_to_what_a_line_holds() -> None:
    assert Reply(550, "a\rb\x1b[31mc\0").wire() == b"550 a b [31mc "
    assert len(Reply(550, "ä" * 600).wire()) == 504


def test_the_limits_follow_from_the_settings() -> None:
    limits = GateLimits.of(Values({"HoldSecondsThunderbird": 70, "MaxMessageMegabytes": 2, "MaxRecipients": 9}))
    assert limits == GateLimits(70, 45, 240, 2_000_000, 9)
    assert limits.hold("Mozilla Thunderbird") == 70
    assert limits.hold("Thunderbird-like") == limits.hold("") == 45


@pytest.mark.parametrize("address", ["a@b", "a" * 511 + "@b", "jörg@b", "@a:b@c", "a@", "@a", "all", "a b@c", "a@b>"])
def test_an_address_stands_in_a_command_or_does_not(address: str) -> None:
    if address in {"a@b", "jörg@b"}:
        assert path(address, utf8=True) == f"<{address}>"
    else:
        with pytest.raises(BadAddress):
            path(address, utf8=True)
