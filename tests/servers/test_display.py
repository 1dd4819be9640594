"""The private display does what the tests that look at the screen rely on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from tests.servers.accessibility import AccessibleDesktop
from tests.servers.display import Display
from tests.servers.processes import Daemon, server_folder, wait_until

PROGRAM = """
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QPushButton, QSystemTrayIcon, QVBoxLayout
app = QApplication(["question"])
red = QPixmap(64, 64)
red.fill(QColor("#ff0000"))
tray = QSystemTrayIcon(QIcon(red))
tray.show()
print("tray", tray.isSystemTrayAvailable(), flush=True)
dialog = QDialog()
dialog.setWindowTitle("Question")
field = QLineEdit()
field.setAccessibleName("Number of people")
send, refuse = QPushButton("Send"), QPushButton("Don't send")
refuse.setDefault(True)
refuse.setAccessibleDescription("The message stays where it is")
send.setEnabled(False)
field.textChanged.connect(lambda text: send.setEnabled(text == "412"))
layout = QVBoxLayout(dialog)
for widget in (QLabel("412 people"), field, send, refuse):
    layout.addWidget(widget)
for answer in (send, refuse):
    answer.clicked.connect(lambda _, answer=answer: (print("answer", answer.text(), flush=True), app.quit()))
app.setQuitOnLastWindowClosed(False)
dialog.show()
app.exec()
"""

KEYRING = "import keyring; keyring.set_password('a', 'b', 'secret'); print(keyring.get_password('a', 'b'))"


@pytest.fixture
def question(display: Display) -> Daemon:
    """A small Qt program with a tray icon and a question."""
    return display.run([sys.executable, "-c", PROGRAM])


def said(program: Daemon, words: str) -> Callable[[], bool]:
    return lambda: words in program.log.read_text()


def test_a_program_finds_a_tray_and_its_icon_is_shown(display: Display, question: Daemon, tmp_path: Path) -> None:
    wait_until(said(question, "tray True"), "tray")
    wait_until(lambda: shows_red(display, tmp_path / "screen.png"), "red icon on the screen")


def shows_red(display: Display, picture: Path) -> bool:
    display.screenshot(picture)
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 800)
    bottom = range(image.height() - 30, image.height())
    return any(image.pixelColor(x, y) == QColor("#ff0000") for y in bottom for x in range(0, image.width(), 4))


def test_a_display_can_be_without_tray_and_get_one_later() -> None:
    with server_folder("display") as folder, Display(folder, tray=False) as display:
        program = display.run([sys.executable, "-c", PROGRAM])
        wait_until(said(program, "tray False"), "absence of a tray")
        display.start_tray()
        display.stop_tray()
        assert program.is_running()


def test_a_dialog_can_be_read_filled_in_and_answered(question: Daemon, accessible_desktop: AccessibleDesktop) -> None:
    assert accessible_desktop.find("dialog", "Question").name == "Question"
    assert accessible_desktop.find("label", "412 people")
    send = accessible_desktop.find("push button", "Send")
    assert "enabled" not in send.states
    field = accessible_desktop.find("text", "Number of people")
    field.type("412")
    assert field.text == "412"
    wait_until(lambda: "enabled" in send.states, "enabled button")
    send.press()
    wait_until(said(question, "answer Send"), "answer")
    wait_until(lambda: not question.is_running(), "end of the program")


def test_what_is_default_and_described_can_be_read(question: Daemon, accessible_desktop: AccessibleDesktop) -> None:
    refuse = accessible_desktop.find("push button", "Don't send")
    assert refuse.description == "The message stays where it is"
    assert "is default" in refuse.states, accessible_desktop.outline()


def test_keys_go_to_what_has_the_focus(
    display: Display, question: Daemon, accessible_desktop: AccessibleDesktop
) -> None:
    field = accessible_desktop.find("text", "Number of people")
    wait_until(lambda: "focused" in field.states, "focus")
    display.press_keys("4", "1", "2", "Tab", "space")
    wait_until(said(question, "answer Send"), "answer")


def test_without_unlocking_there_is_no_keyring(display: Display) -> None:
    done = subprocess.run([sys.executable, "-c", KEYRING], env=display.environment, capture_output=True, timeout=30)
    assert b"NoKeyringError" in done.stderr


def test_an_unlocked_keyring_keeps_a_password(display: Display) -> None:
    display.bus.unlock_keyring()
    done = subprocess.run([sys.executable, "-c", KEYRING], env=display.environment, capture_output=True, timeout=30)
    assert done.stdout == b"secret\n", done.stderr


def test_nothing_of_a_display_is_left_when_it_stops() -> None:
    with server_folder("display") as folder:
        with Display(folder) as display, AccessibleDesktop(display.bus.address) as desktop:
            desktop.programs()
            assert processes_of(folder)
        wait_until(lambda: not processes_of(folder), "end of all processes")


def processes_of(folder: Path) -> list[str]:
    """Return the commands of running processes that live in a display's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "comm").read_text().strip())
        except OSError:  # it ended, or it is somebody else's
            continue
    return found
