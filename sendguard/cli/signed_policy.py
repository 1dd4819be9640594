"""``sendguard policy keygen``, ``sign``, ``block``, ``unblock``, ``verify`` and ``code``: the signed policy."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sendguard.cli.words import errors_in_words

if TYPE_CHECKING:
    from sendguard.remote.document import Document

FILE = click.Path(path_type=Path, dir_okay=False, exists=True, readable=True)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)


def _signing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of whatever signs: ``output``, and what ``Wanted`` holds."""
    options = (
        click.option("--key", type=FILE, required=True, help="The private key to sign with (see keygen)."),
        click.option("--organisation", default="", help="Whose policy it is. Default: as in the output, if it exists."),
        click.option("-o", "--output", type=NEW_FILE, required=True, help="The signed policy, for any web server."),
        click.option("--days", default=30, show_default=True, help="Days after which it counts as out of date."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("file", type=NEW_FILE)
def keygen(file: Path) -> None:
    """Make a key that signs policies: FILE stays with you, the line printed goes to every desktop (PolicyKeys)."""
    from sendguard.bootstrap.publishing import make_key

    with errors_in_words():
        click.echo(make_key(file))


@click.command()
@click.argument("settings", type=FILE)
@_signing
@click.option("--serial", type=click.IntRange(1, 4_294_967_295), help="Its number. Default: the seconds since 1970.")
def sign(settings: Path, output: Path, **wanted: Any) -> None:
    """Sign the settings in SETTINGS (a JSON object, as in a file of policies). It can only tighten.

    A desktop takes it at its next look, goes back to no lower serial number, and keeps what was tightened when it
    has expired.
    """
    from sendguard.bootstrap.policy_signing import Wanted, sign_policy
    from sendguard.wording.catalogue import here_and_now

    with errors_in_words():
        _say(output, sign_policy(settings, Wanted(**wanted), output, here_and_now()))


@click.command()
@click.argument("pattern")
@click.option("--message", default="", help="What people are shown who want to write to it.")
@click.option("--hours", type=click.IntRange(1), help="Hours after which the block ends by itself.")
@click.option("--conversation", is_flag=True, help="PATTERN is a Message-ID: block every answer in its conversation.")
@_signing
def block(pattern: str, message: str, hours: int | None, conversation: bool, output: Path, **wanted: Any) -> None:
    """Block a list on every desktop: add PATTERN to the signed policy in the output, and sign it anew."""
    from sendguard.bootstrap.policy_signing import Wanted
    from sendguard.bootstrap.policy_signing import block as add
    from sendguard.wording.catalogue import here_and_now

    now = here_and_now()
    until = f"until={(now + timedelta(hours=hours)).isoformat(timespec='minutes')}" if hours else ""
    rule = " | ".join(filter(None, (pattern, message, until)))
    name = "BlockedThreads" if conversation else "BlockedLists"
    with errors_in_words():
        _say(output, add(rule, Wanted(**wanted), output, now, name=name))


@click.command()
@click.argument("pattern")
@_signing
def unblock(pattern: str, output: Path, **wanted: Any) -> None:
    """Take PATTERN, a list or a conversation, out of the signed policy in the output, and sign it anew."""
    from sendguard.bootstrap.policy_signing import Wanted
    from sendguard.bootstrap.policy_signing import unblock as take_out
    from sendguard.wording.catalogue import here_and_now

    with errors_in_words():
        _say(output, take_out(pattern, Wanted(**wanted), output, here_and_now()))


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", "keys", multiple=True, required=True, metavar="PUBLIC", help="A public key to trust.")
@click.option("--organisation", default="", help="Whose policy it must be.")
def verify(file: Path, keys: Sequence[str], organisation: str) -> None:
    """Open the signed policy in FILE as a desktop would, and print it. Exit status 2 when it is not to be believed."""
    from sendguard.bootstrap.policy_signing import verify_policy

    with errors_in_words():
        document = verify_policy(file, keys, organisation)
    click.echo(document.payload().decode())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def code(as_json: bool) -> None:
    """Make an override code that lifts a rule for one message: the code is for a person, the digest for the rule."""
    from sendguard.bootstrap.policy_signing import make_code

    made, digest = make_code()
    if as_json:
        click.echo(json.dumps({"code": made, "digest": digest}))
    else:
        click.echo(f"tell the person:    {made}\nput into the rule:  | code={digest}")


def _say(output: Path, document: "Document") -> None:
    click.echo(f"{output}: serial {document.serial}, current until {document.expires:%Y-%m-%d %H:%M %z}")


COMMANDS = (keygen, sign, block, unblock, verify, code)
