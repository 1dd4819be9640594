"""Putting an index into a folder of static files that any web server can serve to every desktop.

The manifest is the last file to be written: until then nothing a desktop can see has changed, so a publish that is
killed at any moment is simply done again. Files are removed one publish later than the manifest stops naming them,
for desktops that are still at the one before.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sendguard.audience.crawl import Progress, Unwatched
from sendguard.audience.index.delta import NoDelta, apply_delta, make_delta
from sendguard.audience.index.header import IndexRefused
from sendguard.audience.index.reader import Index
from sendguard.audience.source import SourceFailed
from sendguard.directories.durable import Busy, only_one, remove, remove_unfinished
from sendguard.directories.manifest import (
    CHAIN,
    CONTEXT,
    FILE,
    LARGEST,
    Delta,
    Manifest,
    Packed,
    delta_name,
    read_manifest,
    snapshot_name,
)
from sendguard.directories.packing import LEVEL, pack, unpack
from sendguard.files import PUBLIC, write_whole
from sendguard.published.signing import PublicKey, SigningKey, verified

VALID = timedelta(days=14)
"""How long desktops take a published index for current, if nobody says otherwise."""
WORTH = 0.5
"""A delta larger than this share of the snapshot is not published."""
_OURS = re.compile(r"(snapshot-\d+|delta-\d+-\d+)\.zst")

Warnings = Callable[[Index | None, Index], Sequence[str]]
"""What IT should know before the new index goes out, in sentences; the index before is None the first time."""


class PublishRefused(Exception):
    """Nothing was published; the message says why and what to do. ``warnings`` are those that stood in the way."""

    def __init__(self, why: str, warnings: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.warnings = tuple(warnings)


@dataclass(frozen=True, slots=True)
class Published:
    """What lies in the folder now. ``changed`` is False where this very index was there already."""

    manifest: Manifest
    changed: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Before:
    """What was published last: its manifest, and its index as octets."""

    manifest: Manifest
    octets: bytes


def publish(
    index_path: Path,
    folder: Path,
    key: SigningKey,
    *,
    feed: str,
    now: datetime,
    valid: timedelta = VALID,
    former_keys: Iterable[PublicKey] = (),
    warnings: Warnings | None = None,
    strict: bool = False,
    level: int = LEVEL,
    progress: Progress | None = None,
) -> Published:
    """Publish an index. Raises PublishRefused, OSError; what was published before is then still in force.

    ``feed`` is the name desktops expect. ``former_keys`` are accepted on what is in the folder already: what was
    signed with a key nobody names is not carried on. ``strict`` refuses where there are warnings. Takes some ten
    seconds for a nation, most of it at the compression ``level``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with only_one(folder / ".publish.lock"):
            remove_unfinished(folder)
            work = _Publisher(folder, key, feed, level, progress or Unwatched())
            return work.publish(index_path, now + valid, (key.public, *former_keys), warnings, strict)
    except Busy:
        raise PublishRefused("Another publish into this folder is under way. Wait for it to end.") from None


