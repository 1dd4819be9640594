"""The desktop's end of a published directory: an offer is checked, fetched, checked again, and put in force.

The index in force is the file ``directory-<sequence>.index`` with the highest number. A new one gets a name of its own
and only once it is complete, checked and synced; whoever has the old one open goes on reading it (Windows lets nobody
replace a file that is mapped).
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

from sendguard.audience.crawl import Progress, Unwatched
from sendguard.audience.index.delta import apply_delta
from sendguard.audience.index.header import IndexRefused
from sendguard.audience.index.reader import Index
from sendguard.audience.source import SourceFailed
from sendguard.directories.durable import Busy, only_one, remove, remove_unfinished
from sendguard.directories.feed_state import FeedState, Outcome, health
from sendguard.directories.manifest import CAP, CONTEXT, FILE, Manifest, Packed, read_manifest
from sendguard.directories.packing import Unpackable, unpack
from sendguard.files import write_whole
from sendguard.published.download import discard, fetch_file, fetch_small
from sendguard.published.signing import PublicKey, verified
from sendguard.published.web import DownloadFailed, Web

CLOCKS_DIFFER = timedelta(hours=1)
"""How far a directory may have been made in this computer's future."""
SPARE = 64 * 1024 * 1024
"""Octets that must stay free on the disk."""
_INDEX = re.compile(r"directory-([1-9]\d{0,9})\.index")


class FeedRefused(SourceFailed):
    """What the feed offers must not be put in force, and why."""


class WrongFile(SourceFailed):
    """A file is not the one that was signed."""


