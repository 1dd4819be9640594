"""The command line. Everything heavy is imported by the command that needs it."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sendguard.cli.audit import audit as audit_commands
from sendguard.cli.audit import history as history_command
from sendguard.cli.directory import directory as directory_commands
from sendguard.cli.policy import policy as policy_commands
from sendguard.cli.thunderbird import thunderbird as thunderbird_commands
from sendguard.cli.words import errors_in_words as _errors_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendguard.guard.judge import Judgement
    from sendguard.wording.sentences import Sentences

SENDS, CONFIRM, BLOCK, WRONG_USE = 0, 10, 20, 2
MAX_FILE = 512 * 1024 * 1024
"""Octets of a message that ``check`` reads."""

DIRECTORY = click.Path(path_type=Path, exists=True, readable=True)
ABOUT_DIRECTORY = "An index file, an LDIF export (.ldif, .ldif.gz), or a folder with members.csv, sizes.csv and others."
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sendguard", message="sendguard %(version)s")
def main() -> None:
    """Asks, before a message leaves, how many people it really reaches and whether you still want it."""


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option(
    "--rcpt", "recipients", multiple=True, metavar="ADDRESS", help="An envelope recipient, in place of To, Cc and Bcc."
)
@click.option("--me", "own", multiple=True, metavar="ADDRESS", help="An address of your own. Default: From.")
@click.option("--original", type=click.Path(path_type=Path, dir_okay=False), help="The message this one answers.")
@click.option("--directory", type=DIRECTORY, help=ABOUT_DIRECTORY)
@AS_JSON
@click.pass_context
def check(
    context: click.Context,
    file: Path,
    recipients: Sequence[str],
    own: Sequence[str],
    original: Path | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Judge a message as it would be judged when sent.

    FILE is a message (RFC 5322), or - for standard input. Exit status: 0 it may go, 10 it would be asked about, 20 it
    would be refused, 2 wrong use.
    """
    from sendguard.bootstrap.once import judge_once
    from sendguard.guard.report import report
    from sendguard.policy.action import Action

    with _errors_in_words():
        first = _read(original) if original else None
        judgement = judge_once(
            _read(file), tuple(map(_address, recipients)), tuple(map(_address, own)), first, directory
        )
    if as_json:
        click.echo(json.dumps(report(judgement), ensure_ascii=False))
    else:
        for line in _in_words(judgement):
            click.echo(line)
    action = judgement.verdict.action
    context.exit(BLOCK if action is Action.BLOCK else CONFIRM if action.asks else SENDS)


@main.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--directory", type=DIRECTORY, required=True, help=ABOUT_DIRECTORY)
@AS_JSON
def count(addresses: Sequence[str], directory: Path, as_json: bool) -> None:
    """Count the distinct people behind addresses."""
    from sendguard.bootstrap.once import count_once
    from sendguard.guard.report import count_report

    with _errors_in_words():
        audience = count_once(tuple(map(_address, addresses)), directory)
    if as_json:
        click.echo(json.dumps(count_report(audience.count), ensure_ascii=False))
        return
    say = _sentences()
    click.echo(f"{say.people(audience.count)} · {say.basis(audience.count)}")
    for line in say.lists(audience):
        click.echo(f"  {line}")


@main.command()
def run() -> None:
    """Start SendGuard: in the tray, or in this terminal where there is no screen.

    With no account yet it opens the practice mailbox.
    """
    from sendguard.bootstrap.start import start

    with _errors_in_words(on_screen=not sys.stderr.isatty()):
        sys.exit(start())


@main.command()
@click.option("--terminal", is_flag=True, help="In this terminal, even where there is a screen.")
@click.option(
    "--answer", type=click.Choice(["refuse", "send", "reply-to-sender"]), help="Answer every question like this."
)
@AS_JSON
def demo(terminal: bool, answer: str | None, as_json: bool) -> None:
    """Play the story of 2016 in the practice mailbox: a real mail server on this computer, nobody's real mail."""
    from sendguard.bootstrap.start import play_demo

    with _errors_in_words():
        sys.exit(play_demo(terminal=terminal or as_json or answer is not None, answer=answer, as_json=as_json))


@main.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """Show each way mail can leave this computer (guarded, warned about or open), and prove that a send is stopped.

    Exit status 1 when the proof fails.
    """
    from sendguard.bootstrap.doctor import examine

    with _errors_in_words():
        sys.exit(examine(as_json=as_json))


def _read(path: Path) -> bytes:
    try:
        stream = sys.stdin.buffer if str(path) == "-" else path.open("rb")
        with stream:
            octets = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise click.UsageError(
            f"{path} cannot be read: {error.strerror}. Name a file that holds one message."
        ) from error
    if len(octets) > MAX_FILE:
        raise click.UsageError(f"{path} is larger than {MAX_FILE // 1024 // 1024} MiB: that is not one message.")
    if not octets.strip():
        raise click.UsageError(f"{path} is empty. Name a file that holds one message.")
    return octets


def _address(text: str) -> str:
    from sendguard.mail.address import is_addr_spec, normalise

    address = normalise(text)
    if not is_addr_spec(address):
        raise click.UsageError(f"{text!r} is not an address. Write it like name@example.org.")
    return address


def _in_words(judgement: "Judgement") -> "Iterator[str]":
    from sendguard.guard.report import VERDICTS

    say, audience = _sentences(), judgement.audience
    yield f"{say.people(audience.count)} · {say.basis(audience.count)}"
    yield f"{say.kind(judgement.submission.kind)} · {VERDICTS[judgement.verdict.action]}"
    for reason in judgement.verdict.reasons:
        yield f"  - {say.reason(reason)}"
    for line in say.lists(audience):
        yield f"  {line}"


def _sentences() -> "Sentences":
    from sendguard.bootstrap.once import sentences

    return sentences()


main.add_command(directory_commands)
main.add_command(audit_commands)
main.add_command(history_command)
main.add_command(policy_commands)
main.add_command(thunderbird_commands)
