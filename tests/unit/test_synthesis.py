"""Messages written from their parts."""

import pytest

from sendguard.mail.address import Mailbox
from sendguard.mail.header import Problem
from sendguard.mail.message import read_message
from sendguard.mail.synthesis import fields_of, written


def test_what_is_written_is_read_back() -> None:
    me, many = Mailbox("Zoë", "me@x.test"), [Mailbox("", f"p{number}@x.test") for number in range(50)]
    raw = written(
        {"from": [me], "to": many, "cc": [], "bcc": [Mailbox("Boss", "boss@x.test")]},
        {"subject": "Grüße aus Köln " * 20, "in-reply-to": "<one@x.test>", "references": ""},
        "Hello\nsee the attachment",
        attachments=2,
    )
    message = read_message(raw)
    assert message.originators == (me,)
    assert message.to == tuple(many)
    assert message.bcc == (Mailbox("Boss", "boss@x.test"),)
    assert message.subject == ("Grüße aus Köln " * 20).strip()
    assert message.in_reply_to == "<one@x.test>"
    assert message.body.attachments == 2
    assert "see the attachment" in message.body.own_words
    assert not message.problems
    assert max(map(len, raw.split(b"\r\n"))) < 998


def test_a_message_without_attachments_is_its_text() -> None:
    message = read_message(written({"to": [Mailbox("", "a@x.test")]}, {"subject": "Hi"}, "<p>Hello</p>", html=True))
    assert message.body.own_words.strip() == "Hello"
    assert message.body.attachments == 0


@pytest.mark.parametrize("address", ["/o=Org/ou=Group/cn=boss", "two words@x.test", "a@x.test\r\nBcc: all@x.test"])
def test_an_address_no_header_can_hold_is_never_left_out_silently(address: str) -> None:
    message = read_message(written({"to": [Mailbox("", address), Mailbox("", "b@x.test")]}, {}), with_body=False)
    assert Problem.ADDRESSES_UNREADABLE in message.problems
    assert message.bcc == ()


def test_fields_without_an_address_are_left_out() -> None:
    assert fields_of({"to": [], "cc": [Mailbox("", "a@x.test")]}) == b"cc: <a@x.test>\r\n"
