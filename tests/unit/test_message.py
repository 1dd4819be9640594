"""Messages from hostile bytes: headers, lists, bodies."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendguard.mail.body import MAX_SCANNED, Body, read_body
from sendguard.mail.header import MAX_FIELDS, Problem, body_of, decode_words, header_block, read_headers
from sendguard.mail.message import ListSigns, read_message


def message(*lines: str, body: str = "") -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def test_the_parts_a_guard_needs_are_read() -> None:
    read = read_message(
        message(
            "From: Ana <ana@x.test>",
            "To: a@x.test",
            "Cc: b@x.test",
            "Bcc: c@x.test",
            "Reply-To: d@x.test",
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
            "Message-ID: <1@x.test>",
            "In-Reply-To: <0@x.test>",
            "References: <9@x.test> <0@x.test>",
            "User-Agent: Mozilla Thunderbird",
            body="Hello",
        )
    )
    assert [box.address for box in read.recipients] == ["a@x.test", "b@x.test", "c@x.test"]
    assert [box.address for box in read.visible] == ["a@x.test", "b@x.test"]
    assert (read.originators[0].display_name, read.originators[0].address) == ("Ana", "ana@x.test")
    assert read.subject == "Grüße"
    assert (read.message_id, read.parent_id) == ("<1@x.test>", "<0@x.test>")
    assert read.references == ("<9@x.test>", "<0@x.test>")
    assert read.user_agent == "Mozilla Thunderbird"
    assert read.body == Body("Hello", 0)
    assert not read.problems


def test_sender_stands_in_for_a_missing_from_and_references_for_a_missing_in_reply_to() -> None:
    read = read_message(message("Sender: ana@x.test", "References: <1@x> <2@x>", "X-Mailer: M"), with_body=False)
    assert read.originators[0].address == "ana@x.test"
    assert read.parent_id == "<2@x>"
    assert read.user_agent == "M"
    assert read_message(b"\r\n\r\n").parent_id == ""


def test_a_second_to_field_counts_as_much_as_the_first() -> None:
    assert len(read_message(message("To: a@x.test", "To: b@x.test")).to) == 2


@pytest.mark.parametrize(
    ("field", "signs"),
    [
        ("List-Post: <mailto:All@Lists.test>", ListSigns(frozenset({"all@lists.test"}))),
        ("List-Post: NO", ListSigns()),
        ("X-BeenThere: all@lists.test", ListSigns(frozenset({"all@lists.test"}))),
        ("List-Id: The Team <team.lists.test>", ListSigns(list_id="team.lists.test")),
        ("List-Id: team.lists.test", ListSigns(list_id="team.lists.test")),
        ("Precedence: BULK", ListSigns(precedence=True)),
        ("Mailing-List: contact x", ListSigns(precedence=True)),
    ],
)
def test_signs_of_a_mailing_list(field: str, signs: ListSigns) -> None:
    found = read_message(message(field)).list_signs
    assert found == signs
    assert bool(found) == (signs != ListSigns())


@pytest.mark.parametrize(
    ("raw", "block", "body"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n", b"body"),
        (b"A: b\n\nbody", b"A: b\n", b"body"),
        (b"\r\nbody", b"", b"body"),
        (b"\nbody", b"", b"body"),
        (b"A: b", b"A: b", b""),
    ],
)
def test_the_first_empty_line_ends_the_header(raw: bytes, block: bytes, body: bytes) -> None:
    assert header_block(raw) == block
    assert body_of(raw) == body


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"To: " + b"a" * (300 * 1024) + b"\r\n\r\n", Problem.HEADER_TOO_LARGE),
        (b"To: a@x.test\r\nX: " + b"b" * (70 * 1024) + b"\r\n\r\n", Problem.HEADER_TOO_LARGE),
        (b"A: b\r\n" * (MAX_FIELDS + 1) + b"\r\n", Problem.HEADER_UNREADABLE),
        (b"To: a@x.test\r\nnot a header line\r\n\r\n", Problem.HEADER_UNREADABLE),
        (message("To: a@x.test;b@x.test"), Problem.ADDRESSES_UNREADABLE),
    ],
)
def test_what_cannot_be_read_with_certainty_is_a_problem(raw: bytes, problem: Problem) -> None:
    assert problem in read_message(raw).problems


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
        ("=?nonsense?q?abc?=", "abc"),
        ("=?utf-8?b?a?= x", "=?utf-8?b?a?= x"),
        ("=?x\x00y?q?abc?=", None),
        ("plain\x00text", "plain text"),
        (b"caf\xc3\xa9".decode("ascii", "surrogateescape"), "café"),
        (b"caf\xe9".decode("ascii", "surrogateescape"), "caf\ufffd"),
    ],
)
def test_encoded_words_are_decoded_for_showing(text: str, shown: str | None) -> None:
    assert decode_words(text) == shown if shown else isinstance(decode_words(text), str)


def test_own_words_are_told_from_quoted_ones_and_attachments_counted() -> None:
    raw = message(
        'Content-Type: multipart/mixed; boundary="frontier-1"',
        body="--frontier-1\r\nContent-Type: text/html\r\n\r\n<p>See &amp; read</p><blockquote>attached</blockquote>"
        "\r\n--frontier-1\r\nContent-Type: text/plain\r\n\r\nmine\r\n> theirs\r\n-- \r\nsignature\r\n"
        "--frontier-1\r\nContent-Type: application/pdf\r\n\r\nx\r\n"
        '--frontier-1\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nx\r\n--frontier-1--\r\n',
    )
    body = read_message(raw).body
    assert body.attachments == 2
    assert "See & read" in body.own_words
    assert "mine" in body.own_words
    assert not re.search("attached|theirs|signature", body.own_words)


def test_an_unknown_charset_and_a_part_without_text_do_no_harm() -> None:
    assert (
        read_message(message("Content-Type: text/plain; charset=nonsense", body="caf\udce9")).body.own_words == "café"
    )
    nested = message("Content-Type: multipart/mixed", body="no boundary")
    assert read_message(nested).body.attachments == 1


def test_bodies_over_the_caps_are_not_scanned() -> None:
    assert read_message(message("A: b", body="x" * MAX_SCANNED)).body == Body()
    parts = "".join("--bb\r\n\r\nx\r\n" for _ in range(150))
    assert read_message(message("Content-Type: multipart/mixed; boundary=bb", body=parts + "--bb--")).body == Body()


def test_a_body_the_parser_fails_on_proves_nothing() -> None:
    raw = message("Content-Type: text/plain; charset*=x'y'%zz; name*", "Content-Transfer-Encoding: base64", body="=")
    assert isinstance(read_body(raw, read_headers(raw)), Body)
    raw = message("Content-Type: text/plain; charset*=x\x00'y'a", body="attached")
    assert read_message(raw).body == Body()
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}b\r\n\r\n--b{n}b\r\n" for n in range(400))
    assert read_message(deep.encode()).body == Body()


@pytest.mark.parametrize(
    "unit",
    [b",", b"a", b"a ", b'\\"', b"(", b"<", b"@", b"a@", b"=?a?q?", b" ", b":", b"a@x.test,", b"\r\n ", b"'a@b' <"],
)
@pytest.mark.parametrize("name", [b"To: ", b"To: g:", b'To: "', b"Subject: ", b"References: ", b"List-Id: "])
def test_reading_a_field_takes_time_in_proportion_to_its_length(name: bytes, unit: bytes) -> None:
    """email.policy.default needs half a minute for 100,000 commas (cpython #136063)."""

    def seconds(length: int) -> float:
        raw = name + unit * (length // len(unit)) + b"x\r\n\r\n"
        started = time.process_time()
        read_message(raw)
        return time.process_time() - started

    assert seconds(60_000) < max(0.5, 6 * seconds(20_000))


@pytest.mark.parametrize("unit", ["<style>", "<", "<a", "\n", "> ", " \n", "&amp;", "-- "])
def test_scanning_a_body_takes_time_in_proportion_to_its_length(unit: str) -> None:
    def seconds(length: int) -> float:
        raw = message("Content-Type: text/html", body=unit * (length // len(unit)) + "x")
        started = time.process_time()
        read_message(raw)
        return time.process_time() - started

    assert seconds(600_000) < max(0.5, 6 * seconds(200_000))


def test_a_header_the_parser_fails_on_cannot_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, octets: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr("sendguard.mail.header.BytesHeaderParser.parsebytes", fails)
    assert read_message(b"To: a@x.test\r\n\r\n").problems == {Problem.HEADER_UNREADABLE}


def corpus() -> list[Path]:
    """CPython's own nasty messages, where its test package is installed."""
    test = pytest.importorskip("test.test_email", reason="CPython's test package is not installed")
    return sorted((Path(test.__file__).parent / "data").glob("msg_*.txt"))


def test_every_message_of_cpythons_own_tests_is_read() -> None:
    files = corpus()
    assert len(files) > 40
    for file in files:
        read_message(file.read_bytes())


header_name = st.sampled_from(["To", "Cc", "From", "Subject", "Content-Type", "List-Post", "Message-ID", "X"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(header_name, st.binary(max_size=200)), max_size=12), st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(fields: list[tuple[str, bytes]], body: bytes) -> None:
    raw = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields) + b"\r\n" + body
    read_message(raw)
    read_message(body)