class Feed:
    """One feed at ``url`` (a folder), pinned to its name and to the keys that may sign it.

    ``folder`` may be shared by several feeds: each keeps its files in a folder of its own in it. One refresh at a time;
    other processes may read the index in force at any time.
    """

    def __init__(
        self,
        url: str,
        public_keys: Iterable[PublicKey],
        folder: Path,
        *,
        name: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        web: Web | None = None,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._url = url.rstrip("/") + "/"
        self._keys = tuple(public_keys)
        self._name = name
        self.folder = folder / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._state_file = self.folder / "feed.json"
        self._now = now
        self._web = web or Web()
        self._free = free

    def current(self) -> Path | None:
        """The index in force, by its name alone: for whoever opens it, and to see whether there is a newer one."""
        return next(iter(self._indexes()), (0, None))[1]

    def outcome(self, why: str = "", *, went_well: bool = False, changed: bool = False) -> Outcome:
        """How it stands, without asking anybody."""
        state = FeedState.load(self._state_file)
        sequence, path = next(iter(self._indexes()), (0, None))
        known = state if state.floor == sequence else FeedState()
        checked_at = state.checked_at if sequence else None
        how = health(went_well, sequence, known.expires, self._now())
        return Outcome(how, path, sequence, known.made_at, known.expires, checked_at, changed, why)

    def refresh(self, progress: Progress | None = None) -> Outcome:
        """See whether there is a newer index, and put it in force. Whatever fails is told, and changes nothing."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with only_one(self.folder / "feed.lock"):
                remove_unfinished(self.folder)
                return self._refresh(progress or Unwatched())
        except Busy:
            return self.outcome("another SendGuard is fetching the directory just now")
        except OSError as error:
            return self.outcome(f"the directory cannot be kept on this computer: {error.strerror}")

    def close(self) -> None:
        """End a refresh that is under way, at once, and every later one."""
        self._web.close()

    def _refresh(self, progress: Progress) -> Outcome:
        state = FeedState.load(self._state_file)
        retry_after = None
        try:
            changed = self._check(state, progress)
        except SourceFailed as error:
            why = str(error)
            retry_after = error.retry_after if isinstance(error, DownloadFailed) else None
        else:
            return self.outcome(went_well=True, changed=changed)
        replace(state, tried_at=self._now()).save(self._state_file)
        return replace(self.outcome(why), retry_after=retry_after)

    def _check(self, state: FeedState, progress: Progress) -> bool:
        """Whether there is a new index in force now. Raises SourceFailed, OSError."""
        index = self._in_force()
        sequence = index.header.sequence if index is not None else 0
        keys = ",".join(sorted(key.id for key in self._keys))
        etag = state.etag if state.floor == sequence and state.keys == keys else ""
        answer = fetch_small(self._url + FILE, CAP, etag or None, web=self._web)
        if answer.body is None:
            self._clear({f"directory-{sequence}.index"})
            replace(state, tried_at=self._now(), checked_at=self._now()).save(self._state_file)
            return False
        manifest = read_manifest(verified(answer.body, CONTEXT, self._keys))
        self._check_offer(manifest, state, index)
        self._clear({packed + ending for packed in manifest.files() for ending in (".part", ".part.etag")})
        if manifest.sequence > sequence:
            octets = self._octets(manifest, index, progress)
            write_whole(self.folder / f"directory-{manifest.sequence}.index", octets)
        now = self._now()
        FeedState(
            manifest.sequence, manifest.index_sha256, answer.etag or "", keys,
            manifest.made_at, manifest.expires, now, now,
        ).save(self._state_file)  # fmt: skip
        # The one before stays until the next check: somebody may be about to open it.
        self._clear({f"directory-{number}.index" for number in (sequence, manifest.sequence)})
        return manifest.sequence > sequence

    def _check_offer(self, manifest: Manifest, state: FeedState, index: Index | None) -> None:
        if manifest.feed != self._name:
            raise FeedRefused("this is the directory of somebody else")
        sequence = index.header.sequence if index is not None else 0
        if manifest.sequence < max(state.floor, sequence):
            raise FeedRefused("the directory that is offered is older than the one this computer has had")
        known = state.sha256 if manifest.sequence == state.floor else ""
        if index is not None and manifest.sequence == sequence:
            known = _sha256(index.body.octets)
        if known and known != manifest.index_sha256:
            raise FeedRefused("two different directories are offered under the same number")
        if manifest.made_at > self._now() + CLOCKS_DIFFER:
            raise FeedRefused("the directory that is offered is from the future. Check this computer's clock")
        if manifest.expires <= self._now():
            raise FeedRefused("the directory that is offered has expired; IT has to publish it anew")

    def _octets(self, manifest: Manifest, index: Index | None, progress: Progress) -> bytes:
        """The offered index, by its deltas where they are the shorter way, checked to the last octet."""
        chain = manifest.chain_from(index.header.sequence) if index is not None else ()
        if index is not None and chain and sum(delta.size for delta in chain) < manifest.snapshot.size:
            try:
                octets = b""
                for delta in chain:
                    octets = apply_delta(index, self._file(delta, manifest.snapshot.unpacked, progress))
                    index = Index.of(octets)
                return _checked(octets, manifest)
            except (WrongFile, Unpackable, IndexRefused, FeedRefused):
                pass  # the snapshot is another way to the same index
            except DownloadFailed as error:
                if error.status is None or error.status >= 500:
                    raise
        return _checked(self._file(manifest.snapshot, manifest.snapshot.unpacked, progress), manifest)

    def _file(self, packed: Packed, room: int, progress: Progress) -> bytes:
        """A file of the feed, fetched, checked and unpacked."""
        part = self.folder / f"{packed.file}.part"
        if self._free(self.folder) < packed.size + room + SPARE:
            raise FeedRefused(f"too little room on the disk: {(packed.size + room + SPARE) >> 20} MB are needed")
        for _ in range(2):
            gone_on_with = part.exists()
            fetch_file(urljoin(self._url, packed.file), part, packed.size, web=self._web, progress=progress)
            octets = part.read_bytes()
            if _sha256(octets) == packed.sha256:
                return unpack(octets, packed.unpacked)
            discard(part)
            if not gone_on_with:
                break
        raise WrongFile(f"{packed.file} is not the file that was signed")

    def _in_force(self) -> Index | None:
        """The index in force, every octet of it checked."""
        for sequence, path in self._indexes():
            try:
                index = Index.open(path)
                index.verify()
            except IndexRefused:
                continue
            if index.header.sequence == sequence:
                return index
        return None

    def _indexes(self) -> list[tuple[int, Path]]:
        """The complete indexes that are here, the newest first."""
        if not self.folder.is_dir():
            return []
        found = [(_INDEX.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return sorted(((int(name[1]), path) for name, path in found if name), reverse=True)

    def _clear(self, needed: set[str]) -> None:
        """Remove what is left of earlier offers; an index only once another one is in force."""
        in_force = any(_INDEX.fullmatch(name) for name in needed)
        for path in self.folder.iterdir():
            old = in_force and _INDEX.fullmatch(path.name)
            if path.name not in needed and (old or path.name.endswith((".part", ".part.etag"))):
                remove(path)


def _checked(octets: bytes, manifest: Manifest) -> bytes:
    if _sha256(octets) != manifest.index_sha256:
        raise WrongFile("the index is not the one that was signed")
    index = Index.of(octets)
    index.verify()
    if (index.header.sequence, index.header.made_at) != (manifest.sequence, manifest.made_at):
        raise FeedRefused("the index is not the one its manifest speaks of")
    return octets


def _sha256(octets: bytes | memoryview) -> str:
    return hashlib.sha256(octets).hexdigest()
