"""The tray, and one SendGuard for each person."""

import os
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from sendguard.desktop.application import Desktop
from sendguard.desktop.bridge import Bridge
from sendguard.desktop.icons import TrayState
from sendguard.desktop.services import SignedPolicyStatus
from sendguard.desktop.single import LocalServerDoor, SingleInstance
from sendguard.desktop.tray import Tray, quit_question
from sendguard.guard.ledger import State
from sendguard.guard.ports import Activity, ActivityKind
from sendguard.settings.layers import Layer, Offer
from tests.desktop.examples import NOW, World, record, sentences


def shown_actions(tray: Tray) -> list[str]:
    return [action.text() for action in tray.menu.actions() if action.isVisible() and not action.isSeparator()]


def test_the_menu_offers_the_question_only_while_one_is_open(qtbot: QtBot) -> None:
    tray = Tray(sentences().catalogue)
    assert shown_actions(tray) == ["Open SendGuard", "Settings", "Quit…"]
    tray.set_state(TrayState.HOLDING)
    assert shown_actions(tray)[0] == "Show the question"
    tray.set_state(TrayState.WATCHING)
    assert "Show the question" not in shown_actions(tray)


def test_a_click_opens_what_is_needed_now(qtbot: QtBot) -> None:
    tray = Tray(sentences().catalogue)
    with qtbot.waitSignal(tray.open_window):
        tray._activated(QSystemTrayIcon.ActivationReason.Trigger)
    tray.set_state(TrayState.HOLDING)
    with qtbot.waitSignal(tray.open_question):
        tray._activated(QSystemTrayIcon.ActivationReason.Trigger)


def test_each_state_has_its_own_words(qtbot: QtBot) -> None:
    tray = Tray(sentences("de").catalogue)
    said = set()
    for state in TrayState:
        tray.set_state(state)
        said.add(tray._tray.toolTip())
    assert said == {
        "SendGuard: wacht",
        "SendGuard: Eine Nachricht wartet auf Ihre Antwort",
        "SendGuard: Etwas arbeitet nicht",
    }


def test_a_policy_that_is_not_taken_is_trouble_and_ones_own_file_is_not(qapp: QApplication, tmp_path: Path) -> None:
    world = World()
    desktop = Desktop(qapp, world.services(), Bridge(), SingleInstance(tmp_path))
    for policy, own, state in (
        ((), {}, TrayState.WATCHING),
        ((), {"AskAnyFrom": "many"}, TrayState.WATCHING),
        ((Offer(Layer.MACHINE, "it.json", broken="owner"),), {}, TrayState.TROUBLE),
    ):
        world.policy, world.own = policy, own
        desktop._show_state()
        assert desktop.tray.state is state


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        ("", TrayState.WATCHING),
        ("policy_not_fetched", TrayState.WATCHING),
        ("policy_expired", TrayState.TROUBLE),
        ("policy_refused", TrayState.TROUBLE),
        ("policy_keys", TrayState.TROUBLE),
    ],
)
def test_a_signed_policy_that_has_expired_or_was_refused_is_seen_in_the_tray(
    qapp: QApplication, tmp_path: Path, trouble: str, state: TrayState
) -> None:
    world = World(signed_policy=SignedPolicyStatus(NOW, NOW, NOW, trouble))
    desktop = Desktop(qapp, world.services(), Bridge(), SingleInstance(tmp_path))
    desktop._show_state()
    assert desktop.tray.state is state


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        (ActivityKind.TROUBLE, "policy_expired", "The signed policy is out of date."),
        (ActivityKind.CANCELLED, "client_gone", "A message was withdrawn and not sent"),
        (ActivityKind.CANCELLED, "tried_again", ""),
    ],
)
def test_what_nobody_would_see_otherwise_is_said_beside_the_tray(
    qapp: QApplication, tmp_path: Path, kind: ActivityKind, detail: str, said: str
) -> None:
    desktop = Desktop(qapp, World().services(), Bridge(), SingleInstance(tmp_path))
    remarks: list[str] = []
    desktop.tray.remark = remarks.append  # type: ignore[method-assign]
    row = record("1", State.CANCELLED, detail=detail)
    desktop._happened(Activity(kind, NOW, record=row, detail=detail if kind is ActivityKind.TROUBLE else ""))
    assert " ".join(remarks).startswith(said)
    assert bool(remarks) is bool(said)


def test_quitting_says_what_it_means_and_keeps_running_by_default(qtbot: QtBot) -> None:
    box = quit_question(sentences().catalogue)
    qtbot.addWidget(box)
    assert "opens no way past it" in box.informativeText()
    assert box.defaultButton().text() == "Keep running"
    assert box.escapeButton() is box.defaultButton()
    assert box.buttonRole(box.defaultButton()) is QMessageBox.ButtonRole.RejectRole


@pytest.mark.parametrize("system", ["signals", "windows"])
def test_a_second_start_shows_the_window_of_the_first(tmp_path: Path, qtbot: QtBot, system: str) -> None:
    doors = [LocalServerDoor(tmp_path) if system == "windows" else None for _ in range(2)]
    first, second = (SingleInstance(tmp_path, door) for door in doors)
    shown: list[str] = []
    assert first.acquire()
    first.when_started_again(lambda: shown.append("shown"))
    assert not second.acquire()
    assert second.knock()
    qtbot.waitUntil(lambda: shown == ["shown"])
    first.release()
    assert second.acquire()
    second.release()


def test_nobody_answers_a_knock_where_nothing_runs(tmp_path: Path, qtbot: QtBot) -> None:
    assert not SingleInstance(tmp_path).knock(within_ms=100)
    assert not LocalServerDoor(tmp_path).knock(os.getpid(), within_ms=100)
