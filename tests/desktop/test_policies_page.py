"""The Policies page, and settings that IT changes while somebody looks at them."""

import json
import threading

import pytest
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from sendguard.desktop import look
from sendguard.desktop.managed import Lock
from sendguard.desktop.policies_page import Entry, PoliciesPage
from sendguard.desktop.settings_page import SettingsPage
from sendguard.desktop.tasks import Tasks
from sendguard.desktop.window import MainWindow
from sendguard.settings.layers import Layer, Offer
from tests.desktop.conftest import dark_palette
from tests.desktop.examples import World

IT = "/etc/sendguard/policies/managed/10.json"
POLICY = (
    Offer(Layer.MACHINE, IT, {"AskAnyFrom": 50, "AuditKey": "hush", "CheckSubject": "never"}),
    Offer(Layer.MACHINE, "/etc/x.json", broken="owner"),
    Offer(Layer.RECOMMENDED, "maybe.json", {"StartAtLogin": True}),
)


class Opened:
    def __init__(self, world: World, page: int, language: str = "en") -> None:
        self.world = world
        self.window = MainWindow(world.services(language), Tasks())
        self.window.show()
        self.window.tabs.setCurrentIndex(page)

    @property
    def policies(self) -> PoliciesPage:
        assert self.window.policies is not None
        return self.window.policies

    @property
    def settings(self) -> SettingsPage:
        assert self.window.settings is not None
        return self.window.settings

    def number(self, name: str) -> QSpinBox:
        box = self.settings.controls[name].focus
        assert isinstance(box, QSpinBox)
        return box

    def entries(self) -> dict[str, Entry]:
        QApplication.processEvents()  # a layout shows what is new in it a turn later
        found = self.policies.decided.findChildren(Entry)
        return {entry.accessibleName(): entry for entry in found if not entry.isHidden()}

    def words(self, of: QWidget | None = None) -> list[str]:
        QApplication.processEvents()
        labels = (of or self.policies).findChildren(QLabel)
        return [label.text().replace("\u200b", "") for label in labels if label.isVisible()]


@pytest.fixture
def opened(qtbot: QtBot) -> Opened:
    made = Opened(World(policy=POLICY, own={"AskAnyFrom": 400, "AskReplyFrom": 12}), page=4)
    qtbot.addWidget(made.window, before_close_func=lambda window: window.closed.connect(window.hide))
    return made


@pytest.fixture
def at_settings(qtbot: QtBot) -> Opened:
    made = Opened(World(policy=POLICY), page=3)
    qtbot.addWidget(made.window, before_close_func=lambda window: window.closed.connect(window.hide))
    return made


def test_it_says_first_whether_the_computer_is_managed_and_then_what_is_not_taken(opened: Opened) -> None:
    words = opened.words()
    assert words[0] == "Your organisation decides about 3 settings on this computer."
    assert words[1] == "What is not taken"
    assert words[2].startswith("Nothing of /etc/x.json is taken: it belongs to somebody who may not set policy.")
    assert words[3] == f"{IT}, CheckSubject: its value is none of the choices. One of: off, notice, ask."


def test_each_setting_names_its_value_who_decided_it_and_what_that_overrides(opened: Opened) -> None:
    assert list(opened.entries()) == [
        "Ask about a reply from", "Ask about any message from", "An empty subject", "Start at login",
        "Key of the audit's pseudonyms",
    ]  # fmt: skip
    assert opened.words(opened.entries()["Ask about any message from"]) == [
        "Ask about any message from",
        "50 people",
        f"AskAnyFrom · policy of this computer ({IT})",
        "overrides your own settings (settings.toml): 400 people",
    ]


def test_a_problem_stands_beside_its_setting_too(opened: Opened) -> None:
    words = opened.words(opened.entries()["An empty subject"])
    assert words[1] == "Mention it"
    assert words[-1].startswith(f"{IT}, CheckSubject: its value is none of the choices.")


def test_what_is_managed_has_a_lock_and_screen_readers_are_told(opened: Opened) -> None:
    managed, own = (opened.entries()[name] for name in ("Ask about any message from", "Start at login"))
    (lock,) = managed.findChildren(Lock)
    assert lock.accessibleName() == "Managed by your organisation."
    assert managed.accessibleDescription().endswith("400 people\nManaged by your organisation.")
    assert not own.findChildren(Lock)
    assert own.accessibleDescription() == "On\nStartAtLogin · recommendation (maybe.json)"


