"""Colours and sizes: the palette's own, and one accent that has a light and a dark value."""

from PySide6.QtGui import QColor, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication, QWidget

LIGHT_ACCENT = QColor("#a03406")
"""The accent on light ground."""
DARK_ACCENT = QColor("#ff9d54")
"""The accent on dark ground."""

READABLE = 4.5
"""WCAG 2.2 §1.4.3 (AA): contrast of text."""
VISIBLE = 3.0
"""WCAG 2.2 §1.4.11 (AA): contrast of what is not text."""


def accent(palette: QPalette) -> QColor:
    """The accent that stands out more from the window's ground."""
    return max((LIGHT_ACCENT, DARK_ACCENT), key=lambda colour: _against_grounds(colour, palette))


def quiet(palette: QPalette) -> QColor:
    """The text colour, drawn towards the ground as far as it stays readable."""
    ground, text = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.WindowText)
    for share in (0.60, 0.65, 0.70, 0.75, 0.80, 0.90):
        mixed = mix(text, ground, share)
        if _against_grounds(mixed, palette) >= READABLE:
            return mixed
    return text


def stay_readable(widget: QWidget) -> None:
    """Let a control that cannot be changed show its value in a colour that can be read: it is a fact, no leftover."""
    palette, own = QApplication.palette(), widget.palette()
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        own.setColor(QPalette.ColorGroup.Disabled, role, quiet(palette))
    if own != widget.palette():
        widget.setPalette(own)


def _against_grounds(colour: QColor, palette: QPalette) -> float:
    """The contrast on the worse of the two grounds that text stands on: the window's, and that of lists and fields."""
    return min(contrast(colour, palette.color(role)) for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base))


def mix(one: QColor, other: QColor, share: float) -> QColor:
    """``share`` of the one and the rest of the other."""
    return QColor.fromRgbF(
        one.redF() * share + other.redF() * (1 - share),
        one.greenF() * share + other.greenF() * (1 - share),
        one.blueF() * share + other.blueF() * (1 - share),
    )


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2.2: from 1 (none) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def em(widget: QWidget | None = None) -> float:
    """The height of a line of text in pixels: every distance is a part or multiple of it."""
    font = widget.font() if widget else QApplication.font()
    return QFontMetricsF(font).height()


def gap(share: float = 0.5) -> int:
    """A distance, as a share of a line's height."""
    return round(em() * share)


def _luminance(colour: QColor) -> float:
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
