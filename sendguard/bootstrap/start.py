"""``sendguard run`` and ``sendguard demo``: with a screen or without, with accounts or in the practice mailbox."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from sendguard.bootstrap.once import WrongInput, sentences
from sendguard.bootstrap.program import Program
from sendguard.guard.ledger import LedgerFailed
from sendguard.guard.ports import Answer
from sendguard.storage.files import FileUnreadable, load_accounts
from sendguard.storage.places import Places

ANSWERS = {"refuse": Answer.DONT_SEND, "send": Answer.SEND, "reply-to-sender": Answer.REPLY_TO_SENDER}


def start() -> int:
    """Run until it is ended. Raises WrongInput when files cannot be read or written."""
    places = Places.of_this_user()
    with _files_in_words():
        if not load_accounts(places.accounts) and not _is_found_by_thunderbird(places):
            ended = play_demo(terminal=not has_screen(), answer=None, as_json=False)
            if not load_accounts(places.accounts):
                return ended
            # one was added in the practice's window: guard it from now on
            os.execv(sys.executable, [sys.executable, "-m", "sendguard", "run"])  # noqa: S606 - this very program
        if has_screen():
            from sendguard.bootstrap.screen import run_with_accounts

            return run_with_accounts(places)
        return _run_without_screen(places)


def _is_found_by_thunderbird(places: Places) -> bool:
    from sendguard.bootstrap.thunderbird import is_found_by_thunderbird

    return is_found_by_thunderbird(places)


def play_demo(*, terminal: bool, answer: str | None, as_json: bool) -> int:
    """The practice mailbox: on the screen, or in the terminal."""
    if not terminal and has_screen():
        from sendguard.bootstrap.screen import run_practice

        return run_practice(Places.of_this_user())
    from sendguard.bootstrap.practice import play_in_terminal

    rule = ANSWERS[answer] if answer else None
    if rule is None and not sys.stdin.isatty():
        rule = Answer.DONT_SEND
    return play_in_terminal(click.echo, _read_line, rule, as_json=as_json)


def show_on_screen(text: str) -> None:
    """Show why the start failed, where there is a screen to show it on."""
    if has_screen():
        from sendguard.desktop.failure import show_failure

        show_failure(text)


def has_screen() -> bool:
    """Whether a window can be opened. Qt itself would end the process where it cannot."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _run_without_screen(places: Places) -> int:
    from sendguard.storage.secret import KeyringSecrets
    from sendguard.system.managed import policy_here
    from sendguard.terminal.asker import TerminalAsker
    from sendguard.terminal.reply import ByPerson

    say = sentences()
    asker = TerminalAsker(ByPerson(say, click.echo, _read_line))
    program = Program(places, KeyringSecrets(), asker, policy=policy_here())
    program.gatekeeper.subscribe(lambda activity: click.echo(f"[{say.activity(activity)}]"))
    if sys.stdin.isatty():
        asker.answer_to(program.gatekeeper)
    else:
        click.echo(say.catalogue.text("There is no screen and no terminal: whatever needs an answer is not sent."))
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    program.start()
    ended.wait()
    program.stop()
    return 0


def _read_line(prompt: str) -> str:
    return input(prompt)


@contextmanager
def _files_in_words() -> Iterator[None]:
    """Make our files' errors sentences: what happened, what is safe, what to do."""
    try:
        yield
    except FileUnreadable as error:
        raise WrongInput(f"{error}. Nothing was started, so no mail passes. Mend or remove the file.") from error
    except (LedgerFailed, OSError) as error:
        raise WrongInput(
            f"SendGuard cannot open its files in {Places.of_this_user().data} ({error}). Nothing was started, so no"
            " mail passes. Is the disk full, or the folder not yours?"
        ) from error
