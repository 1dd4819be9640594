"""What the body of a message says: the author's own words, and whether something is attached."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as ParsedMessage
from email.parser import BytesParser
from typing import cast

from sendguard.mail.header import Headers

MAX_SCANNED = 1024 * 1024
"""Octets. A longer message is not scanned: one that long carries something besides words."""
MAX_PARTS = 100
MAX_DEPTH = 50

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,20})?[^<>]{0,2000}>", re.IGNORECASE)
_NOT_OWN_WORDS = frozenset({"style", "script", "blockquote"})
_QUOTE_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_REST_IS_QUOTED = re.compile(
    r"^[ \t]*(?:-{3,} ?(?:Original Message|Ursprüngliche Nachricht|Forwarded Message|Weitergeleitete Nachricht) ?-{3,}"
    r"|-- )[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Body:
    """``own_words`` is the text without quotations; ``attachments`` counts attached parts, None where not scanned."""

    own_words: str = ""
    attachments: int | None = None


def read_body(raw: bytes, headers: Headers) -> Body:
    """Scan a message's body within the caps. Never raises; what is over a cap or broken is not scanned."""
    if len(raw) > MAX_SCANNED or headers.problems:
        return Body()
    try:
        return _scan(BytesParser().parsebytes(raw))
    except (RecursionError, LookupError, ValueError):
        return (
            Body()
        )  # compat32 raises these on broken structure and charsets; a body that cannot be read proves nothing


def _scan(message: ParsedMessage) -> Body:
    texts: list[str] = []
    attachments = parts = 0
    waiting: list[tuple[ParsedMessage, int]] = [(message, 0)]
    while waiting:
        part, depth = waiting.pop(0)
        parts += 1
        if parts > MAX_PARTS or depth > MAX_DEPTH:
            return Body()
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() == "multipart":
            waiting += ((child, depth + 1) for child in payload if isinstance(child, ParsedMessage))
        elif _is_attachment(part):
            attachments += 1
        else:
            texts.append(_text(part))
    return Body("\n".join(filter(None, texts)), attachments)


def _is_attachment(part: ParsedMessage) -> bool:
    disposition = str(part.get("content-disposition", "")).partition(";")[0].strip().lower()
    return disposition == "attachment" or bool(part.get_filename()) or part.get_content_maintype() != "text"


def _text(part: ParsedMessage) -> str:
    octets = cast(bytes, part.get_payload(decode=True))
    try:
        text = octets.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = octets.decode("latin-1")
    if part.get_content_subtype() == "html":
        from html import unescape  # its table of names takes half a megabyte

        text = unescape(" ".join(_outside_quotations(text)))
    # Looking for the character first: both patterns try every line, which costs more than reading the message.
    text = _QUOTE_LINE.sub("", text) if ">" in text else text
    quoted = _REST_IS_QUOTED.search(text) if "--" in text else None
    return text[: quoted.start()] if quoted else text


def _outside_quotations(text: str) -> Iterator[str]:
    """The texts between HTML tags, but for quotations, styles and scripts; linear, unlike one large pattern."""
    depth = position = 0
    for tag in _TAG.finditer(text):
        if depth == 0:
            yield text[position : tag.start()]
        position = tag.end()
        if (tag[2] or "").lower() in _NOT_OWN_WORDS:
            depth = max(0, depth - 1) if tag[1] else depth + 1
    if depth == 0:
        yield text[position:]
