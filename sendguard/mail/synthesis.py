"""A message written from its parts, for the servers and calls that give parts instead of a message."""

from collections.abc import Iterable, Mapping
from email.header import Header

from sendguard.mail.address import Mailbox
from sendguard.mail.rewrite import mailbox_octets

FIELDS = ("from", "sender", "reply-to", "to", "cc", "bcc")
"""The fields of addresses, in the order they are written."""


def written(
    addresses: Mapping[str, Iterable[Mailbox]],
    texts: Mapping[str, str],
    body: str = "",
    *,
    html: bool = False,
    attachments: int = 0,
) -> bytes:
    """A message with these fields (names as in ``FIELDS``, others by their own name), CRLF throughout.

    An address that cannot stand in a header is written all the same: reading it is a problem then, and asked about.
    ``attachments`` that only the server has are written as parts without content.
    """
    lines = [b"%s: %s" % (name.encode(), _text(text)) for name, text in texts.items() if text]
    content = body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    kind = b"text/html; charset=utf-8" if html else b"text/plain; charset=utf-8"
    lines += [b"MIME-Version: 1.0"]
    if not attachments:
        return fields_of(addresses) + b"\r\n".join([*lines, b"Content-Type: " + kind, b"", content])
    part = b"\r\n--parts\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n\r\n"
    whole = b"--parts\r\nContent-Type: " + kind + b"\r\n\r\n" + content + part * attachments + b"\r\n--parts--\r\n"
    return fields_of(addresses) + b"\r\n".join([*lines, b'Content-Type: multipart/mixed; boundary="parts"', b"", whole])


def fields_of(addresses: Mapping[str, Iterable[Mailbox]]) -> bytes:
    """Address fields, each with its line end; one without an address is left out."""
    lines = [b"%s: %s\r\n" % (name.encode(), _folded(addresses[name])) for name in FIELDS if addresses.get(name)]
    return b"".join(lines)


def _folded(boxes: Iterable[Mailbox]) -> bytes:
    return b",\r\n ".join(mailbox_octets(box) for box in boxes)


def _text(text: str) -> bytes:
    plain = " ".join(text.split())
    if plain.isascii() and plain.isprintable() and len(plain) < 900:
        return plain.encode()
    return Header(plain, "utf-8", maxlinelen=75).encode(linesep="\r\n").encode("ascii", "replace")
