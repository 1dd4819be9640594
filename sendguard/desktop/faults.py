"""Faults of our own: logged without anything a message could have brought in, and never left without a consequence."""

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_log = logging.getLogger(__name__)
_PACKAGE = Path(__file__).parent.parent.parent


def log(error: BaseException) -> None:
    """Write down what kind of fault it is and where: never its message, which may hold an address."""
    _log.error("fault: %s", described(error))


def described(error: BaseException) -> str:
    """A fault's class and its way through our own files: ``KeyError: sendguard/desktop/desk.py:12 …``."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in frames]
    return f"{type(error).__name__}: {' '.join(places)}"


def watch(on_fault: Callable[[], None]) -> None:
    """From now on call ``on_fault`` on the main thread for an exception that nobody caught in a slot.

    Without this Qt goes on after an exception in a slot as if nothing had happened (facts/desktop.md B4).
    """

    def in_slot(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log(error)
        on_fault()

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log(args.exc_value)

    sys.excepthook = in_slot
    threading.excepthook = in_thread


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_PACKAGE)) if path.is_relative_to(_PACKAGE) else path.name
