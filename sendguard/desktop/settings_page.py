"""The settings page: made from the one declaration of settings, and from nothing else."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.controls import Control, control_for
from sendguard.desktop.layout import Page, Section, buttons
from sendguard.desktop.managed import Managed
from sendguard.desktop.services import Services
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import Tone, Weight, button, label_for, safe_label
from sendguard.settings.declared import PAGES, SETTINGS
from sendguard.settings.layers import Layer, Resolution
from sendguard.settings.setting import Setting, Users, Value
from sendguard.settings.values import problem

CHANGEABLE = tuple(setting for setting in SETTINGS if setting.users is Users.CHANGE)


class SettingsPage(QWidget):
    """Every setting a person may change, under its heading; nothing takes effect before it is saved.

    What the organisation decided is shown, with a lock, and cannot be changed.
    """

    def __init__(self, services: Services, tasks: Tasks) -> None:
        self.controls: dict[str, Control] = {}
        super().__init__()
        self._services = services
        self._tasks = tasks
        self._say = services.sentences
        text = self._say.catalogue.text
        self.locks: dict[str, QWidget] = {}
        self._shown: dict[str, Value] = {}
        self.said = safe_label()
        self.said.setContentsMargins(look.gap(1), 0, 0, 0)
        self.save_button = button(text("Save"), Weight.STRONG)
        self.revert_button = button(text("Undo changes"))
        self.save_button.clicked.connect(self._save)
        self.revert_button.clicked.connect(self.reload)
        page = Page()
        for name, title in PAGES.items():
            settings = [setting for setting in CHANGEABLE if setting.page == name]
            if settings:
                section = Section(text(title))
                section.add(*map(self._row, settings))
                page.rows.addWidget(section)
        page.rows.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, look.gap(1), look.gap(0.6))
        rows.addWidget(page, 1)
        rows.addWidget(self.said)
        rows.addLayout(buttons(self.revert_button, self.save_button))
        self.reload()

    def reload(self) -> None:
        """Show the settings as they are in force."""
        resolution = self._services.settings()
        for setting in CHANGEABLE:
            self._show(setting, resolution)
        self._shown = self.read()
        self.said.setText(self._trouble(resolution))
        self._may_save(False)

    def _trouble(self, resolution: Resolution) -> str:
        for fault in resolution.faults:
            return self._say.trouble("settings" if fault.layer is Layer.USER else f"policy_{fault.why}")
        return ""

    def settings_changed(self) -> None:
        """Show what is in force now, but for what the person has changed and not saved: that stays as they left it."""
        resolution, read = self._services.settings(), self.read()
        for setting in CHANGEABLE:
            resolved, written = resolution[setting.name], read[setting.name]
            if resolved.locked or written in (self._shown[setting.name], resolved.value):
                self._show(setting, resolution)
                self._shown[setting.name] = self.controls[setting.name].read()
        self._may_save(self.read() != self._shown)

    def _show(self, setting: Setting, resolution: Resolution) -> None:
        control, resolved = self.controls[setting.name], resolution[setting.name]
        text = self._say.catalogue.text
        control.show(resolved.value)
        control.widget.setEnabled(not resolved.locked)
        look.stay_readable(control.widget)
        self.locks[setting.name].setVisible(resolved.locked)
        said = [text(setting.description)]
        if resolved.locked:
            said.append(text("Managed by your organisation."))
        control.focus.setAccessibleDescription(" ".join(said))

    def changeEvent(self, event: QEvent) -> None:
        """Take the new palette's colours."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            for control in self.controls.values():
                look.stay_readable(control.widget)

    def read(self) -> dict[str, Value]:
        """What stands in the controls."""
        return {name: control.read() for name, control in self.controls.items()}

    def _row(self, setting: Setting) -> QWidget:
        text = self._say.catalogue.text
        control = control_for(setting, self._say.catalogue, partial(self._may_save, True))
        self.controls[setting.name] = control
        self.locks[setting.name] = lock = Managed(self._say)
        row = QWidget()
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, look.gap(0.5))
        column.setSpacing(look.gap(0.15))
        column.addWidget(label_for(control.focus, text(setting.title)))
        column.addWidget(lock)
        column.addWidget(control.widget)
        column.addWidget(safe_label(text(setting.description), Tone.QUIET, 0.9))
        return row

    def _save(self) -> None:
        text = self._say.catalogue.text
        read = self.read()
        edits = {name: value for name, value in read.items() if value != self._shown[name]}
        wrong = [setting for setting in CHANGEABLE if setting.name in edits and problem(setting, read[setting.name])]
        if wrong:
            self.said.setText(text("Not saved: “{setting}” is not valid.", setting=text(wrong[0].title)))
            self.controls[wrong[0].name].focus.setFocus()
            return
        self._may_save(False)
        self._tasks.run(partial(self._keep, edits), self._saved, OSError)

    def _keep(self, edits: Mapping[str, Value]) -> bool:
        """Worker thread: write, then set the start at login; False where this system offers no way to do that."""
        self._services.save_settings(edits)
        return self._services.set_start_at_login(self._services.settings().values.switch("StartAtLogin"))

    def _saved(self, done: Done[bool]) -> None:
        text = self._say.catalogue.text
        if done.error is not None:
            self.said.setText(text("Not saved: the settings file could not be written. The old settings hold."))
            self._may_save(True)
        elif not done.result and self.read()["StartAtLogin"]:
            self.said.setText(text("Saved. This system offers no start at login: add SendGuard to its start programs."))
        else:
            self._shown = self.read()
            self.said.setText(text("Saved. It holds for every message from now on."))

    def _may_save(self, may: bool) -> None:
        self.save_button.setEnabled(may)
        self.revert_button.setEnabled(may)
