"""``sendguard policy keygen``, ``sign``, ``verify`` and ``code``: the policy that reaches every desktop in minutes."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from sendguard.cli.words import errors_in_words

FILE = click.Path(path_type=Path, dir_okay=False, exists=True, readable=True)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=NEW_FILE)
def keygen(file: Path) -> None:
    """Make a key that signs policies: FILE stays with you, the line printed goes to every desktop (PolicyKeys)."""
    from sendguard.bootstrap.publishing import make_key

    with errors_in_words():
        click.echo(make_key(file))


@click.command()
@click.argument("settings", type=FILE)
@click.option("--key", type=FILE, required=True, help="The private key to sign with (see keygen).")
@click.option("--organisation", required=True, help="Whose policy it is, as the desktops' PolicyOrganisation says.")
@click.option("-o", "--output", type=NEW_FILE, required=True, help="Where to write it; put it on any web server.")
@click.option("--days", default=30, show_default=True, help="Days after which desktops say that it is out of date.")
@click.option("--serial", type=click.IntRange(1, 4_294_967_295), help="Its number. Default: the seconds since 1970.")
def sign(settings: Path, key: Path, organisation: str, output: Path, days: int, serial: int | None) -> None:
    """Sign the settings in SETTINGS (a JSON object, as in a file of policies). It can only tighten.

    A desktop takes it at its next look, goes back to no lower serial number, and keeps what was tightened when it
    has expired.
    """
    from sendguard.bootstrap.policy_signing import Wanted, sign_policy
    from sendguard.wording.catalogue import here_and_now

    with errors_in_words():
        document = sign_policy(Wanted(settings, organisation, days, serial), key, output, here_and_now())
    click.echo(f"{output}: serial {document.serial}, holds until {document.expires:%Y-%m-%d %H:%M %z}")


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


COMMANDS = (keygen, sign, verify, code)
