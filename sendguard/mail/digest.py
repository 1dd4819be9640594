"""Digests a decision is bound to."""

import hashlib
import re

from sendguard.mail.header import body_of, header_block
from sendguard.mail.submission import Envelope, Submission

CHANGES_AT_EVERY_TRY = frozenset({b"date", b"message-id", b"user-agent", b"x-mailer", b"received", b"content-language"})
"""Fields a client writes anew when the same message is sent again.

Thunderbird 153 leaves Content-Language out until its spelling checker has started: of two tries only one may bear it.
"""

_BOUNDARY = re.compile(rb'boundary\s*=\s*(?:"([^"\r\n]{8,200})"|([^\s;"]{8,200}))', re.IGNORECASE)
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(?:.*\r?\n?(?:[ \t].*\r?\n?)*)", re.MULTILINE)


def binding(raw: bytes, envelope: Envelope) -> bytes:
    """Digest of the very bytes and the envelope (32 octets): any difference is another message."""
    digest = hashlib.sha256()
    _add_envelope(digest, envelope)
    digest.update(raw)
    return digest.digest()


def retry_key(raw: bytes, envelope: Envelope, parent_id: str) -> bytes:
    """Digest that stays the same when a client sends the same message again (32 octets).

    Bound to originator, recipients whatever their order, parent message, the header fields but for those of
    ``CHANGES_AT_EVERY_TRY``, and the body with its MIME boundaries (chosen at random at every try) made alike.
    """
    digest = hashlib.sha256()
    _add_envelope(digest, Envelope(envelope.originator, tuple(sorted(envelope.recipients))))
    digest.update(parent_id.encode("utf-8", "surrogateescape") + b"\0")
    named = boundaries(raw)
    for field in _FIELD.finditer(header_block(raw)):
        if field[1].lower() not in CHANGES_AT_EVERY_TRY:
            digest.update(_alike(field[0], named))
    digest.update(b"\0")
    digest.update(_alike(body_of(raw), named))
    return digest.digest()


def retry_key_of(submission: Submission) -> bytes:
    """The retry key of a submission whose bytes the hook holds."""
    return retry_key(submission.raw, submission.envelope, submission.message.parent_id)


def _add_envelope(digest: "hashlib._Hash", envelope: Envelope) -> None:
    for address in (envelope.originator, *envelope.recipients):
        digest.update(address.encode("utf-8", "surrogateescape") + b"\0")


def boundaries(raw: bytes) -> list[bytes]:
    """Every MIME boundary named anywhere; the pattern alone, blind to case, would try every octet."""
    if b"boundary" not in raw.lower():
        return []
    return [quoted or plain for quoted, plain in _BOUNDARY.findall(raw)]


def _alike(octets: bytes, boundaries: list[bytes]) -> bytes:
    for number, boundary in enumerate(dict.fromkeys(boundaries)):
        octets = octets.replace(boundary, b"boundary-%d" % number)
    return octets
