"""The tray's states and their icons: told apart by shape as well as by colour."""

from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from sendguard.settings.setting import N_

SIZES = (16, 22, 24, 32, 48, 64, 128)
_PACKAGE = Path(__file__).parent.parent


class TrayState(StrEnum):
    """What the tray shows."""

    WATCHING = "watching"
    HOLDING = "holding"
    TROUBLE = "trouble"


SAID = {
    TrayState.WATCHING: N_("SendGuard: watching"),
    TrayState.HOLDING: N_("SendGuard: a message waits for your answer"),
    TrayState.TROUBLE: N_("SendGuard: something does not work"),
}


def icon(name: str) -> QIcon:
    """An icon of ``resources/icons``, drawn sharply at every size a tray asks for."""
    drawing = QSvgRenderer(str(folder() / f"{name}.svg"))
    made = QIcon()
    for size in SIZES:
        pixmap = QPixmap(size, size)
        pixmap.fill(QColor(0, 0, 0, 0))
        with QPainter(pixmap) as painter:
            drawing.render(painter, QRectF(0, 0, size, size))
        made.addPixmap(pixmap)
    return made


def folder() -> Path:
    """Where the icons are: inside an installed package, beside it in a checkout."""
    inside = _PACKAGE / "resources" / "icons"
    return inside if inside.is_dir() else _PACKAGE.parent / "resources" / "icons"
