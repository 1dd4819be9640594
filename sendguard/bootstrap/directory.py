"""The directory a running SendGuard counts with: one that lies on this computer, or the one IT publishes."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.audience.index.header import Header
from sendguard.audience.source import Source, SourceFailed
from sendguard.audience.taught import read_taught
from sendguard.settings.values import Values

if TYPE_CHECKING:
    from sendguard.directories.feed_state import Outcome
    from sendguard.directories.index_file import IndexDirectory
    from sendguard.directories.kept import KeptDirectory
    from sendguard.published.updater import Updater

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the directory stands. ``header`` is None before it was read; ``trouble`` is a code, or empty."""

    header: Header | None = None
    expires: datetime | None = None
    trouble: str = ""


class Directory:
    """The sources of sizes under some settings. ``trouble`` is told a code when something about them is wrong."""

    def __init__(
        self,
        values: Values,
        fixed: Source | None,
        folder: Path,
        trouble: Callable[[str], None],
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.sources: list[Source] = [read_taught(values.lines("KnownLists"))]
        self.standing: Standing | None = None
        self._tell = trouble
        self._chance = chance
        self._local: KeptDirectory | IndexDirectory | None = None
        self._updater: Updater[Outcome] | None = None
        self._lock = threading.Lock()
        if fixed is not None:
            self.sources.append(fixed)
        elif values.text("DirectoryAddress"):
            self._follow(values, folder)
        elif values.text("Directory"):
            from sendguard.directories.opening import directory_at

            self._use(directory_at(Path(values.text("Directory"))))

    def start(self) -> None:
        """Read the directory before the first message wants it, and fetch newer ones from now on."""
        if self._local is not None and self.standing is not None:
            threading.Thread(
                target=self._read, args=(None, self.standing.trouble), name="directory", daemon=True
            ).start()
        if self._updater is not None:
            self._updater.start()

    def stop(self) -> None:
        """End the fetching."""
        if self._updater is not None:
            self._updater.stop()

    def _use(self, found: "KeptDirectory | IndexDirectory") -> None:
        self._local = found
        self.standing = Standing()
        self.sources.append(found)

    def _follow(self, values: Values, folder: Path) -> None:
        from sendguard.directories.feed_process import FeedProcess
        from sendguard.directories.feed_state import rhythm
        from sendguard.directories.index_file import IndexDirectory
        from sendguard.published.signing import KeyUnusable, PublicKey
        from sendguard.published.updater import Updater

        try:
            keys = [PublicKey.read(line) for line in values.lines("DirectoryKeys")]
        except KeyUnusable:
            keys = []
        feed = FeedProcess(values.text("DirectoryAddress"), keys, folder, name=values.text("DirectoryName"))
        self._use(IndexDirectory(feed.folder))
        if keys:
            often = rhythm(values.number("DirectoryHours") * 3600.0)
            self._updater = Updater(feed, often, self._fetched, chance=self._chance)
        else:
            self._say(Standing(trouble="directory_keys"))

    def _fetched(self, outcome: "Outcome") -> None:
        from sendguard.directories.feed_state import Health

        if outcome.why:
            log.warning("no newer directory was fetched: %s", outcome.why)
        trouble = {Health.EXPIRED: "directory_expired", Health.FAILED: "directory_missing"}.get(outcome.health, "")
        if outcome.health is Health.FAILED and not outcome.why:
            trouble = ""  # the first try has not been made yet
        self._read(outcome.expires, trouble or ("directory_not_fetched" if outcome.why else ""))

    def _read(self, expires: datetime | None = None, trouble: str = "") -> None:
        """Open what is in force now; what is read before it is needed is there when it is."""
        if self._local is None:
            return
        with self._lock:
            expires = expires or (self.standing.expires if self.standing else None)
            try:
                index = self._local.load()
                index.body.prefault()
                self._say(Standing(index.header, expires, trouble))
            except SourceFailed as error:
                waits = self._updater is not None and not trouble
                if not waits:
                    log.warning("the directory cannot be read: %s", error)
                self._say(Standing(None, expires, "" if waits else trouble or "directory"))

    def _say(self, standing: Standing) -> None:
        known, self.standing = self.standing, standing
        if standing.trouble and (known is None or known.trouble != standing.trouble):
            self._tell(standing.trouble)
