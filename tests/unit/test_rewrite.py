"""Editing headers on bytes: what is not named stays, octet for octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.mail.address import Mailbox
from sendguard.mail.header import body_of, header_block, read_headers
from sendguard.mail.message import ListSigns, Message, read_message
from sendguard.mail.rewrite import (
    BLIND,
    DRAFT_ONLY,
    for_submission,
    reply_to_sender_only,
    sender_of,
    sent_copy,
    without_fields,
)

ID, DATE = "<made@example.test>", "Tue, 24 Nov 2026 09:00:00 +0000"
DRAFT = (
    b"Message-ID: <1@x>\r\n"
    b"Date: now\r\n"
    b"From: me@x.test\r\n"
    b"To: a@x.test,\r\n b@x.test\r\n"
    b"BCC: hidden@x.test,\r\n\talso@x.test\r\n"
    b"Cc: c@x.test\r\n"
    b"X-Mozilla-Draft-Info: internal/draft; vcard=0\r\n"
    b"X-Mozilla-Status2: 00800000\r\n"
    b"X-Apple-Auto-Saved: 1\r\n"
    b"Fcc: imap://x\r\n"
    b"Subject: caf\xe9 \xff\r\n"
    b"\r\n"
    b"Bcc: this is the body\r\n"
)
BOSS = Mailbox("Boss", "boss@x.test")


def test_a_field_goes_with_its_folded_lines_and_everything_else_stays() -> None:
    expected = DRAFT.replace(b"BCC: hidden@x.test,\r\n\talso@x.test\r\n", b"")
    assert without_fields(DRAFT, ["bcc"]) == expected


def test_every_repeat_of_a_field_goes_whatever_its_case_and_its_space() -> None:
    raw = b"bcc: a\nSubject: s\nBcC \t: b\n\nbody"
    assert without_fields(raw, BLIND) == b"Subject: s\n\nbody"


def test_a_submission_has_no_blind_recipients_and_no_draft_fields() -> None:
    sent = for_submission(DRAFT, message_id=ID, date=DATE)
    assert sent == (
        b"Message-ID: <1@x>\r\nDate: now\r\nFrom: me@x.test\r\nTo: a@x.test,\r\n b@x.test\r\nCc: c@x.test\r\n"
        b"Subject: caf\xe9 \xff\r\n\r\nBcc: this is the body\r\n"
    )


def test_the_copy_in_sent_keeps_the_blind_recipients() -> None:
    assert b"BCC: hidden@x.test,\r\n\talso@x.test\r\n" in sent_copy(DRAFT, message_id=ID, date=DATE)


def test_bare_line_feeds_become_line_ends() -> None:
    raw = b"From: me@x.test\nMessage-ID: <1@x>\nDate: now\n\none\ntwo\r\nthree\rfour"
    expected = b"From: me@x.test\r\nMessage-ID: <1@x>\r\nDate: now\r\n\r\none\r\ntwo\r\nthree\r\nfour"
    assert for_submission(raw, message_id=ID, date=DATE) == expected


def test_a_blind_recipient_behind_a_bare_carriage_return_does_not_leak() -> None:
    raw = b"From: me@x.test\r\nSubject: hi\rBcc: hidden@x.test\r\n\r\nbody"
    assert b"hidden" not in for_submission(raw, message_id=ID, date=DATE)
    assert b"hidden" not in without_fields(raw, BLIND)


@pytest.mark.parametrize("raw", [b"From: me@x.test\n\nbody", b"From: me@x.test\nMessage-ID:  \nDate:\n\nbody"])
def test_a_missing_or_empty_id_and_date_are_put_in(raw: bytes) -> None:
    expected = f"From: me@x.test\r\nMessage-ID: {ID}\r\nDate: {DATE}\r\n\r\nbody".encode()
    assert for_submission(raw, message_id=ID, date=DATE) == expected


@pytest.mark.parametrize("raw", [b"", b"From: me@x.test", b"From: me@x.test\n", b"\nbody only"])
def test_a_message_without_body_or_header_gets_an_empty_line_between_them(raw: bytes) -> None:
    sent = for_submission(raw, message_id=ID, date=DATE)
    assert read_headers(sent).first("message-id") == ID
    assert body_of(sent) == (b"body only" if b"body" in raw else b"")


def test_a_line_that_is_no_field_stays_where_it_is() -> None:
    raw = b" starts folded\nFrom somebody\nBcc: x\n\n"
    assert without_fields(raw, BLIND) == b" starts folded\nFrom somebody\n\n"


def test_a_reply_to_the_sender_only_reaches_nobody_else() -> None:
    reply = reply_to_sender_only(DRAFT, BOSS)
    message = read_message(reply)
    assert message.recipients == (BOSS,)
    assert body_of(reply) == b"Bcc: this is the body\r\n"
    assert header_block(reply).index(b"To: Boss <boss@x.test>") < header_block(reply).index(b"X-Mozilla")


def test_a_reply_that_had_no_recipients_gets_one() -> None:
    assert reply_to_sender_only(b"Subject: s", Mailbox("", "boss@x.test")) == b"Subject: s\r\nTo: <boss@x.test>\r\n\r\n"


@pytest.mark.parametrize("name", ["x" * 101, "new\nline", "\udcff", ""])
def test_a_name_that_cannot_be_written_safely_is_left_out(name: str) -> None:
    assert b"To: <boss@x.test>\r\n" in reply_to_sender_only(DRAFT, Mailbox(name, "boss@x.test"))


def test_a_name_with_other_letters_is_encoded_and_an_address_with_them_is_written_as_it_is() -> None:
    assert read_message(reply_to_sender_only(DRAFT, Mailbox("Jörg, Müller", "j@x.test"))).to == (
        Mailbox("Jörg, Müller", "j@x.test"),
    )
    assert "To: <jörg@x.test>\r\n".encode() in reply_to_sender_only(DRAFT, Mailbox("Jörg", "jörg@x.test"))


@pytest.mark.parametrize("address", ["two words@x.test", "a@x.test\r\nBcc: b@x.test", "", "nobody"])
def test_an_address_that_is_none_is_not_written(address: str) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        reply_to_sender_only(DRAFT, Mailbox("", address))


def test_the_sender_is_the_author_and_never_the_list() -> None:
    post = ListSigns(frozenset({"all@lists.test"}))
    assert sender_of(Message(originators=(BOSS,))) == BOSS
    assert sender_of(Message(originators=(Mailbox("Boss via All", "all@lists.test"),), list_signs=post)) is None
    munged = Message(originators=(Mailbox("Boss via All", "all@lists.test"),), reply_to=(BOSS,), list_signs=post)
    assert sender_of(munged) == BOSS
    assert sender_of(Message()) is None
    assert sender_of(Message(originators=(Mailbox("", "no address"),))) is None


line_ends = st.sampled_from([b"\r\n", b"\n", b"\r"])
names = st.sampled_from([b"To", b"Bcc", b"bcc ", b"Cc", b"Subject", b"X-Mozilla-Keys", b"Fcc", b"", b"no colon here"])
bodies = st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b""))
folds = st.lists(st.tuples(line_ends, st.sampled_from([b" ", b"\t"]), bodies).map(b"".join), max_size=2).map(b"".join)
fields = st.tuples(names, st.sampled_from([b":", b": ", b""]), bodies, folds, line_ends).map(b"".join)
messages = st.tuples(st.lists(fields, max_size=8).map(b"".join), st.sampled_from([b"", b"\n", b"\r\n"]), bodies)


@given(messages.map(b"".join) | st.binary(max_size=200))
def test_whatever_the_bytes_no_blind_recipient_is_left_where_the_reader_finds_one(raw: bytes) -> None:
    headers = read_headers(for_submission(raw, message_id=ID, date=DATE))
    assert not any(headers.all(name) for name in ("bcc", "resent-bcc", "fcc", "x-mozilla-keys"))
    assert headers.all("message-id") or headers.problems


@given(messages.map(b"".join))
def test_what_is_taken_out_is_all_that_changes(raw: bytes) -> None:
    assert without_fields(raw, []) == raw
    once = without_fields(raw, DRAFT_ONLY)
    assert without_fields(once, DRAFT_ONLY) == once
    assert len(once) <= len(raw)


@given(messages.map(b"".join))
def test_whatever_the_bytes_a_reply_to_the_sender_reaches_the_sender_alone(raw: bytes) -> None:
    reply = read_message(reply_to_sender_only(raw, BOSS))
    assert reply.recipients == (BOSS,) or reply.problems
    assert not {box.address for box in reply.recipients} - {BOSS.address}


@given(messages.map(b"".join))
def test_submitting_a_submission_changes_nothing_more(raw: bytes) -> None:
    once = for_submission(raw, message_id=ID, date=DATE)
    assert for_submission(once, message_id="<other@x>", date="later") == once
