"""The directory a running SendGuard counts with: one that lies on this computer, or the one IT publishes."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.audience.source import Source, SourceFailed
from sendguard.audience.taught import read_taught
from sendguard.settings.values import Values

if TYPE_CHECKING:
    from sendguard.directories.index_file import IndexDirectory
    from sendguard.directories.kept import KeptDirectory

log = logging.getLogger(__name__)


class Directory:
    """The sources of sizes under some settings. ``trouble`` is told a code when one of them cannot be read."""

    def __init__(self, values: Values, fixed: Source | None, trouble: Callable[[str], None]) -> None:
        self.sources: list[Source] = [read_taught(values.lines("KnownLists"))]
        self._trouble = trouble
        self._local: KeptDirectory | IndexDirectory | None = None
        if fixed is not None:
            self.sources.append(fixed)
        elif values.text("Directory"):
            self._open(Path(values.text("Directory")))

    def preload(self) -> None:
        """Read the directory before the first message wants it: until then its lists are of unknown size."""
        if self._local is not None:
            threading.Thread(target=self._read, name="directory", daemon=True).start()

    def _open(self, path: Path) -> None:
        from sendguard.directories.opening import directory_at

        self._local = directory_at(path)
        self.sources.append(self._local)

    def _read(self) -> None:
        if self._local is None:
            return
        try:
            self._local.load().body.prefault()
        except SourceFailed as error:
            log.warning("the directory cannot be read: %s", error)
            self._trouble("directory")
