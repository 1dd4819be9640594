"""What a decision is bound to."""

from dataclasses import replace

from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.mail.digest import binding, retry_key, retry_key_of
from sendguard.mail.submission import Envelope, Hook

ENVELOPE = Envelope.of("Me@x.test", ["a@x.test", "b@x.test", "A@x.test"])


def raw(message_id: str = "1", boundary: str = "boundary-one", body: str = "text", to: str = "a@x.test") -> bytes:
    return (
        f"Message-ID: <{message_id}@x>\r\nDate: {message_id}\r\nTo: {to},\r\n b@x.test\r\n"
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n--{boundary}\r\n\r\n{body}\r\n--{boundary}--\r\n'
    ).encode()


def test_a_second_try_that_names_its_language_is_the_same_message() -> None:
    assert retry_key(b"Content-Language: en-US\r\n" + raw(), ENVELOPE, "") == retry_key(raw(), ENVELOPE, "")


def test_an_envelope_has_no_repeats_and_keeps_its_order() -> None:
    assert Envelope("me@x.test", ("a@x.test", "b@x.test")) == ENVELOPE


def test_a_second_try_with_new_date_message_id_and_boundary_is_the_same_message() -> None:
    again = Envelope(ENVELOPE.originator, tuple(reversed(ENVELOPE.recipients)))
    assert retry_key(raw(), ENVELOPE, "<p>") == retry_key(raw("2", "boundary-two"), again, "<p>")


def test_anything_else_makes_it_another_message() -> None:
    keys = {
        retry_key(raw(), ENVELOPE, "<p>"),
        retry_key(raw(body="other"), ENVELOPE, "<p>"),
        retry_key(raw(to="c@x.test"), ENVELOPE, "<p>"),
        retry_key(raw(), Envelope("me@x.test", ("a@x.test",)), "<p>"),
        retry_key(raw(), Envelope("other@x.test", ENVELOPE.recipients), "<p>"),
        retry_key(raw(), ENVELOPE, "<q>"),
    }
    assert len(keys) == 6


def test_the_binding_differs_with_any_byte_and_any_recipient() -> None:
    assert len({binding(raw(), ENVELOPE), binding(raw("2"), ENVELOPE), binding(raw(), Envelope("me@x.test", ()))}) == 3


def test_which_hooks_really_hold_a_message() -> None:
    assert {hook for hook in Hook if hook.blocks} == {
        Hook.SMTP_GATE, Hook.IMAP_OUTBOX, Hook.EWS_GATE, Hook.EWS_OUTBOX, Hook.THUNDERBIRD,
    }  # fmt: skip


def test_what_stands_for_the_bytes_is_what_an_approval_is_bound_to() -> None:
    submission = Intake(Account("work", ()), Hook.EWS_OUTBOX).submission(b"To: a@x.test\r\n\r\nHi", token=b"id and key")
    assert submission.handed_over == b"id and key"
    assert retry_key_of(submission) == retry_key_of(replace(submission, token=b"another key"))
