"""Opening a directory by its path: a folder of CSV files, an LDIF export, a file of sizes, an index, or downloads."""

from pathlib import Path

from sendguard.directories.folder import FILES, FolderCrawl
from sendguard.directories.index_file import PATTERN, IndexDirectory
from sendguard.directories.kept import KeptDirectory
from sendguard.directories.sources import LDIF, SIZES


def directory_at(path: Path) -> KeptDirectory | IndexDirectory:
    """The directory at a path, not read yet: whether it can be read is told when it is."""
    if path.is_dir() and (any(path.glob(PATTERN)) and not any((path / name).exists() for name in FILES)):
        return IndexDirectory(path)
    if path.is_dir():
        crawl = FolderCrawl(path)
        return KeptDirectory(crawl, crawl.files)
    if path.name.endswith(LDIF):
        from sendguard.directories.ldif import LdifCrawl

        return KeptDirectory(LdifCrawl(path), lambda: (path,))
    if path.suffix in SIZES:
        from sendguard.directories.size_file import SizeFileCrawl

        return KeptDirectory(SizeFileCrawl(str(path)), lambda: (path,))
    return IndexDirectory(path)
