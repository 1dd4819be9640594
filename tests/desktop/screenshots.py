"""Pictures of every window, for the documentation and for looking at: ``python -m tests.desktop.screenshots [FOLDER]``.

Drawn offscreen with Qt's own style, so that they are the same everywhere with the same fonts.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from PySide6.QtGui import QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from sendguard.audience.count import Basis
from sendguard.desktop.account_form import AccountForm
from sendguard.desktop.icons import TrayState, icon
from sendguard.desktop.notice import NotSent
from sendguard.desktop.question import QuestionDialog
from sendguard.desktop.tasks import Tasks
from sendguard.desktop.window import MainWindow
from sendguard.guard.account import ExchangeServer, Login
from sendguard.guard.judge import Judgement
from sendguard.mail.kind import Kind
from sendguard.policy.action import Action
from sendguard.settings.layers import Layer, Offer
from tests.desktop.conftest import dark_palette
from tests.desktop.examples import (
    AUDIT,
    HISTORY,
    NOW,
    THUNDERBIRD,
    WORK,
    FakeThunderbird,
    a_blocked_mail,
    a_list_of_unknown_size,
    a_list_that_needs_a_code,
    a_reply_to_62,
    full_world,
    question,
    record,
    sentences,
    the_2016_mail,
    the_same_in_thunderbird,
    two_lists_that_overlap,
    warned,
)

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SETTLED = 0.4
"""Seconds in which a window's tasks have come back."""


def the_question(judgement: Judgement, language: str = "en") -> QuestionDialog:
    dialog = QuestionDialog(question(judgement), sentences(language), arm_after_ms=0)
    dialog.arming.begin()
    return dialog


def the_window(page: int, language: str = "en") -> MainWindow:
    window = MainWindow(full_world().services(language), Tasks(QApplication.instance()))
    window.happened(warned(the_2016_mail()))
    window.tabs.setCurrentIndex(page)
    return window


def the_history(language: str = "en") -> MainWindow:
    """A month of monitoring, with an audit."""
    sizes = [1] * 240 + [4] * 90 + [14] * 40 + [30] * 11 + [75] * 22 + [130] * 8
    kinds = [Kind.NEW, Kind.REPLY, Kind.REPLY_ALL]
    monitored = [
        record(f"m{n}", asked=False, low=size, high=size, basis=Basis.ASSUMED, kind=kinds[n % 3],
               action=Action.CONFIRM if size >= 100 else Action.SEND, received_at=NOW - timedelta(days=5 + n % 24))
        for n, size in enumerate(sizes)
    ]  # fmt: skip
    world = full_world(rows=(*HISTORY, *monitored), own={"Audit": True}, audit=AUDIT)
    window = MainWindow(world.services(language), Tasks(QApplication.instance()))
    window.tabs.setCurrentIndex(1)
    return window


IT = "/etc/sendguard/policies/managed/10-nhs.json"
POLICY = (
    Offer(Layer.MACHINE, IT, {
        "AskAnyFrom": 50, "TypeFrom": 250, "Audit": True, "AuditKey": "as long as it is secret",
        "OrganisationDomains": ["nhs.test", "*.nhs.test"], "CheckAttachment": "always",
        "ProtectedLists": [f"all-staff@nhs.test | Ask the board first. | code={'0' * 64}"],
    }),
    Offer(Layer.MACHINE, "/etc/sendguard/policies/managed/20-old.json", broken="writable"),
    Offer(Layer.REMOTE, "https://sendguard.nhs.test/policy", {
        "BlockedLists": ["croydonpractices@nhs.test | This list reaches everybody. Do not reply. | until=2026-12-01"],
    }),
    Offer(Layer.RECOMMENDED, "/etc/sendguard/policies/recommended/10-nhs.json", {"StartAtLogin": True}),
)  # fmt: skip
OWN = {"AskAnyFrom": 400, "AskReplyFrom": 12}


def the_managed_window(page: int, language: str = "en") -> MainWindow:
    world = full_world(policy=POLICY, own=dict(OWN))
    window = MainWindow(world.services(language), Tasks(QApplication.instance()))
    window.tabs.setCurrentIndex(page)
    return window


def the_accounts(language: str = "en") -> MainWindow:
    world = full_world(thunderbird=FakeThunderbird((THUNDERBIRD,)))
    window = MainWindow(world.services(language), Tasks(QApplication.instance()))
    window.tabs.setCurrentIndex(2)
    return window


def the_form(language: str = "en") -> AccountForm:
    return AccountForm(full_world().services(language), Tasks(QApplication.instance()), lambda: None, WORK)


def the_exchange_form(language: str = "en") -> AccountForm:
    server = ExchangeServer("https://mail.nhs.test/EWS/Exchange.asmx", Login.NTLM)
    account = replace(WORK, imap=None, smtp=None, exchange=server, ews_gate_port=49_225)
    return AccountForm(full_world().services(language), Tasks(QApplication.instance()), lambda: None, account)


LIGHT: dict[str, Callable[[], QWidget]] = {
    "question": lambda: the_question(the_2016_mail()),
    "question-reply": lambda: the_question(a_reply_to_62()),
    "question-thunderbird": lambda: the_question(the_same_in_thunderbird()),
    "question-overlap": lambda: the_question(two_lists_that_overlap()),
    "question-unknown": lambda: the_question(a_list_of_unknown_size()),
    "question-code": lambda: the_question(a_list_that_needs_a_code()),
    "not-sent": lambda: NotSent(a_blocked_mail(), sentences()),
    "window": lambda: the_window(0),
    "history": the_history,
    "settings": lambda: the_window(3),
    "settings-managed": lambda: the_managed_window(3),
    "policies": lambda: the_managed_window(4),
    "thunderbird": the_accounts,
    "account": the_form,
    "account-exchange": the_exchange_form,
}
DARK: dict[str, Callable[[], QWidget]] = {"question-dark": lambda: the_question(the_2016_mail())}
TWICE: dict[str, Callable[[], QWidget]] = {
    "question-200-percent": lambda: the_question(the_2016_mail(), "de"),
    "question-thunderbird-200-percent": lambda: the_question(the_same_in_thunderbird(), "de"),
}


def take(folder: Path, windows: dict[str, Callable[[], QWidget]]) -> None:
    for name, make in windows.items():
        window = make()
        window.show()
        until = time.monotonic() + SETTLED
        while time.monotonic() < until:
            QApplication.processEvents()
            time.sleep(0.01)
        save(window.grab(), folder / f"{name}.png")
        window.hide()


def take_tray(folder: Path) -> None:
    """The three states at three sizes."""
    sheet = QPixmap(3 * 100, 110)
    sheet.fill(QApplication.palette().color(QPalette.ColorRole.Window))
    with QPainter(sheet) as painter:
        for column, state in enumerate(TrayState):
            for left, size in ((0, 16), (20, 24), (48, 48)):
                painter.drawPixmap(100 * column + left + 2, 30, icon(state).pixmap(size, size))
    save(sheet, folder / "tray.png")


def save(picture: QPixmap, path: Path) -> None:
    """Without transparency and as small as it can be."""
    picture.toImage().convertToFormat(QImage.Format.Format_RGB888).save(str(path), quality=0)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    app.setStyle("Fusion")
    if os.environ.get("QT_SCALE_FACTOR"):
        take(folder, TWICE)
        return
    take(folder, LIGHT)
    take_tray(folder)
    app.setPalette(dark_palette())
    take(folder, DARK)
    again = [sys.executable, "-m", "tests.desktop.screenshots", str(folder)]
    subprocess.run(again, env={**os.environ, "QT_SCALE_FACTOR": "2"}, check=True)


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
