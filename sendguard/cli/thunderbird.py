"""``sendguard thunderbird``: the add-on and what it is reached by."""

import json
import sys
from pathlib import Path

import click

from sendguard.cli.words import errors_in_words


@click.group()
def thunderbird() -> None:
    """The add-on for Thunderbird, and the host through which it finds SendGuard."""


@thunderbird.command()
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Put the add-on's file there as well."
)
def install(folder: Path | None) -> None:
    """Let Thunderbird find SendGuard, and write the add-on's file.

    Then install the file in Thunderbird: Add-ons and Themes, the wheel, Install Add-on From File. IT installs it by
    policy instead: see packaging/thunderbird.
    """
    from sendguard.bootstrap.thunderbird import install_host

    with errors_in_words():
        status, addon = install_host(folder)
    click.echo(f"Thunderbird finds SendGuard by {status.manifest}.")
    click.echo(f"The add-on is {addon}. In Thunderbird: Add-ons and Themes, the wheel, Install Add-on From File.")


@thunderbird.command()
def remove() -> None:
    """Take away what install wrote. An add-on that stays in Thunderbird then sends nothing: remove it there."""
    from sendguard.bootstrap.thunderbird import remove_host

    with errors_in_words():
        remove_host()
    click.echo(
        "Thunderbird does not find SendGuard any more. Remove the add-on in Thunderbird as well: it sends nothing."
    )


@thunderbird.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def status(as_json: bool) -> None:
    """Say whether Thunderbird finds SendGuard. Exit status 1 when it does not."""
    from sendguard.bootstrap.thunderbird import host_report

    found = host_report()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in found["lines"]:
            click.echo(line)
    sys.exit(0 if found["working"] else 1)
