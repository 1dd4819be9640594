"""``sendguard policy``: what IT decided on this computer, and the files by which IT decides."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from sendguard.cli.signed_policy import COMMANDS
from sendguard.cli.words import errors_in_words

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
WRONG = 1
FORMATS = {
    "json": "A policy file of Linux.",
    "schema": "The JSON Schema of such files.",
    "mobileconfig": "A configuration profile of macOS.",
    "plist": "The bare property list that Jamf and Intune take.",
    "manifest": "The manifest from which profile editors make a form.",
    "admx": "The administrative template of Windows.",
    "adml": "Its texts, in --language.",
    "oma-uri": "The rows of a custom profile in Intune: address, tab, value.",
}
"""What ``export`` writes, and what each is."""


@click.group()
def policy() -> None:
    """Show which settings are in force and who decided them; check and export what IT deploys."""


@policy.command()
@click.option("--all", "everything", is_flag=True, help="Every setting, also those with the value that is built in.")
@AS_JSON
def show(everything: bool, as_json: bool) -> None:
    """Show each setting: its value, who decided it, what that overrides, and what is wrong.

    Keys and codes are masked. JSON always has every setting.
    """
    from sendguard.bootstrap.policies import in_force, shown
    from sendguard.settings.report import report

    with errors_in_words():
        resolution = in_force()
        if as_json:
            click.echo(json.dumps(report(resolution), ensure_ascii=False))
            return
        for line in shown(resolution, everything=everything):
            click.echo(line)


@policy.command()
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
def check(files: Sequence[Path]) -> None:
    """Check files before they are deployed: a line for each thing wrong, and exit status 1.

    FILE is a policy file of Linux (one in a folder named recommended is a recommendation), a property list or profile
    of macOS (.plist, .mobileconfig), or the payload of a signed policy.
    """
    from sendguard.bootstrap.policies import check_files

    with errors_in_words():
        problems = check_files(files)
    for line in problems:
        click.echo(line)
    sys.exit(WRONG if problems else 0)


def _formats(command: Callable[..., Any]) -> Callable[..., Any]:
    """A flag a format."""
    for name, words in reversed(FORMATS.items()):
        command = click.option(f"--{name}", "what", flag_value=name, help=words)(command)
    return command


@policy.command()
@_formats
@click.option("--from", "sources", type=FILE, multiple=True, metavar="FILE", help="The policy to put into that format.")
@click.option("--language", type=click.Choice(["en", "de"]), default="en", show_default=True, help="Of the texts.")
@click.option("-o", "--output", type=FILE, help="The file to write, if not to standard output.")
@click.option("--all", "folder", type=FOLDER, help="Write all templates and examples into a folder.")
def export(what: str | None, sources: Sequence[Path], language: str, output: Path | None, folder: Path | None) -> None:
    """Print a policy in one of the formats: that of --from FILE (more than one are put together), or an example."""
    from sendguard.bootstrap.policy_files import EXAMPLE, exported, policy_of, write_templates

    if (what is None) == (folder is None):
        raise click.UsageError("Name one format, as --json, or a folder with --all.")
    with errors_in_words():
        if folder is not None:
            for path in write_templates(folder):
                click.echo(path)
            return
        octets = exported(str(what), policy_of(sources) if sources else EXAMPLE, language)
        if output is None:
            click.echo(octets, nl=False)
            return
        try:
            output.write_bytes(octets)
        except OSError as error:
            raise click.UsageError(f"{output} cannot be written: {error.strerror}.") from error


for command in COMMANDS:
    policy.add_command(command)
