"""A directory that is read whole and kept in memory: read again when its files change."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sendguard.audience.crawl import Crawl, Unwatched
from sendguard.audience.draft import Draft
from sendguard.audience.index.answer import reach
from sendguard.audience.index.build import build
from sendguard.audience.index.reader import Index
from sendguard.audience.source import Query, Reach, SourceFailed

Stamp = tuple[tuple[Path, int, int], ...]
"""Each file with the time of its last change, in nanoseconds, and its length."""


class KeptDirectory:
    """An ``audience.source.Source`` that answers from an index of what a crawl says."""

    name = "directory"
    instant = False
    """It may have to read its files anew."""

    def __init__(self, crawl: Crawl, files: Callable[[], tuple[Path, ...]]) -> None:
        self._crawl = crawl
        self._files = files
        self._stamp: Stamp | None = None
        self._index: Index | None = None
        self._reading = threading.Lock()

    @property
    def domains(self) -> frozenset[str]:
        """The domains it speaks for, as of the last reading."""
        return frozenset(self._index.header.domains) if self._index is not None else frozenset()

    def reach(self, query: Query) -> Reach:
        """Answer from the files; raises SourceFailed."""
        return reach(self.load(), query, self.name)

    def load(self) -> Index:
        """Read the files where that is needed. Raises SourceFailed."""
        with self._reading:
            stamp = stamp_of(self._files())
            if self._index is None or stamp != self._stamp:
                self._index = None
                draft = Draft()
                self._crawl.read(draft, Unwatched())
                self._index = Index.of(build(draft, source=self.name, made_at=made_at(stamp), new_key=os.urandom))
                self._stamp = stamp
            return self._index


def stamp_of(files: tuple[Path, ...]) -> Stamp:
    """When each file was changed last. Raises SourceFailed for one that cannot be looked at."""
    found = []
    for path in files:
        try:
            status = path.stat()
        except OSError as error:
            raise SourceFailed(f"{path.name}: {error.strerror}") from error
        found.append((path, status.st_mtime_ns, status.st_size))
    return tuple(found)


def made_at(stamp: Stamp) -> datetime:
    """When the newest of the files was changed."""
    return datetime.fromtimestamp(max(time for _, time, _ in stamp) / 1e9, UTC)
