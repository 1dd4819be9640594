"""The tray icon: whether SendGuard watches, holds, or has a trouble, and the way to everything else."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMessageBox, QSystemTrayIcon

from sendguard.desktop.icons import SAID, TrayState, icon
from sendguard.desktop.literal import literal
from sendguard.wording.catalogue import Catalogue


class Tray(QObject):
    """An icon with a menu. Where there is no tray it appears by itself as soon as one starts."""

    open_window = Signal()
    open_question = Signal()
    open_settings = Signal()
    quit = Signal()

    def __init__(self, say: Catalogue) -> None:
        super().__init__()
        self._say = say
        self.state = TrayState.WATCHING
        self._icons = {self.state: icon(self.state)}
        self._tray = QSystemTrayIcon(self._icons[self.state])
        self.menu = QMenu()
        self._question = self._action(say.text("Show the question"), self.open_question.emit)
        self._action(say.text("Open SendGuard"), self.open_window.emit)
        self._action(say.text("Settings"), self.open_settings.emit)
        self.menu.addSeparator()
        self._action(say.text("Quit…"), self.quit.emit)
        self._question.setVisible(False)
        self._tray.setContextMenu(self.menu)
        self._tray.setToolTip(say.text(SAID[self.state]))
        self._tray.activated.connect(self._activated)

    @property
    def is_there(self) -> bool:
        """Whether a tray shows the icon."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        """Put the icon into the tray."""
        self._tray.show()

    def set_state(self, state: TrayState) -> None:
        """Show a state, by shape, colour and words."""
        self._question.setVisible(state is TrayState.HOLDING)
        if state is self.state:
            return
        self.state = state
        self._icons.setdefault(state, icon(state))
        self._tray.setIcon(self._icons[state])
        self._tray.setToolTip(self._say.text(SAID[state]))

    def remark(self, text: str) -> None:
        """Say something in passing. Never the only place where something is said: a balloon may not be seen."""
        self._tray.showMessage("SendGuard", text, self._icons[self.state])

    def _action(self, text: str, do: Callable[[], None]) -> QAction:
        action = self.menu.addAction(literal(text))
        action.triggered.connect(do)
        return action

    @Slot(QSystemTrayIcon.ActivationReason)
    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is not QSystemTrayIcon.ActivationReason.Context:
            (self.open_question if self.state is TrayState.HOLDING else self.open_window).emit()


def quit_question(say: Catalogue) -> QMessageBox:
    """Says what quitting means before it happens. Its first button keeps SendGuard running."""
    box = QMessageBox()
    box.setWindowTitle("SendGuard")
    box.setTextFormat(box.textFormat().PlainText)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(say.text("Quit SendGuard?"))
    box.setInformativeText(
        say.text(
            "Quitting opens no way past it. Mail programs that send through its gate cannot send until it runs again, "
            "what lies in a guarded outbox stays there, and drafts are not watched."
        )
    )
    keep = box.addButton(literal(say.text("Keep running")), QMessageBox.ButtonRole.RejectRole)
    box.addButton(literal(say.text("Quit")), QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    return box
