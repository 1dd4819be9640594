"""What a person waits for: the tray after login, and the question after the final dot. On a screen of its own."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from sendguard.storage.places import Places
from tests.benchmarks.gate import Measured
from tests.servers.display import Display
from tests.servers.processes import server_folder

ROUNDS = 7

BARE = """
import json, os, resource, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon
app = QApplication(["bare"])
picture = QPixmap(32, 32)
picture.fill("red")
menu = QMenu()
menu.addAction(QAction("Quit", menu))
tray = QSystemTrayIcon(QIcon(picture))
tray.setContextMenu(menu)
tray.show()
from tests.benchmarks.inside import tell_when_idle
tell_when_idle(app)
app.exec()
"""

OURS = """
from tests.benchmarks.inside import run_ours
run_ours()
"""

WITH_EXCHANGE = OURS.replace("run_ours()", "run_ours(exchange=True)")

QUESTION = """
from tests.benchmarks.inside import time_the_question
time_the_question()
"""


def run(*, rounds: int = ROUNDS) -> list[Measured]:
    """Measure; starts a screen, a window manager and a tray."""
    with server_folder("bench-screen") as folder, Display(folder) as screen:
        environment = dict(screen.environment)
        programs = (BARE, OURS, WITH_EXCHANGE)
        told = [[_told(program, environment, folder) for program in programs] for _ in range(rounds)]
        pairs = [(bare, ours) for bare, ours, _ in told]
        exchange = statistics.median(both["up"] / ours["up"] for _, ours, both in told)
        start = statistics.median(ours["up"] / bare["up"] for bare, ours in pairs)
        memory = statistics.median(ours["memory"] / bare["memory"] for bare, ours in pairs)
        up = statistics.median(ours["up"] for _, ours in pairs)
        held = statistics.median(ours["memory"] for _, ours in pairs)
        question = _told(QUESTION, environment, folder)["milliseconds"]
    return [
        Measured(
            "tray up, against a bare tray program", f"{start:.2f} × ({up * 1000:.0f} ms)", "≤ 1.6 ×", start <= 1.6
        ),
        Measured("tray up with an Exchange account, against none", f"{exchange:.2f} ×", "≤ 1.1 ×", exchange <= 1.1),
        Measured("memory with the tray up, likewise", f"{memory:.2f} × ({held:.0f} MB)", "≤ 1.4 ×", memory <= 1.4),
        Measured("final dot to the question on the screen", f"{question:.0f} ms", "≤ 150 ms", question <= 150),
    ]


def _told(program: str, environment: dict[str, str], folder: Path) -> dict[str, float]:
    home = Places.under(folder / "home")
    done = subprocess.run(
        [sys.executable, "-c", program, str(home.data.parent)],
        env=environment, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