class _Publisher:
    def __init__(self, folder: Path, key: SigningKey, feed: str, level: int, progress: Progress) -> None:
        self._folder = folder
        self._key = key
        self._feed = feed
        self._level = level
        self._progress = progress

    def publish(
        self,
        index_path: Path,
        expires: datetime,
        keys: Sequence[PublicKey],
        warnings: Warnings | None,
        strict: bool,
    ) -> Published:
        octets, index = _checked(index_path)
        before = self._before(keys)
        if before is not None:
            self._check_order(before, octets, index)
            if before.octets == octets:
                return Published(before.manifest, changed=False)
        said = tuple(warnings(Index.of(before.octets) if before is not None else None, index)) if warnings else ()
        if strict and said:
            raise PublishRefused("Nothing was published, because there are warnings.", said)
        manifest = self._write_files(octets, index, before, expires)
        write_whole(self._folder / FILE, self._key.sign(CONTEXT, manifest.octets()), PUBLIC)
        self._clear(manifest.files() | (before.manifest.files() if before is not None else frozenset()))
        return Published(manifest, warnings=said)

    def _before(self, keys: Sequence[PublicKey]) -> _Before | None:
        try:
            signed = (self._folder / FILE).read_bytes()
        except FileNotFoundError:
            return None
        try:
            manifest = read_manifest(verified(signed, CONTEXT, keys))
            packed = (self._folder / manifest.snapshot.file).read_bytes()
            octets = unpack(packed, manifest.snapshot.unpacked)
            if _sha256(octets) != manifest.index_sha256:
                raise PublishRefused(f"The published {manifest.snapshot.file} was changed. {_START_OVER}")
        except SourceFailed as error:
            raise PublishRefused(
                f"What is published in this folder cannot be gone on with: {error}. {_START_OVER}"
            ) from error
        except FileNotFoundError as error:
            raise PublishRefused(f"The published snapshot is missing. {_START_OVER}") from error
        return _Before(manifest, octets)

    def _check_order(self, before: _Before, octets: bytes, index: Index) -> None:
        if before.manifest.feed != self._feed:
            raise PublishRefused(
                f"This folder is the feed “{before.manifest.feed}”, not “{self._feed}”. Desktops would refuse it."
            )
        new, old = index.header.sequence, before.manifest.sequence
        if new < old or (new == old and octets != before.octets):
            raise PublishRefused(
                f"The index has number {new}, but number {old} is published, and desktops never go back. "
                "Build the index with the published one as the one before."
            )

    def _write_files(self, octets: bytes, index: Index, before: _Before | None, expires: datetime) -> Manifest:
        sequence = index.header.sequence
        snapshot = self._write(snapshot_name(sequence), octets)
        deltas: tuple[Delta, ...] = ()
        if before is not None:
            delta = self._delta(before, octets, snapshot.size)
            deltas = (*before.manifest.deltas, delta)[-CHAIN:] if delta is not None else ()
        made_at = index.header.made_at.astimezone(UTC)
        return Manifest(self._feed, sequence, made_at, expires.astimezone(UTC), snapshot, _sha256(octets), deltas)

    def _delta(self, before: _Before, octets: bytes, snapshot_size: int) -> Delta | None:
        """The way from the index before, if it leads to these very octets and is worth it."""
        old, new = Index.of(before.octets), Index.of(octets)
        try:
            changes = make_delta(old, new)
            if apply_delta(old, changes) != octets:
                return None
        except (NoDelta, IndexRefused):
            return None
        packed = pack(changes, self._level)
        if len(packed) > WORTH * snapshot_size:
            return None
        start, end = old.header.sequence, new.header.sequence
        written = self._write(delta_name(start, end), changes, packed)
        return Delta(written.file, written.size, written.sha256, written.unpacked, start, end)

    def _write(self, name: str, octets: bytes, packed: bytes | None = None) -> Packed:
        self._progress.begin(name, len(octets), "B")
        packed = packed if packed is not None else pack(octets, self._level)
        if unpack(packed, len(octets)) != octets:
            raise PublishRefused(f"{name} does not come out of its compression as it went in. Nothing was published.")
        write_whole(self._folder / name, packed, PUBLIC)
        self._progress.advance(len(octets))
        return Packed(name, len(packed), _sha256(packed), len(octets))

    def _clear(self, needed: frozenset[str]) -> None:
        for path in self._folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in needed:
                remove(path)


_START_OVER = (
    "To start over, empty the folder and publish an index with a higher number: "
    "every desktop then gets the whole snapshot once."
)


def _checked(path: Path) -> tuple[bytes, Index]:
    try:
        octets = path.read_bytes()
        index = Index.of(octets)
        index.verify()
    except OSError as error:
        raise PublishRefused(f"{path} cannot be read: {error.strerror}.") from error
    except IndexRefused as error:
        raise PublishRefused(f"{path} cannot be published: {error}.") from error
    if len(octets) > LARGEST:
        raise PublishRefused(f"{path} has more than {LARGEST} octets; desktops would refuse it.")
    return octets, index


def _sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
