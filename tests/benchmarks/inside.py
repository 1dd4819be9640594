"""What runs inside the measured processes of ``desktop``.

Qt is imported by the functions, when the program itself would: whatever is imported after it costs more, since it
looks into the source of each module.
"""

import json
import os
import signal
import smtplib
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

IDLE_MS = 1500
"""How long a program rests before its memory is looked at."""


def age() -> float:
    """Seconds since this process was started."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def memory() -> float:
    """Megabytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def tell_when_idle(app: "QApplication") -> None:
    """Print how old the process was when its tray stood, and its memory a moment later; then quit."""
    app.processEvents()
    up = age()

    from PySide6.QtCore import QTimer

    def tell() -> None:
        print(json.dumps({"up": up, "memory": memory()}), flush=True)
        app.quit()

    QTimer.singleShot(IDLE_MS, tell)


def run_ours(*, exchange: bool = False) -> None:
    """The whole program with one account, whose servers nobody answers for; measured where its tray stands.

    With ``exchange`` there is a second account, on an Exchange nobody answers for.
    """
    from sendguard.bootstrap.screen import run_with_accounts
    from sendguard.desktop.tray import Tray
    from sendguard.gate.loopback import choose_port
    from sendguard.guard.account import Account, ExchangeServer, Login, Security, Server
    from sendguard.storage.files import save_accounts
    from sendguard.storage.places import Places

    places = Places.under(Path(sys.argv[1])).make()
    server = Server("127.0.0.1", 9, Security.PLAIN, "me@x.test")
    accounts = [Account("work", ("me@x.test",), server, server, choose_port())]
    if exchange:
        ews = ExchangeServer("http://127.0.0.1:9/EWS/Exchange.asmx", Login.BASIC)
        accounts.append(Account("ews", ("me@x.test",), exchange=ews, ews_gate_port=choose_port()))
    save_accounts(places.accounts, tuple(accounts))
    from PySide6.QtWidgets import QApplication

    show = Tray.show

    def show_and_tell(tray: Tray) -> None:
        show(tray)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        tell_when_idle(app)

    Tray.show = show_and_tell  # type: ignore[method-assign]
    run_with_accounts(places)


def time_the_question(rounds: int = 9) -> None:
    """Mail the list of 2016 through the gate, again and again; from the final dot to the dialog's first painting."""
    from PySide6.QtCore import QEvent, QObject
    from PySide6.QtWidgets import QApplication

    from sendguard.bootstrap.practice import practice
    from sendguard.bootstrap.screen import services_of
    from sendguard.desktop.application import run_desktop
    from sendguard.guard.ports import Answer
    from sendguard.practice.directory import LIST, ME

    painted = threading.Event()
    times: list[float] = []
    moment: list[float] = [0.0]
    seen: set[str] = set()

    class Painting(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.Paint and type(watched).__name__ == "QuestionDialog":
                question = watched.question_id  # type: ignore[attr-defined]
                if question not in seen:  # the one of before may be painted once more
                    seen.add(question)
                    moment[0] = time.perf_counter()
                    painted.set()
            return False

    def person(stage: Any) -> None:
        account = stage.program.accounts()[0]
        raw = f"From: {ME}\r\nTo: {LIST}\r\nSubject: test\r\n\r\ntest\r\n".encode()
        while not stage.program.paths() or not stage.program.paths()[0].running:
            time.sleep(0.05)
        for _ in range(rounds):
            painted.clear()
            with smtplib.SMTP("127.0.0.1", account.gate_port, timeout=60) as client:
                client.login(ME, stage.program.secrets.get(account.name, "smtp"))
                client.mail(ME)
                client.rcpt(LIST)
                client.putcmd("DATA")
                client.getreply()
                client.send(raw + b".\r\n")
                began = time.perf_counter()
                painted.wait(20)
                times.append((moment[0] - began) * 1000)
                (question,) = stage.program.gatekeeper.waiting()
                stage.program.gatekeeper.answer(question.id, Answer.DONT_SEND)
                client.getreply()
        print(json.dumps({"milliseconds": statistics.median(times[1:])}), flush=True)
        os.kill(os.getpid(), signal.SIGTERM)

    from contextlib import ExitStack

    with ExitStack() as stack:

        def build(asker: Any) -> Any:
            stage = stack.enter_context(practice(asker))
            filter_ = Painting()
            app = QApplication.instance()
            assert app is not None
            app.installEventFilter(filter_)
            stack.callback(app.removeEventFilter, filter_)
            threading.Thread(target=person, args=(stage,), daemon=True).start()
            return services_of(stage.program)

        run_desktop(build, Path(sys.argv[1]))
