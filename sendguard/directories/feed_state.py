"""What a desktop remembers of a feed, and what it tells of it."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sendguard.files import write_whole
from sendguard.published.updater import Rhythm


class Health(StrEnum):
    """How far the directory on this computer is to be trusted."""

    FRESH = "fresh"
    """The last check went well, and what is here has not expired."""
    STALE = "stale"
    """What is here has not expired, but the last check failed."""
    EXPIRED = "expired"
    """What is here is older than IT said it may become."""
    FAILED = "failed"
    """Nothing is here."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh came to. ``path`` is the index in force, None where there is none; ``sequence`` is then 0.

    ``why`` says what failed, in words, and is empty where nothing did. ``checked_at`` is when a check went well last.
    ``retry_after``: the seconds the server wants to be left alone.
    """

    health: Health
    path: Path | None = None
    sequence: int = 0
    made_at: datetime | None = None
    expires: datetime | None = None
    checked_at: datetime | None = None
    changed: bool = False
    why: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class FeedState:
    """``floor`` is the highest sequence number ever in force here, ``sha256`` that index's: it outlives its file.

    ``etag`` belongs to the manifest of that index, ``keys`` are those that were trusted then. ``checked_at`` and
    ``tried_at`` are the last check that went well, and the last one at all.
    """

    floor: int = 0
    sha256: str = ""
    etag: str = ""
    keys: str = ""
    made_at: datetime | None = None
    expires: datetime | None = None
    checked_at: datetime | None = None
    tried_at: datetime | None = None

    @classmethod
    def load(cls, path: Path) -> "FeedState":
        """What was saved; what cannot be read was never saved. The floor is then that of the index in force."""
        try:
            said = json.loads(path.read_bytes())
            sha256, etag, keys = (str(said[name]) for name in ("sha256", "etag", "keys"))
            times = (_moment(said[name]) for name in ("made_at", "expires", "checked_at", "tried_at"))
            return cls(int(said["floor"]), sha256, etag, keys, *times)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return cls()

    def save(self, path: Path) -> None:
        """Write it whole. Raises OSError."""
        write_whole(path, json.dumps(asdict(self), default=datetime.isoformat).encode("ascii"))


SOON = 60.0
"""Seconds within which a desktop that has no directory yet asks first."""
MISSED = 3600.0
"""Seconds over which those spread who were off when they should have asked."""
AGAIN = 300.0
"""Seconds until the first try after one that failed; doubled each time, up to the interval."""
SPREAD = 0.1
"""The interval is taken so much longer or shorter, by chance."""


def rhythm(interval: float) -> Rhythm:
    """When a desktop asks for a newer directory, every ``interval`` seconds."""
    return Rhythm(interval, SPREAD, SPREAD, SOON, MISSED, AGAIN, most=interval)


def health(went_well: bool, sequence: int, expires: datetime | None, now: datetime) -> Health:
    """How it stands; an index of which nobody knows when it expires counts as stale until the next good check."""
    if not sequence:
        return Health.FAILED
    if expires is not None and now >= expires:
        return Health.EXPIRED
    return Health.FRESH if went_well and expires is not None else Health.STALE


def _moment(said: Any) -> datetime | None:
    if said is None:
        return None
    moment = datetime.fromisoformat(said)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
