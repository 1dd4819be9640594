"""The same message before it is written down and afterwards: alike, and like nothing else."""

from email.message import EmailMessage

import pytest

from sendguard.mail.likeness import (
    MAX_COMPARED,
    Content,
    attachment_digest,
    likeness,
    likenesses,
    written_likeness,
)
from sendguard.mail.message import Message, read_message
from sendguard.mail.submission import Envelope

FIELDS = "From: me@x.test\r\nTo: big@lists.test\r\nSubject: Lunch\r\nIn-Reply-To: <one@x.test>\r\n"
ENVELOPE = Envelope.of("me@x.test", ["big@lists.test"])
PLAIN = "Hello all,\n\n1.5 mg at noon.\n"
HTML = '<p>Hello all,</p><p>1.5 mg at <a href="https://x.test/noon">noon</a>.</p>'
CONTENT = Content(PLAIN, HTML, (attachment_digest(b"one\ntwo\n"),))


def composed(fields: str = FIELDS) -> Message:
    return read_message(fields.encode(), with_body=False)


def forms(content: Content = CONTENT, envelope: Envelope = ENVELOPE, fields: str = FIELDS) -> frozenset[bytes]:
    return likenesses(composed(fields), envelope, content)


def written(
    plain: str | None = PLAIN,
    html: str | None = HTML,
    attached: bytes | None = b"one\r\ntwo\r\n",
    fields: str = FIELDS,
) -> bytes:
    """As a mail program writes it: its own line ends, its own encoding."""
    message = EmailMessage()
    if plain is not None:
        message.set_content(plain, cte="quoted-printable")
    if html is not None and plain is not None:
        message.add_alternative(f"<html><head><title>x</title></head><body>{html}</body></html>", subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    if attached is not None:
        message.add_attachment(attached, maintype="text", subtype="csv", filename="a.csv")
    return fields.replace("\r\n", "\n").encode() + message.as_bytes()


@pytest.mark.parametrize(("plain", "html"), [(PLAIN, HTML), (PLAIN, None), (None, HTML)])
def test_it_is_found_however_the_mail_program_writes_it(plain: str | None, html: str | None) -> None:
    assert written_likeness(written(plain, html), ENVELOPE) in forms()


def test_plain_text_has_one_form() -> None:
    content = Content(PLAIN, None, CONTENT.attachments)
    assert forms(content) == {likeness(composed(), ENVELOPE, content)}
    assert written_likeness(written(html=None), ENVELOPE) in forms(content)


@pytest.mark.parametrize(
    "other",
    [
        written(plain=PLAIN.replace("1.5", "15")),
        written(plain=PLAIN + "More."),
        written(html=HTML.replace("1.5 mg", "1.5 g")),
        written(html=HTML.replace("https://x.test/noon", "https://evil.test/noon")),
        written(html=HTML + '<img src="https://evil.test/seen.png">'),
        written(plain=PLAIN.replace("all", "al l")),
        written(attached=b"one\r\nthree\r\n"),
        written(attached=None),
        written(fields=FIELDS.replace("Lunch", "Dinner")),
        written(fields=FIELDS.replace("one@x.test", "two@x.test")),
        written(fields=FIELDS.replace("me@x.test", "you@x.test", 1)),
        written(fields=FIELDS + "Reply-To: else@x.test\r\n"),
        written(fields=FIELDS + "Cc: seen@x.test\r\n"),
    ],
)
def test_any_difference_a_person_could_see_makes_it_another_message(other: bytes) -> None:
    assert written_likeness(other, ENVELOPE) not in forms()


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope.of("me@x.test", ["big@lists.test", "one.more@x.test"]),
        Envelope.of("me@x.test", []),
        Envelope.of("alias@x.test", ["big@lists.test"]),
    ],
)
def test_other_recipients_or_another_originator_make_it_another_message(envelope: Envelope) -> None:
    assert written_likeness(written(), envelope) not in forms()


def test_the_order_of_recipients_does_not_matter() -> None:
    one, other = (
        Envelope.of("me@x.test", list(order)) for order in (("a@x.test", "b@x.test"), ("b@x.test", "a@x.test"))
    )
    assert likenesses(composed(), one, CONTENT) == likenesses(composed(), other, CONTENT)


def test_two_words_in_different_fields_are_not_the_same_word_moved() -> None:
    one = Content("a", "b\n")
    other = Content("a b", "\n")
    assert forms(one).isdisjoint(forms(other))


def test_a_link_a_mail_program_makes_of_plain_words_is_no_difference() -> None:
    before = Content(None, "<p>see https://x.test/ or me@x.test, &lt;you@x.test&gt;</p>")
    after = (
        '<p>see <a class="moz" href="https://x.test/">https://x.test/</a> or <a href="mailto:me@x.test">me@x.test</a>, '
        '<a href="mailto:you@x.test">&lt;you@x.test&gt;</a></p>'
    )
    assert written_likeness(written(None, after, None), ENVELOPE) in forms(before)
    elsewhere = after.replace('"https://x.test/"', '"https://evil.test/"')
    assert written_likeness(written(None, elsewhere, None), ENVELOPE) not in forms(before)


def test_a_picture_within_goes_along_as_an_attachment() -> None:
    before = Content(None, '<p>Logo <img src="data:,"></p>', (attachment_digest(b"\x89PNG"),))
    message = EmailMessage()
    message.set_content("<p>Logo <img src='cid:1@x'></p>", subtype="html")
    message.add_related(b"\x89PNG", "image", "png", cid="<1@x>")
    raw = FIELDS.replace("\r\n", "\n").encode() + message.as_bytes()
    assert written_likeness(raw, ENVELOPE) in forms(before)


def test_a_message_within_is_compared_as_it_is_written() -> None:
    inner = b"From: a@x.test\nSubject: inner\n\nHello\n"
    raw = (
        FIELDS.encode() + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        b"See within\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
        + inner.replace(b"\n", b"\r\n")
        + b"\r\n--b--\r\n"
    )
    assert written_likeness(raw, ENVELOPE) in forms(Content("See within", None, (attachment_digest(inner),)))


@pytest.mark.parametrize(
    "raw",
    [
        FIELDS.encode() + b'Content-Type: multipart/encrypted; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
        FIELDS.encode() + b"Content-Type: application/pkcs7-mime\r\n\r\nx\r\n",
        FIELDS.encode() + b"Content-Type: multipart/mixed\r\n\r\nno boundary\r\n",
        FIELDS.encode() + b"Content-Type: text/plain; charset=no-such\r\n\r\nx\r\n",
        FIELDS.encode()
        + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"--b\r\n\r\nx\r\n" * 200
        + b"--b--\r\n",
        b"x" * (MAX_COMPARED + 1),
    ],
)
def test_a_text_nobody_can_see_is_like_nothing(raw: bytes) -> None:
    assert written_likeness(raw, ENVELOPE) is None
