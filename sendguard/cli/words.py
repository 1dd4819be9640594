"""Errors of the command line, in words."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def errors_in_words(*, on_screen: bool = False) -> Iterator[None]:
    """Wrong input ends with one sentence and exit status 2, never with a traceback.

    With ``on_screen`` the sentence is shown in a window as well, where there is a screen.
    """
    from sendguard.bootstrap.once import WrongInput

    try:
        yield
    except WrongInput as error:
        if on_screen:
            from sendguard.bootstrap.start import show_on_screen

            show_on_screen(str(error))
        raise click.UsageError(str(error)) from error
