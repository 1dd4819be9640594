"""``sendguard directory``: IT's work with the directory that every desktop counts with."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sendguard.cli.words import errors_in_words

FILE = click.Path(path_type=Path, dir_okay=False, exists=True, readable=True)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
WARNED, INTERRUPTED = 1, 130


def _limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is worth a warning."""
    options = (
        click.option("--factor", default=3.0, show_default=True, help="Warn of a list that grew by this factor …"),
        click.option("--by", default=100, show_default=True, help="… and by at least so many people."),
        click.option("--share", default=25, show_default=True, help="Warn of one that newly reaches so many per cent."),
        click.option("--known", multiple=True, metavar="PATTERN", help="A list that may be as large as it likes."),
        click.option("--strict", is_flag=True, help="Where there is a warning, fail."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def directory() -> None:
    """Build the organisation's directory, look at it, and publish it for every desktop."""


@directory.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("-o", "--output", type=NEW_FILE, required=True, help="The index to write; gone on from where it exists.")
@click.option("--counts", is_flag=True, help="Sizes and nesting only, no person in it: unions are upper bounds.")
@click.option("--previous", type=FILE, help="The index to go on from, if not the output.")
@click.option("--domain", "domains", multiple=True, help="A domain the sources are complete for; *.example.org too.")
@click.option("--name", default="directory", show_default=True, help="What the source is called in the index.")
@click.option("--base", "bases", multiple=True, metavar="DN", help="LDAP: read below this name only.")
@click.option("--user", default="", help="LDAP: whom to bind as. Mailman: the REST user.")
@click.option("--password-file", type=FILE, help="Its password, in a file. Else $SENDGUARD_PASSWORD, else asked for.")
@click.option("--ca", type=FILE, help="Certificates (PEM) to trust, if not the system's.")
@click.option("--starttls", is_flag=True, help="LDAP: StartTLS also on this computer.")
@click.option("--plain", is_flag=True, help="Talk to another computer without encryption. Shows the password to all.")
@click.option("--rosters", is_flag=True, help="Mailman: read who is in each list, where that is public.")
def build(
    sources: Sequence[str],
    output: Path,
    counts: bool,
    previous: Path | None,
    domains: Sequence[str],
    name: str,
    bases: Sequence[str],
    user: str,
    password_file: Path | None,
    ca: Path | None,
    starttls: bool,
    plain: bool,
    rosters: bool,
) -> None:
    """Read sources and write one index file.

    SOURCE is a folder with members.csv, sizes.csv, aliases.csv and domains.csv; an LDIF export (.ldif, .ldif.gz); a
    server, ldaps://ldap.example.org/dc=example,dc=org; Mailman 3, mailman+https://lists.example.org:8001; a file of
    sizes (.csv, .json, or its https:// address); a Thunderbird profile. Several are put together.
    """
    from sendguard.bootstrap.publishing import build_index
    from sendguard.directories.sources import Access
    from sendguard.terminal.progress import TerminalProgress

    access = Access(
        user, _password(user, password_file), tuple(bases), tuple(domains), ca, plain, starttls, rosters
    )  # fmt: skip
    with errors_in_words(), _interruptible(f"Nothing was written: {output} is as it was."), TerminalProgress() as seen:
        index = build_index(sources, output, access, counts=counts, source=name, before=previous, progress=seen)
    header = index.header
    click.echo(
        f"{output}: sequence {header.sequence}, {header.people:,} people, {header.lists:,} lists ({header.mode.value})"
    )


@directory.command()
@click.argument("file", type=FILE)
@AS_JSON
def info(file: Path, as_json: bool) -> None:
    """Show what an index says of itself, and its largest lists. Every octet of it is checked."""
    from sendguard.bootstrap.publishing import open_index
    from sendguard.terminal.tables import facts_of, show_index

    with errors_in_words():
        index = open_index(file)
    if as_json:
        click.echo(json.dumps(facts_of(index.header, file.stat().st_size), ensure_ascii=False))
    else:
        show_index(index, file.stat().st_size)


@directory.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--all", "everything", is_flag=True, help="Every list that changed, not only the 40 that grew most.")
@_limits
def diff(
    old: Path, new: Path, everything: bool, factor: float, by: int, share: int, known: Sequence[str], strict: bool
) -> None:
    """Show who joined and left, which lists are new, gone, grown; and warn of what deserves a look.

    Exit status 1 with --strict and a warning.
    """
    from sendguard.audience.index.compare import Limits
    from sendguard.bootstrap.publishing import compare_indexes
    from sendguard.terminal.tables import show_comparison

    with errors_in_words():
        found, warned = compare_indexes(old, new, Limits(factor, by, share / 100, tuple(known)))
    show_comparison(found, warned, everything=everything)
    sys.exit(WARNED if strict and warned else 0)


@directory.command()
@click.argument("folder", type=FOLDER)
@click.option("--index", type=FILE, required=True, help="The index to publish.")
@click.option("--key", type=FILE, required=True, help="The private key to sign with (see keygen).")
@click.option("--feed", default="directory", show_default=True, help="The name desktops expect.")
@click.option("--valid", default=14, show_default=True, help="Days after which desktops say that it is too old.")
@click.option("--former-key", "former", multiple=True, metavar="PUBLIC", help="A public key it was signed with before.")
@_limits
def publish(
    folder: Path,
    index: Path,
    key: Path,
    feed: str,
    valid: int,
    former: Sequence[str],
    factor: float,
    by: int,
    share: int,
    known: Sequence[str],
    strict: bool,
) -> None:
    """Put an index into FOLDER: static files that any web server can serve to every desktop.

    Warnings are shown before anything goes out; with --strict nothing does then, and the exit status is 2.
    """
    from sendguard.audience.index.compare import Limits
    from sendguard.bootstrap.publishing import publish_index
    from sendguard.terminal.progress import TerminalProgress
    from sendguard.terminal.tables import warning

    limits = Limits(factor, by, share / 100, tuple(known))
    with errors_in_words(), _interruptible("What was published before is still in force."), TerminalProgress() as seen:
        done = publish_index(
            index, folder, key, feed=feed, valid_days=valid, former_keys=former, limits=limits, strict=strict,
            say=warning, progress=seen,
        )  # fmt: skip
    for each in done.warnings:
        click.echo(f"warning: {each}")
    manifest = done.manifest
    what = "published" if done.changed else "was published already"
    click.echo(f"sequence {manifest.sequence} {what}: snapshot {manifest.snapshot.size:,} octets")
    for delta in manifest.deltas:
        click.echo(f"  changes since {delta.start}: {delta.size:,} octets")


@directory.command()
@click.argument("url")
@click.option("--key", "keys", multiple=True, required=True, metavar="PUBLIC", help="A public key to trust (keygen).")
@click.option("--feed", default="directory", show_default=True, help="The name it was published under.")
@click.option("--folder", type=FOLDER, help="Where to keep it. Default: where SendGuard on this computer looks.")
@click.option("--ca", type=FILE, help="Certificates (PEM) to trust beside the system's.")
def fetch(url: str, keys: Sequence[str], feed: str, folder: Path | None, ca: Path | None) -> None:
    """Fetch the directory published at URL, as every desktop does by itself. Exit status 1 when it was not got."""
    from sendguard.bootstrap.publishing import fetch_index
    from sendguard.storage.places import Places
    from sendguard.terminal.progress import TerminalProgress

    place = folder or Places.of_this_user().directory
    with errors_in_words(), _interruptible("The directory in force is as it was."), TerminalProgress() as seen:
        outcome = fetch_index(url, keys, place, feed=feed, ca_file=ca, progress=seen)
    if outcome.path is not None:
        said = "new" if outcome.changed else "there already"
        click.echo(f"{outcome.path}: sequence {outcome.sequence}, {said}, {outcome.health.value}")
    if outcome.why:
        click.echo(f"Not fetched: {outcome.why}.", err=True)
        sys.exit(1)


@directory.command()
@click.argument("file", type=NEW_FILE)
def keygen(file: Path) -> None:
    """Make a key that signs what is published: FILE stays with you, the line printed goes to every desktop."""
    from sendguard.bootstrap.publishing import make_key

    with errors_in_words():
        click.echo(make_key(file))


def _password(user: str, file: Path | None) -> str:
    if file is not None:
        return file.read_text("utf-8").rstrip("\r\n")
    given = os.environ.get("SENDGUARD_PASSWORD", "")
    if user and not given and sys.stdin.isatty():
        return str(click.prompt(f"Password of {user}", hide_input=True, err=True))
    return given


@contextmanager
def _interruptible(said: str) -> Iterator[None]:
    """Ctrl-C ends with a sentence."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"Interrupted. {said}", err=True)
        sys.exit(INTERRUPTED)
