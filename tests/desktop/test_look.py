"""Everything can be read: light, dark, stretched German, twice the size."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from sendguard.audience.audience import Audience
from sendguard.audience.count import Basis, Count
from sendguard.desktop import icons, look
from sendguard.desktop.icons import TrayState
from sendguard.desktop.picture import MOST_DOTS, MOST_TYPED, Picture, scale
from sendguard.desktop.question import QuestionDialog
from sendguard.desktop.text import Tone, safe_label
from tests.desktop.conftest import Ask, dark_palette
from tests.desktop.examples import a_reply_to_62, question, sentences, the_2016_mail

HIGH_CONTRAST = QPalette(QColor("#000000"), QColor("#000000"))
HIGH_CONTRAST.setColor(QPalette.ColorRole.WindowText, QColor("#ffff00"))
GREY = QPalette(QColor("#d4d0c8"), QColor("#d4d0c8"))


def palettes() -> list[QPalette]:
    return [
        QPalette(QColor("#efefef"), QColor("#efefef")),
        QPalette(Qt.GlobalColor.white),
        GREY,
        dark_palette(),
        HIGH_CONTRAST,
    ]


def test_contrast_is_that_of_wcag() -> None:
    assert look.contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert look.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("number", range(5))
def test_accent_and_quiet_text_can_be_read_on_any_ground(qapp: QApplication, number: int) -> None:
    palette = palettes()[number]
    for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
        for colour in (look.accent(palette), look.quiet(palette)):
            assert look.contrast(colour, palette.color(role)) >= look.READABLE


def test_every_text_of_a_question_can_be_read_in_the_dark(ask: Ask, dark: QPalette) -> None:
    dialog = ask(a_reply_to_62(), armed=True)
    for label in dialog.findChildren(QLabel):
        if label.isVisible():
            ground = dark.color(QPalette.ColorRole.Window)
            ink = label.palette().color(QPalette.ColorRole.WindowText)
            assert look.contrast(ink, ground) >= look.READABLE, label.text()


def test_a_label_follows_the_palette_while_it_is_shown(qapp: QApplication, qtbot: QtBot, dark: QPalette) -> None:
    label = safe_label("text", Tone.ACCENT)
    qtbot.addWidget(label)
    qapp.setPalette(QPalette(QColor("#ffffff"), QColor("#ffffff")))
    qtbot.waitUntil(lambda: label.palette().color(QPalette.ColorRole.WindowText) == look.LIGHT_ACCENT)
    qapp.setPalette(dark)
    qtbot.waitUntil(lambda: label.palette().color(QPalette.ColorRole.WindowText) == look.DARK_ACCENT)


@pytest.mark.parametrize("times", [1.0, 2.0])
@pytest.mark.parametrize("make", [the_2016_mail, a_reply_to_62])
def test_german_at_twice_the_size_is_not_cut_off(qapp: QApplication, qtbot: QtBot, make: object, times: float) -> None:
    before = qapp.font()
    font = qapp.font()
    font.setPointSizeF(font.pointSizeF() * times)
    qapp.setFont(font)
    try:
        dialog = QuestionDialog(question(make()), sentences("de"))  # type: ignore[operator]
        dialog.show()
        for widget in dialog.findChildren(QWidget):
            if isinstance(widget, QLabel | QPushButton) and widget.isVisible():
                whole(widget)
        right = dialog.ways_out.dont_send_button
        assert right.mapTo(dialog, QPoint(right.width(), 0)).x() <= dialog.width()
        dialog.withdraw()
    finally:
        qapp.setFont(before)


def whole(widget: QLabel | QPushButton) -> None:
    """Fail when a text needs more room than it has."""
    if isinstance(widget, QLabel) and widget.wordWrap():
        assert widget.height() >= widget.heightForWidth(widget.width()), widget.text()
    else:
        assert widget.width() >= widget.minimumSizeHint().width(), widget.text()


def test_each_state_of_the_tray_has_a_shape_of_its_own(qapp: QApplication) -> None:
    shapes = set()
    for state in TrayState:
        drawn = icons.icon(state).pixmap(32, 32).toImage()
        shapes.add(bytes(drawn.pixelColor(x, y).alpha() > 128 for x in range(32) for y in range(32)))
    assert len(shapes) == len(TrayState)


def test_every_icon_is_sharp_at_every_size(qapp: QApplication) -> None:
    for name in (*TrayState, "sendguard"):
        made = icons.icon(name)
        assert {size.width() for size in made.availableSizes()} == set(icons.SIZES)
        assert any(made.pixmap(16, 16).toImage().pixelColor(8, y).alpha() for y in range(16)), name


# The picture


@pytest.mark.parametrize(
    ("people", "each"), [(0, 1), (1, 1), (360, 1), (361, 2), (412, 2), (900, 5), (850_112, 2500), (10_000_000, 50_000)]
)
def test_a_dot_stands_for_a_round_number(people: int, each: int) -> None:
    assert scale(people) == each


@pytest.mark.parametrize("people", [1, 14, 62, 359, 361, 9_999, 850_112, 7_654_321])
def test_the_dots_never_say_less_than_there_are_nor_a_dot_more(people: int) -> None:
    picture = Picture.of(Audience(Count.exact(people), typed=1))
    assert picture.sure <= MOST_DOTS
    assert picture.sure * picture.each >= people
    assert (picture.sure - 1) * picture.each < people
    assert picture.possible == 0


def test_what_is_only_possible_is_hollow() -> None:
    picture = Picture.of(Audience(Count(300, 412, Basis.AT_MOST), typed=2))
    assert (picture.each, picture.sure, picture.possible, picture.open) == (2, 150, 56, False)


def test_nobody_is_drawn_who_is_not_known() -> None:
    nothing = Picture.of(Audience(Count.unknown(), typed=1))
    assert (nothing.sure, nothing.possible, nothing.open) == (0, 0, True)
    some = Picture.of(Audience(Count.unknown(at_least=12), typed=13))
    assert (some.sure, some.possible, some.open) == (12, 0, True)


def test_too_many_typed_addresses_are_not_drawn_one_by_one() -> None:
    assert Picture.of(Audience(Count.exact(90), typed=MOST_TYPED + 1)).typed == 0
