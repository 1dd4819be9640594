"""Work that would make the windows wait: done on a thread of its own, its result brought back to the main thread."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

from sendguard.desktop import faults

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """How a task ended: with a result, or with an error."""

    result: T | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Delivery:
    then: Callable[[Any], None]
    done: Done[Any]


class Tasks(QObject):
    """Runs work beside the main thread. Lives on the main thread; there is one."""

    _finished = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._finished.connect(self._deliver)

    def run(self, work: Callable[[], T], then: Callable[[Done[T]], None], *expected: type[Exception]) -> None:
        """Do ``work`` on a thread, then call ``then`` on this one. Any error comes back; one not expected is logged.

        ``then`` is a method; when its window has gone meanwhile, nothing is called.
        """

        def thread() -> None:
            try:
                done = Done(work())
            except expected as error:
                done = Done(None, error)
            except Exception as error:  # a thread's top
                faults.log(error)
                done = Done(None, error)
            self._finished.emit(_Delivery(then, done))

        threading.Thread(target=thread, name="desktop-task", daemon=True).start()

    @Slot(object)
    def _deliver(self, delivery: _Delivery) -> None:
        owner = getattr(delivery.then, "__self__", None)
        if not isinstance(owner, QObject) or isValid(owner):
            delivery.then(delivery.done)
