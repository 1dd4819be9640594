"""Thunderbird on the accounts page: what guards each identity, and the buttons that change it."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from sendguard.desktop import look
from sendguard.desktop.mail_program import AddonInstalled, MailProfile, WayState
from sendguard.desktop.thunderbird_section import STATES, ThunderbirdSection
from sendguard.guard.account import Account, Security, Server
from tests.desktop.examples import THUNDERBIRD, FakeThunderbird, full_world
from tests.desktop.test_look import whole
from tests.desktop.test_window import Opened

PRIVATE = Account("ana.private@home.test", ("ana.private@home.test",), smtp=Server("smtp.home.test", 465, Security.TLS))
GATE, PRIVATE_WAY, OAUTH, OLD = THUNDERBIRD.ways


def open_page(qtbot: QtBot, *profiles: MailProfile, language: str = "en", **changes: object) -> Opened:
    fake = FakeThunderbird(profiles)
    for name, value in changes.items():
        setattr(fake, name, value)
    made = Opened(full_world(thunderbird=fake), qtbot, language)
    qtbot.addWidget(made.window, before_close_func=lambda window: window.closed.connect(window.hide))
    made.turn_to(2)
    return made


def section(opened: Opened) -> ThunderbirdSection:
    return opened.window.findChildren(ThunderbirdSection)[0]


def buttons(opened: Opened) -> list[QPushButton]:
    return [each for each in section(opened).findChildren(QPushButton) if each.isVisible()]


@pytest.fixture
def opened(qtbot: QtBot) -> Opened:
    made = open_page(qtbot, THUNDERBIRD)
    made.says("guarded by the gate")
    return made


def test_each_identity_says_by_shape_and_words_what_guards_it(opened: Opened) -> None:
    lines = [line for line in opened.words().splitlines() if line]
    for way in THUNDERBIRD.ways:
        assert lines[lines.index(f"{way.address} · {way.server}") + 1] == STATES[way.state]
    shapes = [label for label in section(opened).findChildren(QLabel) if not label.pixmap().isNull()]
    drawn = [bytes(label.pixmap().toImage().constBits()) for label in shapes]
    assert len(drawn) == 4
    assert drawn[0] != drawn[1]
    assert drawn[1] == drawn[2] == drawn[3]


def test_who_has_no_thunderbird_sees_nothing_of_it(qtbot: QtBot) -> None:
    made = open_page(qtbot)
    made.says("Accounts")
    assert not section(made).isVisible()


def test_a_gate_is_used_with_one_click(qtbot: QtBot) -> None:
    made = open_page(qtbot, replace(THUNDERBIRD, ways=(replace(PRIVATE_WAY, has_account=True),)))
    made.press("Use the gate")
    made.says("Done: from its next start Thunderbird sends through the gate,")
    assert made.world.thunderbird.done == [("gate", "2")]


def test_without_an_account_the_form_is_filled_in_and_the_gate_used_once_it_is_kept(
    qtbot: QtBot, opened: Opened
) -> None:
    opened.world.thunderbird.suggested = PRIVATE
    opened.press("Use the gate…")
    page = opened.window.accounts
    assert page is not None
    qtbot.waitUntil(lambda: page.form is not None)
    assert page.form is not None
    fields = page.form.fields
    assert fields.address.text() == "ana.private@home.test"
    assert fields.servers["smtp"].host.text() == "smtp.home.test"
    assert fields.gate_port.value() == 49_225
    assert not fields.name.isReadOnly()
    page.form.save_button.click()
    opened.says("Done: from its next start Thunderbird sends through the gate,")
    assert opened.world.thunderbird.done == [("gate", "2")]
    [kept] = [each for each in opened.world.accounts if each.name == PRIVATE.name]
    assert (kept.identities, kept.gate_port) == (PRIVATE.identities, 49_225)


def test_where_nobody_knows_the_servers_any_more_that_is_said(opened: Opened) -> None:
    opened.press("Use the gate…")
    opened.says("Thunderbird's settings have changed meanwhile")


def test_pointing_back_says_what_it_means(opened: Opened) -> None:
    opened.press("Point back")
    opened.says("sends to its own server again, past the gate")
    assert opened.world.thunderbird.done == [("back", GATE.id)]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("profile_open", "Thunderbird is open. Close it, then try again. Nothing was changed."),
        ("profile_fixed", "user.js sets this server anew at every start"),
        ("profile_unreadable", "cannot be read"),
        ("profile_not_written", "It sends as before."),
        ("server_gone", "have changed meanwhile"),
    ],
)
def test_what_keeps_it_from_being_done_is_said(qtbot: QtBot, trouble: str, words: str) -> None:
    made = open_page(qtbot, THUNDERBIRD, trouble=trouble)
    made.press("Point back")
    made.says(words)


def test_a_thunderbird_that_is_open_is_named_before_anybody_tries(qtbot: QtBot) -> None:
    open_page(qtbot, replace(THUNDERBIRD, in_use=True)).says("It is open now.")


def test_why_no_gate_can_be_used_is_said_and_no_button_offers_it(opened: Opened) -> None:
    opened.says("It logs in by OAuth, which works to the server's own name only, so no gate: use the add-on.")
    assert {each.accessibleDescription() for each in buttons(opened)} == {
        GATE.address,
        PRIVATE_WAY.address,
        OLD.address,
        "",  # the add-on's
    }


@pytest.mark.parametrize(
    ("came", "words"),
    [
        (AddonInstalled("/home/ana/x.xpi"), "The add-on is /home/ana/x.xpi. In Thunderbird: menu"),
        (AddonInstalled("/etc/p.json", by_policy=True), "for everybody who uses this computer. This stands in /etc/p"),
        (AddonInstalled(trouble="addon_forbidden"), "forbid the add-on"),
        (AddonInstalled(trouble="addon_not_written"), "could not be written"),
    ],
)  # fmt: skip
def test_installing_the_addon_says_what_came_of_it(qtbot: QtBot, came: AddonInstalled, words: str) -> None:
    made = open_page(qtbot, THUNDERBIRD, installed=came)
    made.press("Install the add-on")
    made.says(words)


def test_where_the_addon_guards_nothing_more_is_offered(qtbot: QtBot) -> None:
    way = replace(PRIVATE_WAY, state=WayState.ADDON)
    made = open_page(qtbot, replace(THUNDERBIRD, ways=(way,), has_addon=True))
    made.says("guarded by the add-on")
    assert buttons(made) == []


def test_several_profiles_are_told_apart_and_a_sandbox_is_named(qtbot: QtBot) -> None:
    flatpak = MailProfile("work", in_use=False, ways=(OAUTH,), sandbox="Flatpak")
    unreadable = MailProfile("old", in_use=False, unreadable=True)
    made = open_page(qtbot, THUNDERBIRD, flatpak, unreadable)
    made.says("Profile “default-release”")
    made.says("Profile “work” · Flatpak")
    made.says("comes from Flatpak, which may keep the add-on from reaching SendGuard")
    made.says("Thunderbird's settings cannot be read")


def test_the_keyboard_reaches_every_button_in_order_and_presses_it(qtbot: QtBot, opened: Opened) -> None:
    qtbot.waitActive(opened.window).__enter__()
    first, *others = buttons(opened)
    first.setFocus()
    reached = [first]
    while len(reached) < len(others) + 1:
        qtbot.keyClick(reached[-1], Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert isinstance(focused, QPushButton)
        reached.append(focused)
    assert [each.accessibleName() for each in reached] == [
        "Point back", "Use the gate…", "Point back", "Install the add-on",
    ]  # fmt: skip
    qtbot.keyClick(reached[-1], Qt.Key.Key_Space)
    opened.says("The add-on is /home/ana/sendguard.xpi")
    qtbot.waitUntil(lambda: QApplication.focusWidget() is section(opened).said)  # so that it is read out


@pytest.mark.parametrize("times", [1.0, 2.0])
def test_german_at_twice_the_size_is_not_cut_off(qapp: QApplication, qtbot: QtBot, times: float) -> None:
    before = qapp.font()
    font = qapp.font()
    font.setPointSizeF(font.pointSizeF() * times)
    qapp.setFont(font)
    try:
        made = open_page(qtbot, THUNDERBIRD, language="de")
        made.says("bewacht vom Tor")
        area = section(made)
        for widget in (*area.findChildren(QLabel), *buttons(made)):
            if widget.isVisible() and widget.text():
                whole(widget)
                assert widget.mapTo(area, QPoint(widget.width(), 0)).x() <= area.width()
    finally:
        qapp.setFont(before)


def test_every_text_can_be_read_in_the_dark(qtbot: QtBot, dark: QPalette) -> None:
    made = open_page(qtbot, THUNDERBIRD)
    made.says("guarded by the gate")
    ground = dark.color(QPalette.ColorRole.Window)
    for label in section(made).findChildren(QLabel):
        if label.isVisible() and label.text():
            ink = label.palette().color(QPalette.ColorRole.WindowText)
            assert look.contrast(ink, ground) >= look.READABLE, label.text()
