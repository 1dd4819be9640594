"""Header editing on the bytes of a message: what is not named here stays as it was, octet for octet."""

import re
from collections.abc import Iterable
from email.utils import formataddr
from itertools import takewhile

from sendguard.mail.address import Mailbox, is_addr_spec
from sendguard.mail.message import Message

BLIND = ("bcc", "resent-bcc")
DRAFT_ONLY = (
    "x-mozilla-draft-info",
    "x-mozilla-status*",
    "x-mozilla-keys",
    "x-identity-key",
    "x-account-key",
    "fcc",
    "x-uniform-type-identifier",
    "x-apple-*",
    "x-draft-info",
    "x-kmail-*",
)
"""Fields a client keeps in its drafts for itself (lower case; ``*`` for any ending): facts/imap-smtp-thunderbird §2."""

MAX_NAME = 100
"""Characters of a display name we write. A longer one is left out: a line must stay below 998 octets."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")


def without_fields(raw: bytes, names: Iterable[str]) -> bytes:
    """Take every field with one of these names out of the header, its folded lines included.

    ``names`` are lower case; one that ends in ``*`` stands for all that begin so. Where the same bytes may be read in
    two ways (a bare CR), the reading that finds more fields is taken.
    """
    wanted = tuple(names)
    exact = {name for name in wanted if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in wanted if name.endswith("*"))
    fields, rest = _split(raw)
    return b"".join(field for name, field in fields if name not in exact and not name.startswith(prefixes)) + rest


def sent_copy(raw: bytes, *, message_id: str, date: str) -> bytes:
    """What a client would file in Sent: CRLF throughout, without draft-only fields, with Bcc.

    ``message_id`` (with its brackets) and ``date`` are put in where the message has none.
    """
    clean = without_fields(_uniform(raw), DRAFT_ONLY)
    return _with_missing(_with_missing(clean, "Message-ID", message_id), "Date", date)


def for_submission(raw: bytes, *, message_id: str, date: str) -> bytes:
    """What goes to the submission server: as ``sent_copy``, and without the blind recipients."""
    return without_fields(sent_copy(raw, message_id=message_id, date=date), BLIND)


def reply_to_sender_only(raw: bytes, sender: Mailbox) -> bytes:
    """Make a reply go to ``sender`` and nobody else: To is replaced, Cc and Bcc are taken out; CRLF throughout.

    Raises ValueError when the sender's address cannot stand in a header.
    """
    if not is_addr_spec(sender.address):
        raise ValueError("the sender's address cannot be written")
    fields, rest = _split(_uniform(raw))
    kept: list[bytes] = []
    place = None
    for name, field in fields:
        if name in {"to", "cc", *BLIND, "resent-to", "resent-cc"}:
            place = len(kept) if place is None else place
        else:
            kept.append(field)
    kept.insert(len(kept) if place is None else place, b"To: " + mailbox_octets(sender) + b"\r\n")
    return b"".join(kept) + rest


def sender_of(original: Message) -> Mailbox | None:
    """Whom a reply to the sender only goes to: the author, unless a list put itself into From. None when unclear."""
    candidates = (*original.originators[:1], *original.reply_to[:1])
    people = [box for box in candidates if box.address not in original.list_signs.addresses]
    return people[0] if people and is_addr_spec(people[0].address) else None


def mailbox_octets(box: Mailbox) -> bytes:
    """A mailbox as a header has it (RFC 5322 §3.4); a name that would not fit is left out, control characters too."""
    name = box.display_name
    address = _CONTROL.sub(" ", box.address)
    if not name or len(name) > MAX_NAME or not name.isprintable() or not address.isascii():
        return b"<" + address.encode("utf-8", "surrogateescape") + b">"
    return formataddr((name, address)).encode("ascii")


def _split(raw: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """The fields, by lower-case name (empty for a line that is no field), and all from the empty line on."""
    starts: list[tuple[str, int]] = []
    end = 0
    for found in takewhile(lambda each: each[0].strip(b"\r\n"), _LINE.finditer(raw)):
        line = found[0]
        if line[:1] not in b" \t" or not starts:
            name = _NAME.match(line)
            starts.append((name[1].decode("ascii").lower() if name else "", end))
        end = found.end()
    ends = [*(start for _, start in starts[1:]), end]
    return [(name, raw[start:stop]) for (name, start), stop in zip(starts, ends, strict=False)], raw[end:]


def _uniform(raw: bytes) -> bytes:
    """CRLF throughout, and an empty line after the header."""
    text = _LINE_END.sub(b"\r\n", raw)
    if _split(text)[1]:
        return text
    return text + (b"\r\n" if not text or text.endswith(b"\r\n") else b"\r\n\r\n")


def _with_missing(raw: bytes, name: str, body: str) -> bytes:
    fields, rest = _split(raw)
    if any(known == name.lower() and field.partition(b":")[2].strip() for known, field in fields):
        return raw
    kept = b"".join(field for known, field in fields if known != name.lower())
    return kept + f"{name}: {body}\r\n".encode() + rest