def test_only_what_is_managed_can_be_shown(opened: Opened) -> None:
    opened.policies.only_managed.click()
    assert list(opened.entries()) == [
        "Ask about any message from", "An empty subject", "Key of the audit's pseudonyms",
    ]  # fmt: skip


def test_a_key_is_shown_nowhere_and_not_copied(opened: Opened) -> None:
    assert "(not shown)" in opened.words()
    opened.policies.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert json.loads(copied)["managed"] is True
    assert "hush" not in copied + "".join(opened.words())
    assert "Copied. Keys and codes are masked." in opened.words()


def test_without_policy_it_says_so(qtbot: QtBot) -> None:
    opened = Opened(World(), page=4, language="de")
    assert opened.words() == [
        "Auf diesem Computer gilt keine Richtlinie einer Organisation.",
        "Was bestimmt ist",
        "Niemand hat etwas bestimmt: Jede Einstellung hat ihren eingebauten Wert.",
    ]
    opened.window.hide()


def test_it_follows_what_it_decides_from_any_thread(opened: Opened, qtbot: QtBot) -> None:
    changed = (Offer(Layer.MACHINE, IT, {"AskAnyFrom": 30}),)
    thread = threading.Thread(target=opened.world.new_policy, args=changed)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "Your organisation decides about 1 setting on this computer." in opened.words())
    assert opened.words(opened.entries()["Ask about any message from"])[1] == "30 people"
    assert not opened.policies.problems.isVisible()


def test_looking_again_leaves_what_has_not_changed(opened: Opened) -> None:
    before = opened.entries()
    opened.policies.refresh()
    assert opened.entries() == before


# Settings that change under one's hands


def test_a_setting_is_locked_while_the_page_is_open(at_settings: Opened) -> None:
    at_settings.world.new_policy(Offer(Layer.MACHINE, IT, {"AskReplyFrom": 5}))
    assert at_settings.number("AskReplyFrom").value() == 5
    assert not at_settings.number("AskReplyFrom").isEnabled()
    assert at_settings.number("AskAnyFrom").isEnabled()
    assert not at_settings.settings.save_button.isEnabled()


def test_what_was_changed_and_not_saved_stays_unless_it_is_locked_now(at_settings: Opened, qtbot: QtBot) -> None:
    at_settings.number("TypeFrom").setValue(321)
    at_settings.number("AskReplyFrom").setValue(33)
    at_settings.world.new_policy(Offer(Layer.MACHINE, IT, {"AskReplyFrom": 5}))
    assert at_settings.number("TypeFrom").value() == 321
    assert at_settings.number("AskReplyFrom").value() == 5
    assert at_settings.settings.save_button.isEnabled()
    at_settings.settings.save_button.click()
    qtbot.waitUntil(lambda: at_settings.world.own == {"TypeFrom": 321})


def test_what_is_saved_is_no_change_any_more(at_settings: Opened, qtbot: QtBot) -> None:
    at_settings.number("TypeFrom").setValue(321)
    at_settings.settings.save_button.click()
    at_settings.world.new_policy(*POLICY)
    qtbot.waitUntil(lambda: at_settings.world.own == {"TypeFrom": 321})
    at_settings.world.new_policy(*POLICY)
    qtbot.waitUntil(lambda: not at_settings.settings.save_button.isEnabled())


def test_trouble_with_a_policy_is_not_blamed_on_ones_own_file(at_settings: Opened) -> None:
    assert at_settings.settings.said.text().startswith("Something in your organisation's policy is not taken: ")


def test_a_locked_value_can_be_read_in_light_and_dark(at_settings: Opened, qapp: QApplication) -> None:
    before = qapp.palette()
    box = at_settings.number("AskAnyFrom")
    try:
        for palette in (before, dark_palette()):
            qapp.setPalette(palette)
            QApplication.processEvents()
            seen = box.palette()
            text = seen.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
            ground = seen.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Base)
            assert look.contrast(text, ground) >= look.READABLE
    finally:
        qapp.setPalette(before)
