"""The audit read again: shown, searched for a list, and exported; and what the history comes to."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from sendguard.bootstrap.audit import key_of, pseudonym_of
from sendguard.bootstrap.once import WrongInput, settings_here
from sendguard.files import write_whole
from sendguard.guard.audit import AuditLine, from_json
from sendguard.guard.hindsight import LOOKS_BACK, Hindsight, hindsight
from sendguard.guard.ledger import Ledger, LedgerFailed
from sendguard.mail.address import normalise
from sendguard.settings.values import Values
from sendguard.storage.audit import AuditFolder
from sendguard.storage.database import Database
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places
from sendguard.wording.catalogue import here_and_now


def hindsight_of(ledger: Ledger, values: Values, now: datetime) -> Hindsight:
    """What the last 30 days came to, or as many as the history is kept for. Raises LedgerFailed."""
    looks_back = min(LOOKS_BACK, timedelta(days=values.number("HistoryDays")))
    return hindsight(ledger.received_since(now - looks_back), now, looks_back)


def hindsight_here() -> Hindsight:
    """The same for this user. Raises WrongInput where the ledger cannot be read."""
    ledger = Places.of_this_user().ledger
    try:
        if not ledger.exists():
            return hindsight((), here_and_now())
        database = Database(ledger)
        try:
            return hindsight_of(SqliteLedger(database), settings_here().values, here_and_now())
        finally:
            database.close()
    except LedgerFailed as error:
        raise WrongInput(f"The history in {ledger} cannot be read ({error}). Nothing was changed.") from error


class AuditTrail:
    """The lines in one person's folder. What is no line is passed over."""

    def __init__(self, places: Places) -> None:
        self._folder = AuditFolder(places.audit)

    def octets(self, first: date | None = None, last: date | None = None) -> Iterator[bytes]:
        """The lines of those days as they were written, the oldest first. Raises OSError."""
        return (octets for octets in self._folder.lines(first, last) if from_json(octets) is not None)

    def latest(self, most: int) -> tuple[AuditLine, ...]:
        """The latest lines, the newest first. Raises OSError."""
        return tuple(line for octets in self._folder.latest(most) if (line := from_json(octets)) is not None)

    def export(self, place: Path, first: date | None = None, last: date | None = None) -> int:
        """Write those days' lines into a file for this user only, whole or not at all; returns how many.

        Raises OSError.
        """
        lines = [octets + b"\n" for octets in self.octets(first, last)]
        write_whole(place, b"".join(lines))
        return len(lines)


def trail_here() -> AuditTrail:
    """The audit of this user."""
    return AuditTrail(Places.of_this_user())


def list_id(address: str, key: bytes | None = None) -> str:
    """The id of a list in the audit: under the organisation's key given, or the one in force here. Raises OSError."""
    if key is None:
        key = key_of(settings_here().values, Places.of_this_user().make())
    return pseudonym_of(key)(normalise(address))
