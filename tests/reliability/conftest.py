"""A person whose SendGuard runs in a process of its own, on real servers."""

import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import make_msgid
from pathlib import Path

import pytest

from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.ledger import Record
from sendguard.storage.files import save_accounts, save_settings
from sendguard.storage.places import Places
from tests.reliability.outbox_process import rows_in
from tests.servers.dovecot import Dovecot, Person
from tests.servers.postfix import Postfix
from tests.servers.processes import wait_until


@dataclass
class Desk:
    """Somebody's computer: their files, and the process that guards them."""

    folder: Path
    account: Account
    me: Person
    colleague: Person
    dovecot: Dovecot
    process: "subprocess.Popen[str] | None" = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "output.txt"

    def start(self, *dies: str) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.reliability.child", str(self.folder), *dies],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.log.read_text()

    def stop(self, by: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(by)
            self.process.communicate(timeout=20)
            self.process = None

    def wait_until_dead(self) -> None:
        assert self.process is not None
        self.process.communicate(timeout=20)
        assert self.process.returncode == -signal.SIGKILL

    def submit(self, subject: str = "test", to: str = "") -> tuple[int, str]:
        """Send one message through the gate; returns the last reply, 0 for a connection that ended."""
        to = to or self.colleague.address
        raw = (
            f"From: {self.me.address}\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: {make_msgid(domain='x.test')}\r\n\r\ntest\r\n"
        )
        try:
            with smtplib.SMTP("127.0.0.1", self.account.gate_port, timeout=30) as client:
                client.login(self.me.address, self.me.password)
                client.sendmail(self.me.address, [to], raw.encode())
        except smtplib.SMTPResponseException as error:
            text = error.smtp_error
            return error.smtp_code, text if isinstance(text, str) else text.decode("utf-8", "replace")
        except (smtplib.SMTPServerDisconnected, OSError):
            return 0, ""
        return 250, ""

    def arrived(self, count: int) -> int:
        """Wait until so many messages have arrived at the colleague's; returns how many there are then."""
        if count:
            self.dovecot.wait_for_messages(self.colleague, count)
        return len(self.dovecot.messages(self.colleague))

    def rows(self) -> tuple[Record, ...]:
        """What the ledger holds, oldest first."""
        return rows_in(self.folder)

    def wait_for_rows(self, count: int) -> tuple[Record, ...]:
        """Wait until the ledger holds so many rows that have ended or are unknown."""
        return wait_until(lambda: len(rows := self.rows()) >= count and rows, "the rows of the ledger")


@pytest.fixture
def desk(dovecot: Dovecot, postfix: Postfix, me: Person, colleague: Person, tmp_path: Path) -> Iterator[Desk]:
    """A person with one account on the shared servers, who is asked about every mail to the colleague."""
    account = Account(
        "work",
        (me.address,),
        imap=Server("127.0.0.1", dovecot.port, Security.PLAIN, me.address),
        smtp=Server("127.0.0.1", postfix.port, Security.PLAIN, me.address),
        gate_port=choose_port(),
    )
    places = Places.under(tmp_path).make()
    save_accounts(places.accounts, (account,))
    save_settings(places.settings, {"ProtectedLists": [f"{colleague.address} | ask"]})
    (tmp_path / "password").write_text(me.password)
    desk = Desk(tmp_path, account, me, colleague, dovecot)
    yield desk
    desk.stop()
