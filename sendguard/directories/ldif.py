"""A directory written into a file: LDIF (RFC 2849), as slapcat, ldapsearch and ldifde write it."""

from collections.abc import Iterable
from pathlib import Path

from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft
from sendguard.directories.ldap.entries import Entries
from sendguard.directories.ldap.names import is_under, key, parent
from sendguard.directories.ldif_reader import LdifReader, LdifUnreadable

__all__ = ["LdifCrawl", "LdifUnreadable"]


class LdifCrawl:
    """An ``audience.crawl.Crawl`` over a file, ``.ldif`` or ``.ldif.gz``; read in one pass, whatever its size.

    A list that is a rule is of unknown size, unless the file holds its members. ``domains`` are the mail domains the
    directory is complete for.
    """

    name = "directory"

    def __init__(self, path: Path, domains: Iterable[str] = ()) -> None:
        self._path = path
        self._domains = tuple(domains)

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say everything. Raises LdifUnreadable, whose message names the file and the line."""
        entries = Entries(draft)
        units: set[str] = set()
        with LdifReader(self._path, progress) as reader:
            for entry in reader:
                if entries.say(entry).unit:
                    units.add(key(entry.dn))
        elsewhere = [key(base) for base in reader.references]
        draft.speaks_for(domain.strip().lstrip("@").lower() for domain in self._domains)
        # Only where the unit around it was written, whole subtrees were: else a missing member may be a list.
        entries.finish(lambda name: parent(name) in units and not is_under(name, elsewhere))
