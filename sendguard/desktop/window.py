"""The main window: what is guarded, history, accounts, settings, policies; each page made when it is first seen."""

from collections.abc import Callable

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.accounts_page import AccountsPage
from sendguard.desktop.history import History
from sendguard.desktop.icons import icon
from sendguard.desktop.literal import literal
from sendguard.desktop.overview import Overview
from sendguard.desktop.policies_page import PoliciesPage
from sendguard.desktop.services import Services
from sendguard.desktop.settings_page import SettingsPage
from sendguard.desktop.tasks import Tasks
from sendguard.guard.ports import Activity
from sendguard.settings.layers import Resolution


class MainWindow(QWidget):
    """Five pages. ``closed`` is emitted instead of closing: whoever owns the window knows whether a tray is left."""

    closed = Signal()
    open_question = Signal()
    settings_changed = Signal(object)

    def __init__(self, services: Services, tasks: Tasks) -> None:
        super().__init__()
        text = services.sentences.catalogue.text
        title = text("SendGuard – practice") if services.practice else text("SendGuard")
        self.setWindowTitle(title)
        self.setWindowIcon(icon("sendguard"))
        self.overview = Overview(services, tasks)
        self.overview.open_question.connect(self.open_question)
        self.overview.add_account.connect(self._add_account)
        self.history: History | None = None
        self.accounts: AccountsPage | None = None
        self.settings: SettingsPage | None = None
        self.policies: PoliciesPage | None = None
        self.settings_changed.connect(self._settings_changed)
        services.watch_settings(self.settings_changed.emit)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.overview, literal(text("Overview")))
        self._makers: list[Callable[[], QWidget]] = [
            lambda: History(services, tasks),
            lambda: AccountsPage(services, tasks),
            lambda: SettingsPage(services, tasks),
            lambda: PoliciesPage(services),
        ]
        for name in (text("History"), text("Accounts"), text("Settings"), text("Policies")):
            place = QWidget()
            QVBoxLayout(place).setContentsMargins(0, 0, 0, 0)
            self.tabs.addTab(place, literal(name))
        self.tabs.currentChanged.connect(self._turned)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.tabs)
        room = self.screen().availableSize() * 0.9
        self.resize(min(look.gap(62), room.width()), min(look.gap(40), room.height()))

    def refresh(self) -> None:
        """Show what is true now, on the pages that have been seen."""
        self.overview.refresh()
        if self.history:
            self.history.refresh()

    def happened(self, activity: Activity) -> None:
        """Show what happened."""
        self.overview.happened(activity)
        self.refresh()

    def show_settings(self) -> None:
        """Turn to the settings."""
        self.tabs.setCurrentIndex(3)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave it to the owner whether to hide or to quit."""
        event.ignore()
        self.closed.emit()

    @Slot(object)
    def _settings_changed(self, resolution: Resolution) -> None:
        if self.settings:
            self.settings.settings_changed()
        if self.policies:
            self.policies.refresh()

    @Slot()
    def _add_account(self) -> None:
        self.tabs.setCurrentIndex(2)
        if self.accounts:
            self.accounts.edit(None)

    @Slot(int)
    def _turned(self, index: int) -> None:
        if index == 0:
            self.overview.refresh()
        elif (place := self.tabs.widget(index)) and (layout := place.layout()) and layout.count() == 0:
            page = self._makers[index - 1]()
            layout.addWidget(page)
            match page:
                case History():
                    self.history = page
                case AccountsPage():
                    self.accounts = page
                case SettingsPage():
                    self.settings = page
                case PoliciesPage():
                    self.policies = page
        elif index == 1 and self.history:
            self.history.refresh()
