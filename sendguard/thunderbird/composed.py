"""A message as Thunderbird's add-on sees it before it is written down."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sendguard.mail.address import Mailbox, normalise, read_addresses
from sendguard.mail.header import decode_words
from sendguard.mail.likeness import Content, likenesses
from sendguard.mail.message import Message, read_message
from sendguard.mail.submission import Submission
from sendguard.mail.synthesis import written

FIELDS = ("to", "cc", "bcc", "reply_to")
MOST = 20_000
"""Entries in one list of the add-on's. More is refused, not cut off."""
PARENT_FIELDS = frozenset(
    {
        "from", "sender", "reply-to", "to", "cc", "message-id", "list-id", "list-post", "precedence", "mailing-list",
        "x-beenthere", "x-mailing-list", "x-google-group-id",
    }
)  # fmt: skip
"""What is read of the message that is answered."""


class NotAMessage(Exception):
    """The add-on said something that is no message in the protocol's form."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What the add-on said. Entries are as they stand in Thunderbird's fields: ``Name <address>``, or a list of an
    address book, whose members are in ``lists`` under the entry.

    ``kind`` is Thunderbird's word: new, reply, forward, redirect, draft. ``parent`` holds the header fields of the
    message this one answers or forwards, by lower-case name. ``parts`` are digests in hex of the attachments, or what
    is known of one that could not be read; ``text`` is a digest of the text. Without ``whole`` the text itself was not
    said: it is too long, or only the count was wanted.
    """

    sender: str
    entries: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, tuple[str, ...]]
    own: frozenset[str]
    kind: str
    subject: str
    whole: bool
    plain: str | None = field(repr=False)
    html: str | None = field(repr=False)
    text: str
    parts: tuple[str, ...]
    parent: Mapping[str, tuple[str, ...]] = field(repr=False)
    said: bytes = field(repr=False)
    """All of it in one form: what an answer is bound to."""

    @classmethod
    def of(cls, said: object) -> "Composed":
        """Read a message of the protocol. Raises NotAMessage."""
        if not isinstance(said, dict):
            raise NotAMessage
        return cls(
            sender=_text(said.get("from", "")),
            entries={name: _texts(said.get(name, [])) for name in FIELDS},
            lists=_by_name(said.get("lists", {})),
            own=frozenset(map(normalise, _texts(said.get("own", [])))),
            kind=_text(said.get("kind", "new")),
            subject=_text(said.get("subject", "")),
            whole=said.get("whole") is True,
            plain=_optional(said.get("plain")),
            html=_optional(said.get("html")),
            text=_text(said.get("text", "")),
            parts=_texts(said.get("parts", [])),
            parent={name: texts for name, texts in _by_name(said.get("parent", {})).items() if name in PARENT_FIELDS},
            said=json.dumps(said, ensure_ascii=True, sort_keys=True).encode(),
        )

    @property
    def typed(self) -> int:
        """How many different entries stand in To, Cc and Bcc."""
        return len({entry.strip().casefold() for name in ("to", "cc", "bcc") for entry in self.entries[name]})

    @property
    def recipients(self) -> list[str]:
        """Every address in To, Cc and Bcc, lists opened; an entry that cannot be read as it stands."""
        return [box.address for name in ("to", "cc", "bcc") for box in self._boxes(self.entries[name])]

    @property
    def original(self) -> Message | None:
        """The message this one answers or forwards; None where it could not be read."""
        if "from" not in self.parent:
            return None
        lines = [f"{name}: {_line(text)}\r\n" for name, texts in self.parent.items() for text in texts]
        return read_message("".join(lines).encode("utf-8", "surrogateescape"), with_body=False)

    def octets(self) -> bytes:
        """The message written down as far as it is known: what is judged, and never sent."""
        addresses = {name.replace("_", "-"): self._boxes(entries) for name, entries in self.entries.items()}
        addresses["from"] = _read(self.sender)
        texts = {"Subject": self.subject, "X-Content": self._content()} | self._relation()
        html = self.html is not None
        body = (self.html if html else self.plain) or ""
        return written(addresses, texts, body, html=html, attachments=len(self.parts))

    def likenesses(self, submission: Submission) -> frozenset[bytes]:
        """How a gate may see it; nothing where a part of it could not be seen."""
        try:
            attachments = tuple(bytes.fromhex(part) for part in self.parts)
        except ValueError:
            return frozenset()
        if not self.whole or any(len(each) != 32 for each in attachments) or self.plain is None:
            return frozenset()
        content = Content(self.plain, self.html, attachments)
        return likenesses(submission.message, submission.envelope, content)

    def entries_where(self, name: str, keep: Callable[[str], bool]) -> list[str]:
        """The entries of a field that stand for an address for which ``keep`` is true, or cannot be read."""
        found = [(entry, self._boxes((entry,))) for entry in self.entries[name]]
        return [entry for entry, boxes in found if any(keep(box.address) for box in boxes) or not boxes]

    def _boxes(self, entries: tuple[str, ...]) -> list[Mailbox]:
        found: list[Mailbox] = []
        for entry in entries:
            if entry in self.lists:
                found += [box for member in self.lists[entry] for box in _read(member)]
            else:
                found += _read(entry)
        return found

    def _content(self) -> str:
        """Text and attachments in one digest: an answer kept for the next try is for these and no others."""
        return hashlib.sha256("\0".join((self.text, *self.parts)).encode("utf-8", "surrogateescape")).hexdigest()

    def _relation(self) -> dict[str, str]:
        parent = next(iter(self.parent.get("message-id", ())), "")
        if not parent:
            return {}
        relation = {"In-Reply-To": parent}
        if self.kind == "forward":
            relation["X-Forwarded-Message-Id"] = parent
        if self.kind == "redirect":
            relation["Resent-From"] = self.sender
        return relation


def _read(entry: str) -> list[Mailbox]:
    """The mailboxes of an entry; one that cannot be read is kept as it is, and is a reason to ask."""
    found = read_addresses((_line(entry),), decode_words)
    if found.certain:
        return list(found.mailboxes)
    return [Mailbox("", _line(entry))]


def _line(text: str) -> str:
    return " ".join(text.split())


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise NotAMessage
    return said


def _optional(said: object) -> str | None:
    return None if said is None else _text(said)


def _texts(said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or len(said) > MOST:
        raise NotAMessage
    return tuple(map(_text, said))


def _by_name(said: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, dict) or len(said) > MOST:
        raise NotAMessage
    return {_text(name): _texts(texts) for name, texts in said.items()}
