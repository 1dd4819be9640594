"""What a person names a source of a directory by, and the crawl that reads it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sendguard.audience.crawl import Crawl
from sendguard.audience.source import SourceFailed
from sendguard.directories.folder import FILES, FolderCrawl
from sendguard.directories.kept import made_at, stamp_of

LDIF = (".ldif", ".ldif.gz")
SIZES = (".csv", ".json")
EXAMPLES = (
    "a folder, staff.ldif, sizes.csv, ldaps://ldap.example.org/dc=example,dc=org, mailman+https://lists.example.org"
)


@dataclass(frozen=True, slots=True)
class Access:
    """What a source may need beside its name. ``plain`` permits a password without encryption to another computer."""

    user: str = ""
    password: str = field(default="", repr=False)
    bases: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    ca_file: Path | None = None
    plain: bool = False
    starttls: bool = False
    rosters: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A crawl, when what it says was true (None: when it is read), and its place in the order of reading."""

    crawl: Crawl
    as_of: datetime | None
    order: int


def named(places: Iterable[str], access: Access) -> list[Named]:
    """The crawls of some sources, in the order in which they have to be read: who knows most of people comes first.

    Raises SourceFailed for a name that is none, and for a source whose files are not there.
    """
    return sorted((_named(place, access) for place in places), key=lambda source: source.order)


def _named(place: str, access: Access) -> Named:
    scheme = urlsplit(place).scheme.lower() if "://" in place else ""
    if scheme in ("ldap", "ldaps"):
        return Named(_ldap(place, access), None, 0)
    if scheme in ("mailman+https", "mailman+http"):
        from sendguard.directories.mailman import MailmanCrawl

        url = place.removeprefix("mailman+")
        mailman = MailmanCrawl(
            url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/3.1", access.user, access.password,
            rosters=access.rosters, domains=access.domains, plain=access.plain, ca_file=access.ca_file,
        )  # fmt: skip
        return Named(mailman, None, 2)
    if scheme in ("https", "http"):
        return Named(_sizes(place, access), None, 1)
    if scheme:
        raise SourceFailed(f"{scheme}:// is no source of a directory; name {EXAMPLES}")
    return _on_disk(Path(place), access)


def _on_disk(path: Path, access: Access) -> Named:
    if path.is_dir() and any(path.glob("abook*.sqlite")) and not any((path / name).exists() for name in FILES):
        from sendguard.directories.thunderbird_books import AddressBookCrawl

        return Named(AddressBookCrawl(path), None, 3)
    if path.is_dir():
        folder = FolderCrawl(path)
        return Named(folder, made_at(stamp_of(folder.files())), 0)
    as_of = made_at(stamp_of((path,)))
    if path.name.endswith(LDIF):
        from sendguard.directories.ldif import LdifCrawl

        return Named(LdifCrawl(path, access.domains), as_of, 0)
    if path.suffix in SIZES:
        return Named(_sizes(str(path), access), as_of, 1)
    raise SourceFailed(f"{path.name} is no source of a directory; name {EXAMPLES}")


def _sizes(place: str, access: Access) -> Crawl:
    from sendguard.directories.size_file import SizeFileCrawl
    from sendguard.published.web import Web

    return SizeFileCrawl(place, web=Web(ca_file=access.ca_file))


def _ldap(place: str, access: Access) -> Crawl:
    from sendguard.directories.ldap.crawl import LdapCrawl
    from sendguard.directories.ldap.session import Login, Terms

    parts = urlsplit(place)
    base = unquote(parts.path.strip("/"))
    return LdapCrawl(
        f"{parts.scheme}://{parts.netloc}",
        (*((base,) if base else ()), *access.bases),
        Login(access.user, access.password) if access.user else None,
        terms=Terms(ca_file=access.ca_file, plain=access.plain, starttls=access.starttls),
        domains=access.domains,
    )


def oldest(sources: Iterable[Named], now: datetime) -> datetime:
    """When all of what the sources say was true."""
    return min((source.as_of or now for source in sources), default=now).astimezone(UTC)
