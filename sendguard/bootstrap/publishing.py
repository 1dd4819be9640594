"""IT's work with a directory: build it, look at it, compare it, publish it, fetch it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.audience.crawl import Progress
from sendguard.audience.draft import Draft
from sendguard.audience.index.build import build
from sendguard.audience.index.compare import Comparison, Limits, Noticed, compare, warnings
from sendguard.audience.index.header import IndexRefused, Mode
from sendguard.audience.index.reader import Index
from sendguard.audience.source import SourceFailed
from sendguard.bootstrap.once import WrongInput
from sendguard.directories.sources import Access, named, oldest
from sendguard.files import PUBLIC, write_whole

if TYPE_CHECKING:
    from sendguard.directories.feed_state import Outcome
    from sendguard.directories.publisher import Published

Say = Callable[[Noticed], str]


def build_index(
    places: Sequence[str],
    output: Path,
    access: Access,
    *,
    counts: bool,
    source: str,
    before: Path | None,
    progress: Progress,
) -> Index:
    """Read sources and write an index, whole or not at all. Raises WrongInput.

    ``before`` is the index to go on from, the output itself where it is there already.
    """
    with _in_words():
        sources = named(places, access)
        earlier = before or (output if output.exists() else None)
        old = open_index(earlier) if earlier is not None else None
        draft = Draft()
        draft.speaks_for(domain.strip().lstrip("@").lower() for domain in access.domains)
        as_of = oldest(sources, datetime.now(UTC))
        for each in sources:
            each.crawl.read(draft, progress)
        mode = Mode.COUNTS if counts else Mode.EXACT
        progress.begin("index", None, "")
        octets = build(draft, source=source, made_at=as_of, new_key=os.urandom, mode=mode, before=old)
        write_whole(output, octets, PUBLIC)
        return Index.of(octets)


def open_index(path: Path) -> Index:
    """Open an index and check every octet of it. Raises WrongInput."""
    try:
        index = Index.open(path)
        index.verify()
    except IndexRefused as error:
        raise WrongInput(f"{path} cannot be used: {error}.") from error
    return index


def compare_indexes(old: Path, new: Path, limits: Limits) -> tuple[Comparison, tuple[Noticed, ...]]:
    """What changed, and what of it deserves a look. Raises WrongInput."""
    found = compare(open_index(old), open_index(new))
    return found, tuple(warnings(found, limits))


def publish_index(
    index: Path,
    folder: Path,
    key: Path,
    *,
    feed: str,
    valid_days: int,
    former_keys: Sequence[str],
    limits: Limits,
    strict: bool,
    say: Say,
    progress: Progress,
) -> "Published":
    """Put an index into a folder any web server can serve. Raises WrongInput; then nothing was published."""
    from sendguard.directories.publisher import PublishRefused, publish
    from sendguard.published.signing import PublicKey, SigningKey

    def noticed(old: Index | None, new: Index) -> list[str]:
        return [say(each) for each in warnings(compare(old, new), limits)]

    with _in_words():
        try:
            return publish(
                index, folder, SigningKey.load(key), feed=feed, now=datetime.now(UTC), valid=timedelta(days=valid_days),
                former_keys=[PublicKey.read(line) for line in former_keys], warnings=noticed, strict=strict,
                progress=progress,
            )  # fmt: skip
        except PublishRefused as error:
            raise WrongInput("\n".join([str(error), *(f"  - {each}" for each in error.warnings)])) from error


def fetch_index(url: str, keys: Sequence[str], folder: Path, *, feed: str, ca_file: Path | None,
                progress: Progress) -> "Outcome":  # fmt: skip
    """Fetch what is published, now. Raises WrongInput for what was typed; what the server does is in the outcome."""
    from sendguard.directories.feed import Feed
    from sendguard.published.signing import PublicKey
    from sendguard.published.web import Web

    with _in_words():
        trusted = [PublicKey.read(line) for line in keys]
        return Feed(url, trusted, folder, name=feed, web=Web(ca_file=ca_file)).refresh(progress)


def make_key(path: Path) -> str:
    """Make a signing key in a new file, and return the line desktops are given. Raises WrongInput."""
    from sendguard.published.signing import SigningKey

    with _in_words():
        return str(SigningKey.make(path).public)


@contextmanager
def _in_words() -> Iterator[None]:
    from sendguard.published.signing import KeyUnusable

    try:
        yield
    except SourceFailed as error:
        raise WrongInput(f"The directory could not be read: {error}.") from error
    except KeyUnusable as error:
        raise WrongInput(str(error)) from error
    except OSError as error:
        raise WrongInput(f"{error.filename or 'A file'} cannot be written: {error.strerror}.") from error
