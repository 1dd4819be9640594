"""Sizes somebody wrote down, in a file or on a web server: the least a directory can be."""

from pathlib import Path

from sendguard.audience.audience import Seen
from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft
from sendguard.directories.size_rows import SizeFileUnreadable, read_sizes
from sendguard.published.download import fetch_small
from sendguard.published.web import Web, shown

MAX_OCTETS = 64 * 1024 * 1024
"""A million lists."""


class SizeFileCrawl:
    """An ``audience.crawl.Crawl`` over one file of sizes, CSV or JSON, in UTF-8.

    ``location`` is a path, or an address beginning with ``https://`` (on this computer ``http://`` as well).

    CSV, with commas or semicolons: list, people, as_of. A first line of column names may be there; then the columns
    may stand in any order, and others among them are not looked at. ``as_of`` is a date or a time in ISO 8601, and
    may be empty or left out. ::

        list,people,as_of
        all@nhs.test,850112,2016-11-14

    JSON: an object of addresses and numbers, or an array of objects; ``hidden`` says that the members of a list must
    not be published. ::

        {"all@nhs.test": 850112}
        [{"list": "all@nhs.test", "people": 850112, "as_of": "2016-11-14T08:29:00Z", "hidden": true}]
    """

    def __init__(self, location: str, *, web: Web | None = None) -> None:
        self._location = location
        self._web = web
        self._is_remote = location.lower().startswith(("https://", "http://"))

    @property
    def name(self) -> str:
        """Where it comes from: the file's name, or the address without what could be a secret in it."""
        return shown(self._location) if self._is_remote else Path(self._location).name

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say every size. Raises SizeFileUnreadable, or DownloadFailed; then nothing of the file was said."""
        sizes = list(read_sizes(self._octets(), self.name))
        progress.begin(self.name, len(sizes), "lists")
        for size in sizes:
            draft.group(size.address, (size.address,), hidden=size.hidden, size=Seen(size.people, size.at))
            progress.advance(1)

    def _octets(self) -> bytes:
        if self._is_remote:
            return fetch_small(self._location, MAX_OCTETS, web=self._web).body or b""
        try:
            with Path(self._location).open("rb") as file:
                octets = file.read(MAX_OCTETS + 1)
        except OSError as error:
            raise SizeFileUnreadable(f"{self.name}: {error.strerror}") from error
        except ValueError:
            raise SizeFileUnreadable(f"{self.name}: this is not the name of a file") from None
        if len(octets) > MAX_OCTETS:
            raise SizeFileUnreadable(f"{self.name} is larger than the {MAX_OCTETS} octets that are allowed")
        return octets
