"""The signed policy on this desktop: fetched from where IT publishes it, kept, and never gone back from."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sendguard.audience.source import SourceFailed
from sendguard.files import write_whole
from sendguard.published.download import fetch_small
from sendguard.published.signing import PublicKey
from sendguard.published.updater import Rhythm
from sendguard.published.web import DownloadFailed, Patience, Web
from sendguard.remote.document import MOST_OCTETS, Document, DocumentRefused, check_time, open_document

PATIENCE = Patience(connect=10.0, read=10.0, whole=30.0)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose policy is taken: machine policy says it, and nothing else does. ``floor`` is the lowest serial taken."""

    address: str
    keys: tuple[PublicKey, ...]
    organisation: str
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to. ``document`` is the policy in force here, None where there is none.

    ``why`` says what failed, in words; ``refused`` is set where what was published, or kept, was not to be believed.
    """

    document: Document | None = None
    checked_at: datetime | None = None
    why: str = ""
    refused: bool = False
    retry_after: float | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether the policy in force is older than IT said it may become. What it tightened stays."""
        return self.document is not None and self.document.expires <= now


@dataclass(frozen=True, slots=True)
class _State:
    """``floor`` is the highest serial that ever was in force here; ``etag`` belongs to the file that is kept."""

    floor: int = 0
    etag: str = ""
    checked_at: str = ""

    @classmethod
    def load(cls, path: Path) -> "_State":
        """What was saved; what cannot be read was never saved."""
        try:
            said = json.loads(path.read_bytes())
            state = cls(int(said["floor"]), str(said["etag"]), str(said["checked_at"]))
            _moment(state.checked_at)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return cls()
        return state


class PolicyFeed:
    """``published.updater.Fetching``. Whatever fails is told and changes nothing."""

    def __init__(
        self,
        trust: Trust,
        folder: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        web: Web | None = None,
    ) -> None:
        self._trust = trust
        self._now = now
        self._web = web or Web(patience=PATIENCE)
        self._folder = folder
        self._kept = folder / "policy.signed"
        self._state_file = folder / "policy.json"

    def outcome(self, why: str = "") -> Outcome:
        """How it stands, without asking anybody: what is kept is believed as little as what is fetched."""
        state = _State.load(self._state_file)
        try:
            document = self._opened(self._kept.read_bytes(), self._trust.floor)
        except FileNotFoundError:
            return Outcome(why=why)
        except (OSError, SourceFailed) as error:
            return Outcome(why=why or f"the signed policy on this computer: {error}", refused=True)
        return Outcome(document, _moment(state.checked_at), why)

    def refresh(self) -> Outcome:
        """See whether there is a newer policy, and keep it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check()
        except DownloadFailed as error:
            return replace(self.outcome(str(error)), retry_after=error.retry_after)
        except SourceFailed as error:
            return replace(self.outcome(str(error)), refused=True)
        except OSError as error:
            return self.outcome(f"the signed policy cannot be kept on this computer: {error.strerror}")
        return self.outcome()

    def close(self) -> None:
        """End a refresh that is under way, at once, and every later one."""
        self._web.close()

    def _check(self) -> None:
        state = _State.load(self._state_file)
        kept = self.outcome()
        answer = fetch_small(
            self._trust.address, MOST_OCTETS, state.etag if kept.document and state.etag else None, web=self._web
        )
        if answer.body is not None:
            floor = max(self._trust.floor, state.floor, kept.document.serial if kept.document else 0)
            document = self._opened(answer.body, floor)
            check_time(document, self._now())
            if kept.document is not None and document.serial == kept.document.serial and document != kept.document:
                raise DocumentRefused("two signed policies bear one serial number")
            write_whole(self._kept, answer.body)
            state = replace(state, floor=document.serial, etag=answer.etag or "")
        elif kept.document is not None:
            check_time(kept.document, self._now())
        state = replace(state, checked_at=self._now().isoformat())
        write_whole(self._state_file, json.dumps(asdict(state)).encode("ascii"))

    def _opened(self, octets: bytes, floor: int) -> Document:
        document = open_document(octets, self._trust.keys, self._trust.organisation)
        if document.serial < floor:
            raise DocumentRefused("the signed policy is older than one that was in force here")
        return document


def rhythm(interval: float) -> Rhythm:
    """When a desktop asks for a newer policy: after ``interval`` seconds at the latest, while the server answers."""
    return Rhythm(interval, early=0.2, late=0.0, soon=2.0, missed=2.0, again=interval, most=4 * interval)


def _moment(said: str) -> datetime | None:
    moment = datetime.fromisoformat(said) if said else None
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment


def keys_of(lines: Iterable[str]) -> tuple[PublicKey, ...]:
    """The keys of a setting's lines. Raises KeyUnusable."""
    return tuple(PublicKey.read(line) for line in lines)
