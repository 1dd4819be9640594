"""On a real screen: X, a window manager, a tray, and what a screen reader sees. No coordinate, no fake."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.accessibility import AccessibleDesktop, Widget
from tests.servers.display import Display
from tests.servers.processes import Daemon, wait_until

ASKS = "SendGuard asks: send this message?"
FIELD = "To send it, type the number of people:"

Started = Callable[..., Daemon]


@pytest.fixture
def started(display: Display, tmp_path: Path) -> Started:
    """Start SendGuard with submissions to these addresses coming in."""

    def start(*recipients: str) -> Daemon:
        return display.run([sys.executable, "-m", "tests.desktop.program", str(tmp_path), *recipients])

    return start


def said(program: Daemon, words: str) -> None:
    wait_until(lambda: words in program.log.read_text(), f"“{words}” from the program")


def enabled(widget: Widget) -> Widget:
    return wait_until(lambda: widget if "enabled" in widget.states else None, f"enabled {widget!r}")


def test_a_screen_reader_finds_the_question_types_the_number_and_sends(
    started: Started, accessible_desktop: AccessibleDesktop
) -> None:
    program = started("big@lists.test")
    dialog = accessible_desktop.find("dialog", ASKS)
    assert dialog.description.startswith("This message goes to 850,112 people. Exact")
    assert "is default" in accessible_desktop.find("push button", "Don’t send").states
    field = accessible_desktop.find("text", FIELD)
    assert field.description == "850,112"
    send = accessible_desktop.find("push button", "Send to 850,112 people")
    assert "enabled" not in send.states
    field.type("850112")
    enabled(send).press()
    said(program, "big@lists.test: send")
    accessible_desktop.wait_until_gone("dialog", ASKS)


def test_the_reading_order_is_number_picture_reasons_then_the_ways_out(
    started: Started, accessible_desktop: AccessibleDesktop
) -> None:
    started("big@lists.test")
    dialog = accessible_desktop.find("dialog", ASKS)
    names = [widget.name for widget in dialog.everything() if widget.name]
    order = ["850,112 people", "Why", "Message", FIELD, "Send to 850,112 people", "Don’t send"]
    places = [names.index(name) for name in order]
    assert places == sorted(places), names


@pytest.mark.parametrize(
    ("keys", "outcome"),
    [(["Escape"], "dont_send"), (["Return"], "dont_send"), (["space"], "dont_send")],
)
def test_one_key_as_it_opens_does_not_send(
    display: Display, started: Started, accessible_desktop: AccessibleDesktop, keys: list[str], outcome: str
) -> None:
    program = started("big@lists.test")
    safe = accessible_desktop.find("push button", "Don’t send")
    wait_until(lambda: "focused" in safe.states, "focus on “Don’t send”")
    display.press_keys(*keys)
    said(program, f"big@lists.test: {outcome}")


def test_the_keyboard_alone_sends_and_the_next_question_waits_its_turn(
    display: Display, started: Started, accessible_desktop: AccessibleDesktop
) -> None:
    program = started("middle@lists.test", "big@lists.test")
    send = accessible_desktop.find("push button", "Send to 150 people")
    wait_until(lambda: accessible_desktop.all_found("label", "1 more message waits behind this one."), "the other one")
    enabled(send)
    display.press_keys("Tab")
    wait_until(lambda: "focused" in send.states, "focus on “Send”")
    display.press_keys("space")
    said(program, "middle@lists.test: send")
    accessible_desktop.find("push button", "Send to 850,112 people")
    assert "big@lists.test" not in program.log.read_text()


def test_a_second_start_shows_the_window_of_the_first(
    display: Display, started: Started, accessible_desktop: AccessibleDesktop, tmp_path: Path
) -> None:
    program = started()
    said(program, "started")
    assert not accessible_desktop.all_found("frame", "SendGuard")
    command = [sys.executable, "-m", "tests.desktop.program", str(tmp_path)]
    assert subprocess.run(command, env=display.environment, timeout=20, check=False).returncode == 0
    accessible_desktop.find("label", "What is guarded")


def has_keyboard(desktop: AccessibleDesktop) -> bool:
    """Whether the window manager has given one of the windows the keyboard."""
    return any("active" in window.states for program in desktop.programs() for window in program.children())


def close_by_keyboard(display: Display, desktop: AccessibleDesktop, then: str) -> Widget:
    """Press Alt+F4 until there is a button. The window manager loses a key now and then, just as it shows a window."""
    while True:
        display.press_keys("alt+F4")
        with contextlib.suppress(TimeoutError):
            return desktop.find("push button", then, seconds=3)


def test_without_a_tray_the_window_shows_and_closing_it_asks_what_quitting_means(
    display: Display, started: Started, accessible_desktop: AccessibleDesktop
) -> None:
    display.stop_tray()
    program = started()
    accessible_desktop.find("label", "What is guarded")
    wait_until(lambda: has_keyboard(accessible_desktop), "window with the keyboard")
    close_by_keyboard(display, accessible_desktop, "Keep running").press()
    accessible_desktop.wait_until_gone("push button", "Keep running")
    assert program.is_running()
    wait_until(lambda: has_keyboard(accessible_desktop), "window with the keyboard")
    close_by_keyboard(display, accessible_desktop, "Quit").press()
    wait_until(lambda: not program.is_running(), "end of the program")


def turn_to(display: Display, desktop: AccessibleDesktop, role: str, name: str) -> Widget:
    """Turn the pages by Ctrl+Tab until the one with it shows."""
    while True:
        display.press_keys("ctrl+Tab")
        with contextlib.suppress(TimeoutError):
            return desktop.find(role, name, seconds=2)


def test_the_keyboard_turns_to_the_policies_and_a_screen_reader_reads_them(
    display: Display, started: Started, accessible_desktop: AccessibleDesktop, tmp_path: Path
) -> None:
    (tmp_path / "policy.json").write_text('{"AskAnyFrom": 50, "CheckSubject": "never"}')
    display.stop_tray()
    started()
    wait_until(lambda: has_keyboard(accessible_desktop), "window with the keyboard")
    display.press_keys("Tab")
    locked = turn_to(display, accessible_desktop, "spin box", "Ask about any message from")
    assert "enabled" not in locked.states
    assert locked.description.endswith("Managed by your organisation.")
    turn_to(display, accessible_desktop, "label", "Your organisation decides about 2 settings on this computer.")
    (entry,) = [each for each in accessible_desktop.all_found(name="Ask about any message from") if each.description]
    assert entry.description.startswith("50 people\nAskAnyFrom · policy of this computer (")
    assert entry.description.endswith("Managed by your organisation.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_an_open_question_is_not_answered(
    started: Started, accessible_desktop: AccessibleDesktop, number: signal.Signals
) -> None:
    program = started("big@lists.test")
    accessible_desktop.find("dialog", ASKS)
    program.stop(number)
    assert "big@lists.test:" not in program.log.read_text()
