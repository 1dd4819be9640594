"""A directory as an index file, or as the folder a download keeps the newest one in."""

import threading
from pathlib import Path

from sendguard.audience.index.answer import reach
from sendguard.audience.index.header import IndexRefused
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query, Reach

PATTERN = "directory-*.index"
"""The names of downloaded indexes; the one with the highest sequence is in force."""


class IndexDirectory:
    """An ``audience.source.Source`` over one index file, opened when first asked, and again when another is there.

    A file in use is never changed: a new one takes its place under its name, or under a higher sequence beside it.
    """

    name = "directory"
    instant = False
    """The file may lie on a disk that sleeps or a share that has gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: tuple[tuple[Path, int, int], Index] | None = None
        self._lock = threading.Lock()

    @property
    def domains(self) -> frozenset[str]:
        """The organisation's domains, as of the file in use."""
        return frozenset(self._open[1].header.domains) if self._open is not None else frozenset()

    def reach(self, query: Query) -> Reach:
        """Answer from the file. Raises IndexRefused."""
        return reach(self.load(), query, self.name)

    def load(self) -> Index:
        """The index in force now. Raises IndexRefused."""
        with self._lock:
            path = newest(self._path)
            try:
                status = path.stat()
            except OSError as error:
                raise IndexRefused("unreadable", f"the index cannot be read: {error.strerror}") from error
            stamp = (path, status.st_mtime_ns, status.st_ino)
            if self._open is None or self._open[0] != stamp:
                self._open = None
                self._open = (stamp, Index.open(path))
            return self._open[1]


def newest(path: Path) -> Path:
    """The file itself, or the index with the highest sequence in a folder. Raises IndexRefused for an empty folder."""
    if not path.is_dir():
        return path
    found = [(int(number), each) for each in path.glob(PATTERN) if (number := each.stem.rpartition("-")[2]).isdecimal()]
    if not found:
        raise IndexRefused("unreadable", "no directory was downloaded yet")
    return max(found)[1]
