"""The gate between swaks, or smtplib, and a real Postfix that delivers into a real Dovecot."""

import os
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Answer, ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.mail.submission import Hook
from sendguard.smtp.gate import SmtpGate
from sendguard.smtp.submitter import SmtpSubmitter
from tests.adapters.smtp_kit import SENTENCES
from tests.fakes import Guard
from tests.servers.certificates import CertificateAuthority
from tests.servers.dovecot import Dovecot, Person
from tests.servers.fault_proxy import Break, FaultProxy, Stage
from tests.servers.fixtures import NewProxy
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="Postfix needs root to start")

MANY = "big@lists.test"


@dataclass
class Between:
    """A gate in front of a server, for one person."""

    guard: Guard
    gate: SmtpGate
    me: Person

    def swaks(self, *arguments: str, body: str = "Hello") -> "subprocess.CompletedProcess[str]":
        who = ["--auth", "PLAIN", "--auth-user", self.me.address, "--auth-password", self.me.password]
        where = ["--server", "127.0.0.1", "--port", str(self.gate.port), "--timeout", "20", "--from", self.me.address]
        return subprocess.run(
            ["swaks", *where, *who, "--body", body, *arguments], capture_output=True, text=True, timeout=40, check=False
        )

    def send(self, raw: bytes, *to: str) -> tuple[int, str]:
        """Send by smtplib; returns what it was told last."""
        try:
            with smtplib.SMTP("127.0.0.1", self.gate.port, timeout=20) as client:
                client.login(self.me.address, self.me.password)
                client.mail(self.me.address)
                for each in to:
                    client.rcpt(each)
                code, words = client.data(raw)
        except smtplib.SMTPResponseException as error:
            return error.smtp_code, str(error.smtp_error)
        except smtplib.SMTPServerDisconnected:
            return 0, ""
        return code, words.decode()

    def states(self) -> list[str]:
        return [row.state.value for row in reversed(self.guard.ledger.history())]  # type: ignore[attr-defined]


NewGate = Callable[..., Between]


@pytest.fixture
def new_gate(me: Person, certificate_authority: CertificateAuthority) -> Iterator[NewGate]:
    started: list[SmtpGate] = []

    def make(port: int, security: Security = Security.PLAIN, host: str = "127.0.0.1") -> Between:
        guard = Guard()
        account = Account("Practice", (me.address,), smtp=Server(host, port, security), gate_port=choose_port())
        intake = Intake(account, Hook.SMTP_GATE)
        gate = SmtpGate(account, guard.gatekeeper, intake, SENTENCES, context=certificate_authority.client_context())
        gate.start()
        started.append(gate)
        return Between(guard, gate, me)

    yield make
    for gate in started:
        gate.stop()


@pytest.fixture
def between(postfix: Postfix, new_gate: NewGate) -> Between:
    return new_gate(postfix.port, Security.STARTTLS, "localhost")


def test_swaks_delivers_through_the_gate_over_starttls(between: Between, dovecot: Dovecot, colleague: Person) -> None:
    done = between.swaks("--to", colleague.address, body="Hello\\n.dot\\nEnd")
    assert done.returncode == 0, done.stdout
    (delivered,) = dovecot.wait_for_messages(colleague, 1)
    assert delivered.replace(b"\r\n", b"\n").endswith(b"\n\nHello\n.dot\nEnd\n\n\n")
    assert b"ESMTPSA" in delivered, "encrypted and logged in, as Postfix saw it"
    assert between.states() == ["sent"]


def test_a_message_goes_upstream_over_tls_from_the_start(
    postfix: Postfix, dovecot: Dovecot, colleague: Person, new_gate: NewGate
) -> None:
    assert new_gate(postfix.tls_port, Security.TLS).swaks("--to", colleague.address).returncode == 0
    assert len(dovecot.wait_for_messages(colleague, 1)) == 1


def test_swaks_is_held_and_told_in_words_when_the_person_says_no(between: Between, postfix: Postfix) -> None:
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(between.swaks, "--to", MANY)
        between.guard.gatekeeper.answer(between.guard.asker.question().id, Answer.DONT_SEND)
        done = sending.result(30)
    assert done.returncode == 26, "swaks: error after the data"
    assert "<** 550-5.7.1 SendGuard did not send this message: you chose so." in done.stdout
    assert between.states() == ["refused"]


def test_swaks_is_held_and_delivers_when_the_person_says_yes(
    between: Between, dovecot: Dovecot, colleague: Person
) -> None:
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(between.swaks, "--to", f"{MANY},{colleague.address}")
        between.guard.gatekeeper.answer(between.guard.asker.question().id, Answer.SEND, "850113")
        assert sending.result(30).returncode == 0
    assert len(dovecot.wait_for_messages(colleague, 1)) == 1


