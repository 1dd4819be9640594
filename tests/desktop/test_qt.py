"""What we rely on in Qt's binding, and what one version of it did not keep."""

import sys

from PySide6.QtCore import QObject, Signal

CALLS = 1000


class Bell(QObject):
    rung = Signal()


def test_a_call_that_returns_none_or_true_keeps_its_count() -> None:
    """PySide6 6.12.0 loses a reference at each, which ends Python 3.11 after some thousand calls."""
    bell = Bell()
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(CALLS):
        bell.setObjectName("bell")
        bell.rung.emit()
    after = sys.getrefcount(None), sys.getrefcount(True)
    assert all(now > then - CALLS // 10 for now, then in zip(after, before, strict=True))
