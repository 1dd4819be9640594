"""What a feed offers: one signed page that names its files, their sizes and their digests."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sendguard.audience.source import SourceFailed

CONTEXT = "sendguard-directory-1"
"""What a signature on a manifest is for."""
FORMAT = 1
FILE = "manifest"
CAP = 64 * 1024
"""The most octets a manifest may have, signature included; one with seven deltas has some 2,500."""
LARGEST = 1 << 30
"""The most octets any file of a feed may have, unpacked: thirty times the size of a nation's."""
CHAIN = 7
"""So many deltas are kept: one a day, so that a desktop that was off for a week needs no snapshot."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestRefused(SourceFailed):
    """A manifest, properly signed, that this program cannot use."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A file as it is served, with its size and SHA-256, and how many octets it has unpacked."""

    file: str
    size: int
    sha256: str
    unpacked: int


@dataclass(frozen=True, slots=True)
class Delta(Packed):
    """Leads from the index of one sequence number to that of another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """``sequence`` and ``made_at`` are those of the index; ``index_sha256`` is that of its whole file, unpacked.

    ``deltas`` form a chain: each begins where the one before it ends, the last one ends at ``sequence``.
    """

    feed: str
    sequence: int
    made_at: datetime
    expires: datetime
    snapshot: Packed
    index_sha256: str
    deltas: tuple[Delta, ...] = ()

    def octets(self) -> bytes:
        """The canonical form: JSON with sorted keys, no spaces, ASCII only."""
        said = asdict(self) | {"format": FORMAT, "made_at": _text(self.made_at), "expires": _text(self.expires)}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")

    def files(self) -> frozenset[str]:
        """The names of all files it offers."""
        return frozenset({self.snapshot.file, *(delta.file for delta in self.deltas)})

    def chain_from(self, sequence: int) -> tuple[Delta, ...]:
        """The deltas that lead from that index to the offered one, in their order; none where none do."""
        for at, delta in enumerate(self.deltas):
            if delta.start == sequence:
                return self.deltas[at:]
        return ()


def snapshot_name(sequence: int) -> str:
    """What a snapshot's file is called."""
    return f"snapshot-{sequence}.zst"


def delta_name(start: int, end: int) -> str:
    """What a delta's file is called."""
    return f"delta-{start}-{end}.zst"


def read_manifest(octets: bytes) -> Manifest:
    """Read a manifest whose signature was checked. Raises ManifestRefused.

    A file's name is never taken from it: it must be the name that such a file has.
    """
    try:
        said = json.loads(octets.decode("ascii"))
        if said["format"] != FORMAT:
            raise ManifestRefused("it has a format this SendGuard does not know. Update SendGuard")
        manifest = Manifest(
            _str(said["feed"]),
            _number(said["sequence"]),
            _moment(said["made_at"]),
            _moment(said["expires"]),
            _packed(said["snapshot"], snapshot_name(said["sequence"])),
            _digest(said["index_sha256"]),
            tuple(map(_delta, said["deltas"])),
        )
        _check_chain(manifest)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ManifestRefused(f"its manifest cannot be understood ({type(error).__name__})") from error
    return manifest


def _packed(said: Any, name: str) -> Packed:
    if said["file"] != name:
        raise ValueError(name)
    return Packed(name, _number(said["size"]), _digest(said["sha256"]), _number(said["unpacked"]))


def _delta(said: Any) -> Delta:
    start, end = _number(said["start"]), _number(said["end"])
    packed = _packed(said, delta_name(start, end))
    return Delta(packed.file, packed.size, packed.sha256, packed.unpacked, start, end)


def _check_chain(manifest: Manifest) -> None:
    ends = [delta.end for delta in manifest.deltas]
    starts = [delta.start for delta in manifest.deltas]
    if len(ends) > CHAIN or starts[1:] != ends[:-1] or ends[-1:] not in ([], [manifest.sequence]):
        raise ValueError(ends)
    if any(start >= end for start, end in zip(starts, ends, strict=True)):
        raise ValueError(ends)


def _str(said: Any) -> str:
    if not isinstance(said, str) or not 0 < len(said) <= 200:
        raise ValueError(said)
    return said


def _number(said: Any) -> int:
    """A size or a sequence number: whole, above 0. A sequence grows by one a build, a size is bounded by LARGEST."""
    if type(said) is not int or not 0 < said <= LARGEST:
        raise ValueError(said)
    return said


def _digest(said: Any) -> str:
    if not isinstance(said, str) or not _SHA256.fullmatch(said):
        raise ValueError(said)
    return said


def _moment(said: Any) -> datetime:
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError(said)
    return moment.astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
