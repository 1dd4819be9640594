"""The desktop program: Qt, one instance, the tray, and the order in which everything starts and ends."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLibraryInfo, QLocale, QObject, QSocketNotifier, QTimer, QTranslator, Slot
from PySide6.QtWidgets import QApplication

from sendguard.desktop import faults
from sendguard.desktop.bridge import Bridge
from sendguard.desktop.desk import Desk, warm_up
from sendguard.desktop.icons import TrayState, icon
from sendguard.desktop.services import PathState, Services
from sendguard.desktop.single import SingleInstance
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.tray import Tray, quit_question
from sendguard.guard.ledger import LedgerFailed, Record
from sendguard.guard.ports import Activity, ActivityKind, Asker
from sendguard.settings.layers import Layer

if TYPE_CHECKING:
    from sendguard.desktop.window import MainWindow

LOOK_EVERY_MS = 5_000
"""How often the paths are looked at: a connection that comes back tells nobody."""


def run_desktop(build: Callable[[Asker], Services], folder: Path, *, show_window: bool = False) -> int:
    """Run SendGuard on a screen until it is quit; returns the exit code.

    ``build`` is called once, when this is surely the only instance, and gets what questions are asked through;
    ``folder`` is where the instance's lock lies. A second instance shows the first one's window and returns 0.
    """
    app = QApplication(["sendguard"])
    app.setApplicationName("SendGuard")
    app.setDesktopFileName("sendguard")
    app.setQuitOnLastWindowClosed(False)
    app.setWindowIcon(icon("sendguard"))
    single = SingleInstance(folder)
    if not single.acquire():
        single.knock()
        return 0
    bridge = Bridge()
    services = build(bridge)
    translator = _qts_own_words(app, services.sentences.catalogue.language)
    desktop = Desktop(app, services, bridge, single)
    faults.watch(desktop.desk.fault)
    wake = _wake_for_signals(desktop)
    try:
        desktop.start(show_window=show_window)
        return app.exec()
    finally:
        bridge.close()
        services.stop()
        single.release()
        del translator, wake


_NO_TROUBLE = frozenset({"", "policy_not_fetched"})
"""What of the signed policy is no trouble: a computer that is not on the net keeps the one it has."""


class Desktop(QObject):
    """Owns tray, window and desk, and lets them know of one another."""

    def __init__(self, app: QApplication, services: Services, bridge: Bridge, single: SingleInstance) -> None:
        super().__init__()
        self._app = app
        self._single = single
        self._services = services
        self._bridge = bridge
        self._say = services.sentences
        self._unsure = False
        self._start_failed = False
        self.tasks = Tasks(self)
        self.desk = Desk(services, bridge)
        self.tray = Tray(self._say.catalogue)
        self.window: MainWindow | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(LOOK_EVERY_MS)
        self._clock.timeout.connect(self._show_state)
        self.desk.changed.connect(self._show_state)
        self.desk.happened.connect(self._happened)
        self.tray.open_window.connect(self.open_window)
        self.tray.open_question.connect(self.desk.bring_forward)
        self.tray.open_settings.connect(self.open_settings)
        self.tray.quit.connect(self.ask_to_quit)
        services.questions.subscribe(bridge.observe)

    def start(self, *, show_window: bool) -> None:
        """Put the icon into the tray, open the way for questions, then start the paths."""
        self.tray.show()
        if show_window or not self.tray.is_there:
            self.open_window()
        self._clock.start()
        QTimer.singleShot(0, self, self._begin)

    @Slot()
    def open_window(self) -> None:
        """Show the window, in front."""
        from sendguard.desktop.window import MainWindow  # most days nobody opens it

        if self.window is None:
            self.window = MainWindow(self._services, self.tasks)
            self.window.closed.connect(self._window_closed)
            self.window.open_question.connect(self.desk.bring_forward)
        self.window.showNormal() if self.window.isMinimized() else self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    @Slot()
    def open_settings(self) -> None:
        """Show the settings."""
        self.open_window()
        if self.window:
            self.window.show_settings()

    @Slot()
    def ask_to_quit(self) -> None:
        """Say what quitting means, and quit when the person still wants it."""
        box = quit_question(self._say.catalogue)
        box.exec()
        if box.buttonRole(box.clickedButton()) is box.ButtonRole.AcceptRole:
            self.quit()

    @Slot()
    def quit(self) -> None:
        """End: what is held is not sent. ``exit``, for ``quit`` would close the question, and that answers it."""
        self._bridge.close()
        self._app.exit(0)

    @Slot()
    def _begin(self) -> None:
        """The tray stands: now what can wait, then the way for questions, then what may ask them."""
        warm_up()
        self._single.when_started_again(self.open_window)
        self._bridge.open()
        self.tasks.run(self._services.start, self._started)

    def _started(self, done: Done[None]) -> None:
        self._start_failed = done.error is not None
        self._look()

    @Slot()
    def _window_closed(self) -> None:
        if self.window is None:
            return
        if self.tray.is_there:
            self.window.hide()
        else:
            self.ask_to_quit()

    @Slot(object)
    def _happened(self, activity: Activity) -> None:
        if activity.kind in {ActivityKind.WARNED, ActivityKind.NOTICED, ActivityKind.UNKNOWN}:
            self.tray.remark(self._say.activity(activity))
        if activity.kind is ActivityKind.CANCELLED and activity.record and activity.record.detail == "client_gone":
            self.tray.remark(self._say.activity(activity))
        if activity.kind is ActivityKind.TROUBLE and activity.detail.startswith(("audit", "policy_")):
            self.tray.remark(self._say.activity(activity))
        if self.window and self.window.isVisible():
            self.window.happened(activity)
        self._look()

    def _look(self) -> None:
        """Ask the ledger whether there is something that may have been sent."""
        self.tasks.run(self._services.unknown, self._looked, LedgerFailed)

    def _looked(self, done: Done[tuple[Record, ...]]) -> None:
        self._unsure = done.error is not None or bool(done.result)
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        broken = any(path.state is PathState.TROUBLE for path in self._services.paths())
        broken = broken or any(fault.layer is not Layer.USER for fault in self._services.settings().faults)
        signed = self._services.signed_policy()
        broken = broken or (signed is not None and signed.trouble not in _NO_TROUBLE)
        if self.desk.holding:
            self.tray.set_state(TrayState.HOLDING)
        elif broken or self._unsure or self._start_failed or self.desk.broken:
            self.tray.set_state(TrayState.TROUBLE)
        else:
            self.tray.set_state(TrayState.WATCHING)
        if self.window and self.window.isVisible():
            self.window.overview.refresh()


def _qts_own_words(app: QApplication, language: str) -> QTranslator:
    """Translate the few texts that are Qt's own (the folder picker), where Qt brings them."""
    translator = QTranslator()
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(QLocale(language), "qtbase", "_", folder):
        app.installTranslator(translator)
    return translator


def _wake_for_signals(desktop: Desktop) -> object:
    """Quit at SIGINT and SIGTERM: Python sees a signal only when it runs, and ``exec`` idles without it."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: desktop.quit())
    notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: reading.recv(64))
    return notifier, reading, writing
