"""The control for each type of setting: how its value is shown, read and changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from sendguard.desktop import look
from sendguard.desktop.layout import Row
from sendguard.desktop.text import button
from sendguard.settings.setting import Setting, Type, Value
from sendguard.wording.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Control:
    """One setting's control. ``widget`` is what is laid out, ``focus`` what a label names."""

    widget: QWidget
    read: Callable[[], Value]
    show: Callable[[Value], None]
    focus: QWidget


class NoWheel(QObject):
    """Keeps the mouse wheel from changing a value in passing: the page scrolls under the pointer."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the wheel through to the page unless the control has the focus."""
        if event.type() is QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def control_for(setting: Setting, say: Catalogue, changed: Callable[[], None]) -> Control:
    """The control of a setting; ``changed`` is called whenever the person changes it."""
    match setting.type:
        case Type.NUMBER:
            return _number(setting, say, changed)
        case Type.SWITCH:
            return _switch(setting, say, changed)
        case Type.CHOICE:
            return _choice(setting, say, changed)
        case Type.TEXT:
            return _text(changed)
        case Type.PATH:
            return _path(say, changed)
        case Type.LINES | Type.RULES:
            return _lines(changed)


def _number(setting: Setting, say: Catalogue, changed: Callable[[], None]) -> Control:
    box = QSpinBox()
    box.setRange(setting.low, setting.high)
    box.setGroupSeparatorShown(True)
    box.setSuffix(f" {say.text(setting.unit)}" if setting.unit else "")
    if setting.off_at_zero:
        box.setSpecialValueText(say.text("Off"))
    _without_wheel(box)
    box.valueChanged.connect(lambda _: changed())
    return Control(box, box.value, lambda value: box.setValue(int(value) if isinstance(value, int) else 0), box)


def _switch(setting: Setting, say: Catalogue, changed: Callable[[], None]) -> Control:
    box = QCheckBox(say.text("On"))
    box.toggled.connect(lambda _: changed())
    return Control(box, box.isChecked, lambda value: box.setChecked(value is True), box)


def _choice(setting: Setting, say: Catalogue, changed: Callable[[], None]) -> Control:
    box = QComboBox()
    for value, title in setting.choices:
        box.addItem(say.text(title), value)
    _without_wheel(box)
    box.currentIndexChanged.connect(lambda _: changed())
    return Control(box, lambda: str(box.currentData()), lambda value: box.setCurrentIndex(box.findData(value)), box)


def _text(changed: Callable[[], None]) -> Control:
    line = QLineEdit()
    line.textChanged.connect(lambda _: changed())
    return Control(line, lambda: line.text().strip(), lambda value: line.setText(str(value)), line)


def _path(say: Catalogue, changed: Callable[[], None]) -> Control:
    text = _text(changed)
    file, folder = button(say.text("File…")), button(say.text("Folder…"))
    file.clicked.connect(partial(_choose_file, text, say.text("Directory on this computer")))
    folder.clicked.connect(partial(_choose_folder, text, say.text("Directory on this computer")))
    return Control(Row(text.focus, file, folder), text.read, text.show, text.focus)


def _choose_file(text: Control, title: str, checked: bool = False) -> None:
    found, _ = QFileDialog.getOpenFileName(text.focus, title, str(text.read()))
    if found:
        text.show(found)


def _choose_folder(text: Control, title: str, checked: bool = False) -> None:
    if found := QFileDialog.getExistingDirectory(text.focus, title, str(text.read())):
        text.show(found)


def _lines(changed: Callable[[], None]) -> Control:
    edit = QPlainTextEdit()
    edit.setTabChangesFocus(True)
    edit.setMinimumHeight(look.gap(5))
    edit.setMaximumHeight(look.gap(7))
    edit.textChanged.connect(changed)

    def read() -> Value:
        return tuple(line.strip() for line in edit.toPlainText().splitlines() if line.strip())

    def show(value: Value) -> None:
        edit.setPlainText("\n".join(value) if isinstance(value, tuple) else "")

    return Control(edit, read, show, edit)


def _without_wheel(widget: QWidget) -> None:
    widget.installEventFilter(NoWheel(widget))
