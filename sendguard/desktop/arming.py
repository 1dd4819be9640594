"""Sending wants to be looked at first: the wait before a button can be pressed."""

from PySide6.QtCore import QObject, QTimer, Signal

ARM_AFTER_MS = 1000
"""How long a question has to be looked at before it can be sent: as browsers do it (facts/desktop.md, C)."""


class Arming(QObject):
    """Armed once the window had the focus for a while; losing the focus begins it anew."""

    changed = Signal()

    def __init__(self, after_ms: int = ARM_AFTER_MS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.armed = False
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(after_ms)
        self.timer.timeout.connect(self._arm)

    def begin(self) -> None:
        """The window has the focus."""
        if not self.armed and not self.timer.isActive():
            self.timer.start()

    def disarm(self) -> None:
        """The window has lost the focus, or shows something else."""
        self.timer.stop()
        self.armed = False
        self.changed.emit()

    def _arm(self) -> None:
        self.armed = True
        self.changed.emit()
