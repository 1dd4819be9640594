"""The same message, seen by the add-on before it is written down and by a gate afterwards.

The add-on sees recipients, subject, the text in two forms and the attachments; a gate sees octets the add-on never saw.
A likeness is a digest of what both see, so that an answer given to the one is found by the other, and by nothing else.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message as ParsedMessage
from email.parser import BytesParser
from typing import cast

from sendguard.mail.body import MAX_DEPTH, MAX_PARTS
from sendguard.mail.message import Message, read_message
from sendguard.mail.submission import Envelope

MAX_COMPARED = 64 * 1024 * 1024
"""Octets. A longer message is like no other, and asked about again."""

_HEAD = re.compile(r"<(head|style|script|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_ANCHOR = re.compile(r"</?a\b[^<>]*>", re.IGNORECASE)
_LINK = re.compile(r"<(?:a|img)\b[^<>]*?\b(?:href|src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')[^<>]*>([^<>]*)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:mailto:|https?://)", re.IGNORECASE)
_WITHIN = ("blob:", "cid:", "data:", "file:", "imap:", "mailbox:", "news:")
"""Where a picture lies that goes along as an attachment, before it is sent and afterwards."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says: its text as plain text and as HTML (None: not sent so), and a digest of each attachment."""

    plain: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    attachments: tuple[bytes, ...] = ()


def likeness(message: Message, envelope: Envelope, content: Content) -> bytes:
    """Digest (32 octets) of originator, envelope, who is seen by whom, the parent, the subject, and the content.

    Of the text every word and mark counts, and of HTML where its links go; not how it is broken into lines, which a
    mail program does as it sends.
    """
    digest = hashlib.sha256()
    for each in _named(message, envelope):
        digest.update(b"%d " % len(each))
        for word in each:
            octets = word.encode("utf-8", "surrogateescape")
            digest.update(b"%d:%b" % (len(octets), octets))
    for text in (_words(content.plain), _html_words(content.html)):
        octets = b"-" if text is None else text.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%b" % (len(octets), octets))
    digest.update(b"".join(sorted(content.attachments)))
    return digest.digest()


def likenesses(message: Message, envelope: Envelope, content: Content) -> frozenset[bytes]:
    """How a message that is not written yet may come out: as plain text, as HTML, or as both."""
    forms = [content]
    if content.html is not None and content.plain is not None:
        forms += [
            Content(content.plain, None, content.attachments),
            Content(None, content.html, content.attachments),
        ]
    return frozenset(likeness(message, envelope, form) for form in forms)


def written_likeness(raw: bytes, envelope: Envelope) -> bytes | None:
    """The likeness of a message as it is sent; None where its text cannot be seen: encrypted, broken or too large."""
    content = _content(raw) if len(raw) <= MAX_COMPARED else None
    return None if content is None else likeness(read_message(raw, with_body=False), envelope, content)


def attachment_digest(octets: bytes) -> bytes:
    """Digest of an attachment (32 octets), whose line ends mail programs change as they send it."""
    return hashlib.sha256(octets.replace(b"\r", b"").rstrip(b"\n")).digest()


def _named(message: Message, envelope: Envelope) -> Iterator[list[str]]:
    yield [envelope.originator]
    yield sorted({box.address for box in message.originators})
    yield sorted(set(envelope.recipients))
    yield sorted({box.address for box in message.visible})
    yield sorted({box.address for box in message.reply_to})
    yield [message.parent_id]
    yield [" ".join(message.subject.split())]


def _words(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


def _html_words(html: str | None) -> str | None:
    if html is None:
        return None
    from html import unescape  # its table of names takes half a megabyte

    body = _HEAD.sub(" ", html)
    links = [(unescape(one or other), unescape(text)) for one, other, text in _LINK.findall(body)]
    away = [link for link, text in links if not link.lower().startswith(_WITHIN) and not _says_so(link, text)]
    words = unescape(_TAG.sub(" ", _ANCHOR.sub("", body))).split()
    return " ".join([*words, "\n", *away])


def _says_so(link: str, text: str) -> bool:
    """Whether a link goes where its words say: a mail program makes such links of plain words as it sends."""
    said = _SCHEME.sub("", text.strip(" \r\n<>"), count=1)
    return _SCHEME.sub("", link, count=1).rstrip("/") == said.rstrip("/")


def _content(raw: bytes) -> Content | None:
    try:
        return _sorted_out(_leaves(BytesParser().parsebytes(raw)))
    except (_NotSeen, RecursionError, LookupError, ValueError):
        return None


def _sorted_out(parts: Iterable[ParsedMessage]) -> Content:
    texts: dict[str, str] = {}
    attachments: list[bytes] = []
    for part in parts:
        kind = part.get_content_subtype()
        if _is_text(part) and kind not in texts:
            texts[kind] = _text(part)
        else:
            attachments.append(attachment_digest(_octets(part)))
    return Content(texts.get("plain"), texts.get("html"), tuple(attachments))


class _NotSeen(Exception):
    """The text is encrypted, or there are too many parts."""


def _leaves(message: ParsedMessage) -> Iterator[ParsedMessage]:
    waiting, seen = [(message, 0)], 0
    while waiting:
        part, depth = waiting.pop(0)
        seen += 1
        if seen > MAX_PARTS or depth > MAX_DEPTH or part.get_content_subtype() in _SEALED:
            raise _NotSeen
        if part.get_content_maintype() == "multipart":
            waiting[:0] = [(child, depth + 1) for child in _children(part)]
        else:
            yield part


_SEALED = {"encrypted", "pkcs7-mime", "x-pkcs7-mime"}


def _children(part: ParsedMessage) -> Iterable[ParsedMessage]:
    payload = part.get_payload()
    if not isinstance(payload, list):
        raise _NotSeen
    return [child for child in payload if isinstance(child, ParsedMessage)]


def _is_text(part: ParsedMessage) -> bool:
    disposition = str(part.get("content-disposition", "")).partition(";")[0].strip().lower()
    is_body = disposition != "attachment" and not part.get_filename()
    return is_body and part.get_content_type() in {"text/plain", "text/html"}


def _octets(part: ParsedMessage) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # a message within: as it is written
        return b"".join(child.as_bytes() for child in payload if isinstance(child, ParsedMessage))
    return cast(bytes, part.get_payload(decode=True))


def _text(part: ParsedMessage) -> str:
    return _octets(part).decode(part.get_content_charset("utf-8"), "replace")