def test_postfixs_own_words_reach_the_client(between: Between) -> None:
    done = between.swaks("--to", "refused@example.test")
    assert done.returncode == 24, "swaks: no recipient accepted"
    assert "550 5.1.1" in done.stdout
    assert "Nobody of that name here" in done.stdout


def test_a_wrong_password_is_refused_by_postfix_through_the_gate(between: Between) -> None:
    done = between.swaks("--to", "x@elsewhere.test", "--auth-password", "wrong")
    assert done.returncode == 28, "swaks: login failed"
    assert "535 5.7.8" in done.stdout


def test_octets_reach_the_mailbox_unchanged(between: Between, dovecot: Dovecot, colleague: Person) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = between.me.address, colleague.address, "Grüße"
    message["Date"], message["Message-ID"] = "Tue, 24 Nov 2026 09:00:00 +0000", "<1@example.test>"
    message.set_content("ä" * 400 + "\n.\n..\n" + "end")
    message.add_attachment(bytes(range(256)) * 4000, maintype="application", subtype="octet-stream", filename="x")
    raw = message.as_bytes().replace(b"\n", b"\r\n")
    assert between.send(raw, colleague.address)[0] == 250
    (delivered,) = dovecot.wait_for_messages(colleague, 1)
    assert delivered.replace(b"\r\n", b"\n").endswith(raw.replace(b"\r\n", b"\n"))


SMALL = b"Subject: x\r\n\r\n" + b"line\r\n" * 100
LARGE = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 200_000
"""More than the buffers between the gate and the server hold: its final dot cannot be out when the cut is seen."""
BREAKS = [Break.CLOSE, Break.RESET, Break.GARBAGE, Break.TRUNCATE]


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("stage", list(Stage))
def test_upstream_cut_at_every_stage_is_never_called_sent_and_never_tried_again(
    new_postfix_proxy: FaultProxy, postfix: Postfix, new_gate: NewGate, stage: Stage, how: Break
) -> None:
    """What the client is told, what the ledger says and what Postfix has must be one story."""
    proxy, taken = new_postfix_proxy, postfix.accepted()
    between = new_gate(proxy.port)
    proxy.inject(stage, how, times=None)
    code, words = between.send(LARGE if stage is Stage.MIDDLE_OF_DATA else SMALL, "x@elsewhere.test")
    if stage is Stage.FINAL_DOT:
        postfix.wait_for_accepted(taken + 1)
        assert (code, between.states()) == (451, ["unknown"])
        assert "may have been sent" in words
        assert proxy.struck == 1
    else:
        assert code != 250
        assert between.states() in ([], ["refused"])
        proxy.heal()
        assert between.send(b"Subject: x\r\n\r\nagain\r\n", "x@elsewhere.test")[0] == 250
        postfix.wait_for_accepted(taken + 1)
        assert postfix.accepted() == taken + 1, "the second message, and not the first"


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("stage", list(Stage))
def test_the_submitter_cut_at_every_stage_knows_whether_it_handed_anything_over(
    new_postfix_proxy: FaultProxy, postfix: Postfix, me: Person, stage: Stage, how: Break
) -> None:
    proxy, taken = new_postfix_proxy, postfix.accepted()
    server = Server("127.0.0.1", proxy.port, Security.PLAIN, me.address)
    submitter = SmtpSubmitter(Account("x", (me.address,), smtp=server), _Password(me.password))
    proxy.inject(stage, how)
    raw = LARGE if stage is Stage.MIDDLE_OF_DATA else SMALL
    with pytest.raises(ReplyLost if stage is Stage.FINAL_DOT else (UpstreamUnreachable, SubmissionRefused)):
        submitter.submit(raw, me.address, ("x@elsewhere.test",), _nothing)
    proxy.heal()
    submitter.submit(raw, me.address, ("x@elsewhere.test",), _nothing)
    expected = taken + (2 if stage is Stage.FINAL_DOT else 1)
    postfix.wait_for_accepted(expected)
    assert postfix.accepted() == expected


@pytest.fixture
def new_postfix_proxy(postfix: Postfix, new_fault_proxy: NewProxy) -> FaultProxy:
    return new_fault_proxy(postfix.port)


class _Password:
    def __init__(self, password: str) -> None:
        self._password = password

    def get(self, account: str, service: str) -> str | None:
        return self._password

    def set(self, account: str, service: str, secret: str) -> bool:
        raise AssertionError

    def delete(self, account: str) -> None:
        raise AssertionError


def _nothing() -> None:
    pass
