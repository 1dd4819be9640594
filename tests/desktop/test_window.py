"""The main window: whether one is guarded, what waits, what happened, and every setting."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPlainTextEdit, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from sendguard.desktop.look import READABLE, contrast
from sendguard.desktop.services import SignedPolicyStatus
from sendguard.desktop.settings_page import CHANGEABLE
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.window import MainWindow
from sendguard.guard.ledger import LedgerFailed, State
from sendguard.settings.layers import Layer, Offer
from sendguard.settings.values import Values
from tests.desktop.examples import NOW, World, full_world, later, record, the_2016_mail, warned


class Opened:
    """A window over an in-memory world."""

    def __init__(self, world: World, qtbot: QtBot, language: str = "en") -> None:
        self.world = world
        self.tasks = Tasks()
        self.window = MainWindow(world.services(language), self.tasks)
        self.window.show()
        self._qtbot = qtbot

    def turn_to(self, page: int) -> None:
        self.window.tabs.setCurrentIndex(page)

    def words(self) -> str:
        return "\n".join(label.text() for label in self.window.findChildren(QLabel) if label.isVisible())

    def says(self, text: str) -> None:
        self._qtbot.waitUntil(lambda: text in self.words())

    def press(self, text: str) -> None:
        def found() -> list[QPushButton]:
            buttons = self.window.findChildren(QPushButton)
            return [each for each in buttons if each.text() == text and each.isVisible()]

        self._qtbot.waitUntil(lambda: bool(found()))
        found()[0].click()


@pytest.fixture
def opened(qtbot: QtBot) -> Iterator[Opened]:
    made = Opened(full_world(), qtbot)
    qtbot.addWidget(made.window, before_close_func=lambda window: window.closed.connect(window.hide))
    return made


def test_each_path_says_whether_it_blocks_or_only_warns(opened: Opened) -> None:
    opened.says("Work · SMTP gate · 127.0.0.1:49225\nblocks\nworks")
    opened.says("Work · drafts watch\nwarns only\ndoes not work")
    assert "did not accept the user name or password" in opened.words()


def test_what_waits_is_named_with_its_number(opened: Opened, qtbot: QtBot) -> None:
    opened.says("850,112 people · test")
    with qtbot.waitSignal(opened.window.open_question):
        opened.press("Show the question")


def test_what_may_have_been_sent_is_settled_by_its_person(opened: Opened, qtbot: QtBot) -> None:
    opened.says("today, 08:29 · a new message · 850,112 people · Work")
    opened.press("It was not sent")
    qtbot.waitUntil(lambda: opened.world.settled == [("9", False)])
    qtbot.waitUntil(lambda: "It may have been sent" not in opened.words())


def test_a_draft_that_would_go_to_many_is_shown(opened: Opened) -> None:
    opened.window.happened(warned(the_2016_mail()))
    opened.says("today, 08:29 · 850,112 people · test")
    opened.says("A draft is not held: SendGuard only warns.")


def test_what_waits_on_the_server_for_its_time_can_be_pulled_back(qtbot: QtBot) -> None:
    opened = Opened(full_world(scheduled=(later(the_2016_mail()),)), qtbot)
    qtbot.addWidget(opened.window, before_close_func=lambda window: window.closed.connect(window.hide))
    opened.says("today, 13:29 · 850,112 people · test")
    opened.says("this was not proven on a real Exchange server")
    opened.world.gives_back = False
    opened.press("Pull back")
    opened.says("The server did not give it back: it may have been sent already.")
    opened.world.gives_back = True
    opened.press("Pull back")
    qtbot.waitUntil(lambda: "Waiting on the server for their time" not in opened.words())


def test_where_only_exchange_is_asked_for_sizes_that_is_said(qtbot: QtBot) -> None:
    opened = Opened(full_world(directory=None, asks_exchange=True), qtbot)
    qtbot.addWidget(opened.window, before_close_func=lambda window: window.closed.connect(window.hide))
    opened.says("Lists are counted by asking your Exchange server")
    assert "No directory is set up" not in opened.words()


def test_looking_again_keeps_the_focus_where_nothing_has_changed(opened: Opened, qtbot: QtBot) -> None:
    opened.says("today, 08:29 · a new message · 850,112 people · Work")
    before = opened.window.findChildren(QPushButton)
    opened.window.refresh()
    opened.tasks.run(lambda: None, lambda _: opened.window.setWindowTitle("looked"))
    qtbot.waitUntil(lambda: opened.window.windowTitle() == "looked")
    assert opened.window.findChildren(QPushButton) == before


def test_without_an_account_it_says_that_nothing_is_guarded(qtbot: QtBot) -> None:
    opened = Opened(World(), qtbot)
    opened.says("Nothing is guarded yet: there is no account.")
    opened.press("Add an account")
    assert opened.window.accounts is not None
    assert opened.window.accounts.form is not None
    assert opened.window.accounts.form.isVisible()
    opened.window.accounts.form.reject()
    opened.window.hide()


def test_the_practice_mailbox_is_marked_and_plays_its_story(qtbot: QtBot) -> None:
    opened = Opened(World(practice=True), qtbot)
    assert opened.window.windowTitle() == "SendGuard – practice"
    opened.press("The first mail: “test” to one list")
    qtbot.waitUntil(lambda: opened.world.played == ["first"])
    opened.window.hide()


def test_a_ledger_that_cannot_be_read_is_said(qtbot: QtBot) -> None:
    world = World()
    services = world.services()

    def broken() -> tuple[object, ...]:
        raise LedgerFailed

    object.__setattr__(services, "unknown", broken)
    object.__setattr__(services, "history", broken)
    world.services = lambda language="en": services  # type: ignore[method-assign]
    opened = Opened(world, qtbot)
    opened.says("SendGuard cannot write its ledger")
    opened.turn_to(1)
    opened.says("SendGuard cannot write its ledger")
    opened.window.hide()


def test_closing_is_left_to_the_owner(opened: Opened, qtbot: QtBot) -> None:
    with qtbot.waitSignal(opened.window.closed):
        assert not opened.window.close()
    assert opened.window.isVisible()


# History


def test_the_history_counts_those_who_changed_their_mind(opened: Opened) -> None:
    opened.turn_to(1)
    opened.says("Asked 4 times, 2 times you changed your mind.")


def test_the_history_shows_what_was_asked_and_what_came_of_it(opened: Opened, qtbot: QtBot) -> None:
    opened.turn_to(1)
    history = opened.window.history
    assert history is not None
    qtbot.waitUntil(lambda: history.table.rowCount() == 5)
    row = [history.table.item(1, column).text() for column in range(5)]
    assert row == [
        "today, 05:29",
        "a reply to all",
        "1 address",
        "62 people",
        "sent · you replied to the sender only",
    ]


def test_pages_are_made_when_they_are_first_seen(opened: Opened) -> None:
    assert opened.window.settings is None
    opened.window.show_settings()
    assert opened.window.settings is not None


# The organisation


def test_without_an_organisation_nothing_is_said_of_one(opened: Opened) -> None:
    assert "our organisation" not in opened.words()


def test_what_the_organisation_does_is_said_on_the_first_page(qtbot: QtBot) -> None:
    policy = (Offer(Layer.MACHINE, "it.json", {"MonitorOnly": True}),)
    signed = SignedPolicyStatus(NOW - timedelta(hours=1), NOW + timedelta(days=3), NOW, "policy_expired")
    opened = Opened(full_world(policy=policy, signed_policy=signed), qtbot)
    opened.says("Work · SMTP gate · 127.0.0.1:49225\nonly monitors\nworks")
    opened.says("Your organisation decides some of the settings.")
    opened.says("SendGuard only monitors: everything is judged and recorded, and nothing is asked.")
    opened.says("Signed policy of today, ")
    opened.says("What it tightened stays in force.")
    opened.world.policy = ()
    opened.world.signed_policy = None
    opened.window.refresh()
    assert "our organisation" not in opened.words()


# Settings


def settings_of(opened: Opened) -> dict[str, QWidget]:
    opened.window.show_settings()
    assert opened.window.settings is not None
    return {name: control.focus for name, control in opened.window.settings.controls.items()}


def test_every_setting_has_a_control_with_its_name_and_description(opened: Opened) -> None:
    controls = settings_of(opened)
    assert set(controls) == {setting.name for setting in CHANGEABLE}
    for setting in CHANGEABLE:
        assert controls[setting.name].accessibleName() == setting.title
        assert controls[setting.name].accessibleDescription() == setting.description


def test_the_controls_show_the_values_in_force_and_read_them_back(qtbot: QtBot) -> None:
    given = {"AskReplyFrom": 35, "BlockFrom": 0, "ProtectedLists": ("board | Ask first.",), "CheckSubject": "ask"}
    opened = Opened(World(own=dict(given)), qtbot)
    settings_of(opened)
    assert opened.window.settings is not None
    read = opened.window.settings.read()
    assert read == {setting.name: Values(given)[setting.name] for setting in CHANGEABLE}
    opened.window.hide()


def test_what_the_organisation_decided_is_locked_and_says_so(qtbot: QtBot) -> None:
    policy = Offer(Layer.MACHINE, "it.json", {"AskReplyFrom": 15, "Audit": True})
    opened = Opened(World(policy=(policy,), own={"AskReplyFrom": 400, "AskAnyFrom": 80}), qtbot)
    boxes = settings_of(opened)
    page = opened.window.settings
    assert page is not None
    assert isinstance(boxes["AskReplyFrom"], QSpinBox)
    assert boxes["AskReplyFrom"].value() == 15
    for name in ("AskReplyFrom", "Audit"):
        assert not boxes[name].isEnabled()
        assert boxes[name].accessibleDescription().endswith("Managed by your organisation.")
        assert not page.locks[name].isHidden()
    assert boxes["AskAnyFrom"].isEnabled()
    assert page.locks["AskAnyFrom"].isHidden()


def test_a_locked_value_can_be_read(qtbot: QtBot) -> None:
    opened = Opened(World(policy=(Offer(Layer.MACHINE, "it.json", {"AskReplyFrom": 15}),)), qtbot)
    palette = settings_of(opened)["AskReplyFrom"].palette()
    group = QPalette.ColorGroup.Disabled
    written = palette.color(group, QPalette.ColorRole.Text)
    assert contrast(written, palette.color(group, QPalette.ColorRole.Window)) >= READABLE


def test_saving_keeps_nothing_of_what_the_organisation_decided(qtbot: QtBot) -> None:
    policy = (
        Offer(Layer.MACHINE, "it.json", {"AskReplyFrom": 15}),
        Offer(Layer.RECOMMENDED, "maybe.json", {"AskAnyFrom": 60}),
    )
    opened = Opened(World(policy=policy), qtbot)
    box = settings_of(opened)["TypeFrom"]
    assert isinstance(box, QSpinBox)
    box.setValue(300)
    opened.press("Save")
    opened.says("Saved. It holds for every message from now on.")
    assert opened.world.own == {"TypeFrom": 300}
    assert opened.world.settings.number("AskAnyFrom") == 60


def test_a_threshold_of_zero_reads_off(opened: Opened) -> None:
    box = settings_of(opened)["BlockFrom"]
    assert isinstance(box, QSpinBox)
    assert box.text() == "Off"


def test_nothing_holds_before_it_is_saved(opened: Opened, qtbot: QtBot) -> None:
    box, lines = (settings_of(opened)[name] for name in ("AskReplyFrom", "BlockedLists"))
    assert isinstance(box, QSpinBox)
    assert isinstance(lines, QPlainTextEdit)
    page = opened.window.settings
    assert page is not None
    assert not page.save_button.isEnabled()
    box.setValue(50)
    lines.setPlainText("all@nhs.test | Closed.\n\n  board  \n")
    assert opened.world.settings.number("AskReplyFrom") == 20
    page.save_button.click()
    opened.says("Saved. It holds for every message from now on.")
    assert opened.world.settings.number("AskReplyFrom") == 50
    assert opened.world.settings.lines("BlockedLists") == ("all@nhs.test | Closed.", "board")


def test_changes_can_be_undone(opened: Opened) -> None:
    box = settings_of(opened)["AskReplyFrom"]
    assert isinstance(box, QSpinBox)
    box.setValue(50)
    opened.press("Undo changes")
    assert box.value() == 20


def test_a_full_disk_is_said_and_the_old_settings_hold(opened: Opened) -> None:
    box = settings_of(opened)["AskReplyFrom"]
    assert isinstance(box, QSpinBox)
    box.setValue(50)
    opened.world.disk_full = True
    opened.press("Save")
    opened.says("Not saved: the settings file could not be written. The old settings hold.")
    assert opened.world.settings.number("AskReplyFrom") == 20


def test_a_system_without_start_at_login_is_said(opened: Opened) -> None:
    opened.world.can_start_at_login = False
    settings_of(opened)["StartAtLogin"].click()  # type: ignore[attr-defined]
    opened.press("Save")
    opened.says("This system offers no start at login")


def test_the_wheel_over_a_control_changes_nothing(opened: Opened) -> None:
    for name in ("AskReplyFrom", "Language"):
        control = settings_of(opened)[name]
        before = control.value() if isinstance(control, QSpinBox) else control.currentIndex()  # type: ignore[attr-defined]
        turn_wheel(control)
        assert isinstance(control, QSpinBox | QComboBox)
        assert before == (control.value() if isinstance(control, QSpinBox) else control.currentIndex())


def turn_wheel(control: QWidget) -> None:
    middle = QPointF(control.rect().center())
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(middle, control.mapToGlobal(middle), QPoint(0, -120), QPoint(0, -120), *none, False)
    QApplication.sendEvent(control, wheel)


# Tasks


@pytest.mark.logs("fault: ZeroDivisionError")
def test_an_error_nobody_expected_comes_back_and_is_logged(qtbot: QtBot) -> None:
    tasks, ends = Tasks(), []

    def then(done: Done[float]) -> None:
        ends.append(done.error)

    tasks.run(lambda: 1 / 0, then)
    qtbot.waitUntil(lambda: len(ends) == 1)
    assert isinstance(ends[0], ZeroDivisionError)


def test_unknown_rows_have_their_state_in_the_history() -> None:
    assert record("9", State.UNKNOWN).state is State.UNKNOWN
