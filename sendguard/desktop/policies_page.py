"""The Policies page: what somebody has decided about each setting, who that was, and what is wrong with it."""

import json
from collections.abc import Iterator

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from sendguard.desktop import look
from sendguard.desktop.layout import Page, Row, Section
from sendguard.desktop.managed import Lock
from sendguard.desktop.services import Services
from sendguard.desktop.text import Tone, button, safe_label
from sendguard.settings.layers import Resolution, Resolved
from sendguard.settings.report import report
from sendguard.wording.sentences import Sentences


class PoliciesPage(Page):
    """Whether this computer is managed, what is wrong, and the settings that anybody has said anything about."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._say = services.sentences
        text = self._say.catalogue.text
        self.standing = safe_label(size=1.2, bold=True)
        self.problems = Section(text("What is not taken"))
        self.decided = Section(text("What is decided"))
        self.only_managed = QCheckBox(text("Only what is managed"))
        self.only_managed.toggled.connect(self.refresh)
        self.copy_button = button(text("Copy as JSON"))
        self.copy_button.setAccessibleDescription(text("Keys and codes are masked."))
        self.copy_button.clicked.connect(self._copy)
        self.said = safe_label("", Tone.QUIET)
        above = Row(self.only_managed, self.copy_button)
        for widget in (self.standing, self.problems, above, self.said, self.decided):
            self.rows.addWidget(widget)
        self.rows.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """Show what is in force now."""
        resolution = self._services.settings()
        self.standing.setText(self._say.standing(resolution))
        self.said.hide()
        self._show_problems(resolution)
        self._show_decided(tuple(each for each in resolution.by_name.values() if self._is_listed(each)))

    def _is_listed(self, resolved: Resolved) -> bool:
        return resolved.is_managed if self.only_managed.isChecked() else resolved.is_noteworthy

    def _show_problems(self, resolution: Resolution) -> None:
        self.problems.setVisible(bool(resolution.faults))
        if not self.problems.is_news(resolution.faults):
            return
        self.problems.clear()
        for fault in resolution.faults:
            self.problems.add(safe_label(self._say.settings_fault(fault), Tone.ACCENT))

    def _show_decided(self, listed: tuple[Resolved, ...]) -> None:
        if not self.decided.is_news(listed):
            return
        self.decided.clear()
        self.decided.add(*(Entry(self._say, resolved) for resolved in listed))
        if not listed:
            none = self._say.catalogue.text("Nobody has decided anything: every setting has its built-in value.")
            self.decided.add(safe_label(none, Tone.QUIET))

    def _copy(self) -> None:
        found = json.dumps(report(self._services.settings()), ensure_ascii=False, indent=2)
        QGuiApplication.clipboard().setText(found)
        self.said.setText(self._say.catalogue.text("Copied. Keys and codes are masked."))
        self.said.show()


class Entry(QWidget):
    """One setting: its title, its value, who decided it, what that overrides, and what is wrong."""

    def __init__(self, say: Sentences, resolved: Resolved) -> None:
        super().__init__()
        text = say.catalogue.text
        title = text(resolved.setting.title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, look.gap(0.5))
        column.setSpacing(look.gap(0.15))
        head = QHBoxLayout()
        head.setSpacing(look.gap(0.4))
        if resolved.is_managed:
            lock = Lock()
            lock.setAccessibleName(text("Managed by your organisation."))
            lock.setToolTip(text("Managed by your organisation."))
            head.addWidget(lock)
        head.addWidget(safe_label(title, bold=True), 1)
        column.addLayout(head)
        said = list(lines(say, resolved))
        for tone, words in said:
            column.addWidget(safe_label(words, tone))
        self.setAccessibleName(title)
        managed = [text("Managed by your organisation.")] if resolved.is_managed else []
        self.setAccessibleDescription("\n".join([*(words for _, words in said), *managed]))


def lines(say: Sentences, resolved: Resolved) -> Iterator[tuple[Tone, str]]:
    """What is said of a setting under its title, and how loud."""
    setting = resolved.setting
    yield Tone.PLAIN, say.value(setting, resolved.value)
    yield Tone.QUIET, f"{setting.name} · {say.layer(resolved.layer, resolved.source)}"
    for said in resolved.overridden:
        yield Tone.QUIET, say.catalogue.text("overrides {what}", what=say.overridden(setting, said))
    for fault in resolved.faults:
        yield Tone.ACCENT, say.settings_fault(fault)
