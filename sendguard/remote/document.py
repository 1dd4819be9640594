"""The signed policy: what it holds, how it is written and read, and what makes it worth nothing.

A signed file (``published.signing``) whose payload is one JSON object:

    {"format": 1, "organisation": "nhs.example", "serial": 1795871400,
     "not_before": "2026-11-28T14:10:00+00:00", "expires": "2026-12-28T14:10:00+00:00",
     "settings": {"BlockedLists": ["croydonpractices@nhs.example | This list reaches everybody. Do not reply."]}}

``serial`` only rises: a desktop never goes back to a lower one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sendguard.audience.source import SourceFailed
from sendguard.published.signing import PublicKey, SigningKey, verified

CONTEXT = "sendguard-policy-1"
FORMAT = 1
MOST_OCTETS = 256 * 1024
"""A larger file is refused unread."""
MOST_SERIAL = 4_294_967_295
SLACK = timedelta(minutes=5)
"""How far a desktop's clock may be behind the one that signed."""
_NAMES = frozenset({"format", "organisation", "serial", "not_before", "expires", "settings"})


class DocumentRefused(SourceFailed):
    """A policy that is not taken; the text says why, in words."""


@dataclass(frozen=True, slots=True)
class Document:
    """One signed policy. ``not_before`` and ``expires`` have a zone."""

    organisation: str
    serial: int
    not_before: datetime
    expires: datetime
    settings: Mapping[str, object]

    def payload(self) -> bytes:
        """Its octets, as they are signed."""
        said = {
            "format": FORMAT,
            "organisation": self.organisation,
            "serial": self.serial,
            "not_before": self.not_before.isoformat(),
            "expires": self.expires.isoformat(),
            "settings": dict(self.settings),
        }
        return json.dumps(said, ensure_ascii=False, indent=1).encode()

    def signed(self, key: SigningKey) -> bytes:
        """The signed file."""
        return key.sign(CONTEXT, self.payload())


def open_document(octets: bytes, keys: Iterable[PublicKey], organisation: str) -> Document:
    """Read a signed file: its size first, then whose it is, and only then what it says. Raises SourceFailed.

    Without an ``organisation`` any is taken.
    """
    if len(octets) > MOST_OCTETS:
        raise DocumentRefused(f"the signed policy is larger than {MOST_OCTETS // 1024} KiB")
    document = read_payload(verified(octets, CONTEXT, keys))
    if organisation and document.organisation != organisation:
        raise DocumentRefused("the signed policy is another organisation's")
    return document


def read_payload(payload: bytes) -> Document:
    """Read what was signed. Raises DocumentRefused."""
    try:
        said = json.loads(payload.decode(), object_pairs_hook=_once)
        document = _document(said)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DocumentRefused(f"the signed policy cannot be read ({type(error).__name__})") from error
    return document


def check_time(document: Document, now: datetime) -> None:
    """Refuse one that does not hold yet, or no longer. Raises DocumentRefused."""
    if document.not_before - SLACK > now:
        raise DocumentRefused(f"the signed policy holds only from {document.not_before:%Y-%m-%d %H:%M %Z} on")
    if document.expires <= now:
        raise DocumentRefused(f"the signed policy expired {document.expires:%Y-%m-%d %H:%M %Z}")


def _document(said: object) -> Document:
    if not isinstance(said, dict) or set(said) != _NAMES or said["format"] != FORMAT:
        raise ValueError("not a policy of this format")
    organisation, serial, settings = said["organisation"], said["serial"], said["settings"]
    if not isinstance(organisation, str) or not organisation:
        raise ValueError("no organisation")
    if isinstance(serial, bool) or not isinstance(serial, int) or not 0 < serial <= MOST_SERIAL:
        raise ValueError("no serial")
    if not isinstance(settings, dict):
        raise TypeError("no settings")
    not_before, expires = _moment(said["not_before"]), _moment(said["expires"])
    if expires <= not_before:
        raise ValueError("it expires before it begins")
    return Document(organisation, serial, not_before, expires, MappingProxyType(settings))


def _moment(said: str) -> datetime:
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found
