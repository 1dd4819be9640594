"""``sendguard audit`` and ``sendguard history``: what was decided, for IT and for who decided it."""

import json
import sys
from datetime import date, datetime
from pathlib import Path

import click

from sendguard.cli.words import errors_in_words

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
DAY = click.DateTime(["%Y-%m-%d"])
FIRST = click.option("--from", "first", type=DAY, help="Not before this day.")
LAST = click.option("--to", "last", type=DAY, help="Not after this day.")


@click.group()
def audit() -> None:
    """Look at the audit of this user, export it, and find a list in it."""


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@FIRST
@LAST
def export(file: Path, first: datetime | None, last: datetime | None) -> None:
    """Write the audit into FILE, JSON lines; - is the standard output.

    docs/audit.md says what each field holds.
    """
    from sendguard.bootstrap.audit_reading import trail_here

    with errors_in_words():
        try:
            if str(file) == "-":
                for octets in trail_here().octets(_day(first), _day(last)):
                    click.echo(octets)
                return
            written = trail_here().export(file, _day(first), _day(last))
        except OSError as error:
            raise click.UsageError(f"Not exported: {error.strerror}. {file} is as it was.") from error
    click.echo(f"{written} lines in {file}")


@audit.command()
@FIRST
@LAST
@click.option("--last", "most", default=40, show_default=True, help="The latest so many lines.", metavar="N")
@AS_JSON
def show(first: datetime | None, last: datetime | None, most: int, as_json: bool) -> None:
    """Show the latest lines, the newest last."""
    from sendguard.bootstrap.audit_reading import trail_here
    from sendguard.bootstrap.once import sentences
    from sendguard.guard.audit import from_json

    with errors_in_words():
        try:
            lines = list(trail_here().octets(_day(first), _day(last)))[-max(1, most) :]
        except OSError as error:
            raise click.UsageError(f"The audit cannot be read: {error.strerror}.") from error
    say = sentences()
    for octets in lines:
        line = from_json(octets)
        click.echo(octets if as_json or line is None else " · ".join(filter(None, say.audit_line(line))))
    if not lines:
        click.echo("The audit holds no line of these days.", err=True)


@audit.command("try")
@click.pass_context
def try_out(context: click.Context) -> None:
    """Send a line of the kind "test" to each place the audit is set to go to, and say what became of it.

    Exit status 1 when one did not take it.
    """
    from sendguard.bootstrap.audit_trying import try_places

    failed = False
    with errors_in_words():
        for place, trouble in try_places():
            click.echo(f"{place}: {trouble or 'taken'}")
            failed = failed or bool(trouble)
    context.exit(1 if failed else 0)


@audit.command()
@click.argument("address", metavar="ADDRESS")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The AuditKey of another machine's policy, in a file. Default: the key in force here.",
)
def id(address: str, key_file: Path | None) -> None:
    """Print the id that stands for a list in the audit."""
    from sendguard.bootstrap.audit_reading import list_id
    from sendguard.mail.address import is_addr_spec, normalise

    if not is_addr_spec(normalise(address)):
        raise click.UsageError(f"{address!r} is not an address. Write it like name@example.org.")
    with errors_in_words():
        try:
            key = key_file.read_bytes().strip() if key_file else None
            if key == b"":
                raise click.UsageError(f"{key_file} is empty.")
            click.echo(list_id(address, key))
        except OSError as error:
            raise click.UsageError(f"The key cannot be read: {error.strerror}.") from error


@click.command()
@AS_JSON
def history(as_json: bool) -> None:
    """Show how often you were asked, and how often you would have been at other thresholds."""
    from dataclasses import asdict

    from sendguard.bootstrap.audit_reading import hindsight_here
    from sendguard.bootstrap.once import sentences

    with errors_in_words():
        found = hindsight_here()
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    for line in sentences().hindsight(found):
        click.echo(line)
    sys.stdout.flush()


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
