"""The test servers do what the tests that stand on them rely on."""

import contextlib
import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.servers.certificates import CertificateAuthority
from tests.servers.dovecot import Dovecot, Person
from tests.servers.fault_proxy import Break, ClientBytes, ClientSays, Fault, FaultProxy, ServerSays, Stage
from tests.servers.fixtures import NewProxy
from tests.servers.postfix import Postfix
from tests.servers.processes import LOOPBACK, Daemon, ServerFailed, answers_with, free_port, wait_until

BROKEN = (smtplib.SMTPException, OSError)


def message(subject: str = "Greetings") -> bytes:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail.set_content("Hello.\n.\nThis line follows a dot.\n" * 20)
    return mail.as_bytes()


@contextlib.contextmanager
def imap(server: Dovecot, person: Person) -> Iterator[IMAPClient]:
    with IMAPClient(LOOPBACK, server.port, ssl=False, timeout=10) as client:
        client.login(person.address, person.password)
        yield client


def submit(port: int, person: Person, *recipients: str, content: bytes = b"", timeout: float = 10) -> None:
    """Submit a message with smtplib; raises what smtplib raises."""
    client = smtplib.SMTP(timeout=timeout)
    try:
        client.connect(LOOPBACK, port)
        client.login(person.address, person.password)
        client.sendmail(person.address, recipients, content or message())
        with contextlib.suppress(smtplib.SMTPServerDisconnected):
            client.quit()
    finally:
        client.close()


# --- Dovecot ----------------------------------------------------------------------------------------------------------


def test_dovecot_makes_the_special_folders(dovecot: Dovecot, me: Person) -> None:
    with imap(dovecot, me) as client:
        assert [client.find_special_folder(flag) for flag in (b"\\Drafts", b"\\Sent", b"\\Trash")] == [
            "Drafts",
            "Sent",
            "Trash",
        ]


def test_dovecot_shows_what_lies_in_a_mailbox(dovecot: Dovecot, me: Person) -> None:
    with imap(dovecot, me) as client:
        client.append("Drafts", message("Not yet sent"), flags=[b"\\Draft"])
    (draft,) = dovecot.messages(me, "Drafts")
    assert draft.name.endswith(":2,D")
    assert b"Not yet sent" in draft.read_bytes()


def test_dovecot_refuses_a_wrong_password(dovecot: Dovecot, me: Person) -> None:
    with pytest.raises(LoginError), imap(dovecot, Person(me.address, "wrong")):
        pass


def test_dovecot_pushes_a_new_message_to_an_idle_client(dovecot: Dovecot, me: Person) -> None:
    with imap(dovecot, me) as watcher, imap(dovecot, me) as writer:
        watcher.select_folder("Drafts")
        watcher.idle()
        writer.append("Drafts", message())
        assert (1, b"EXISTS") in wait_until(lambda: watcher.idle_check(timeout=1), "push")
        watcher.idle_done()


def test_dovecot_comes_back_on_the_same_port_with_the_same_mail(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot()
    person = server.new_person()
    with imap(server, person) as client:
        client.append("INBOX", message())
        validity = client.select_folder("INBOX")[b"UIDVALIDITY"]
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, server.port))
    server.start()
    with imap(server, person) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1
        assert client.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"] == validity


def test_dovecot_stopping_ends_the_connections_of_its_clients(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot()
    with contextlib.suppress(OSError, IMAPClient.Error), imap(server, server.new_person()) as client:
        server.kill()
        with pytest.raises((OSError, IMAPClient.AbortError)):
            client.noop()


def test_a_forgotten_mailbox_returns_with_another_uidvalidity(dovecot: Dovecot, me: Person) -> None:
    with imap(dovecot, me) as client:
        client.append("INBOX", message())
        before = client.select_folder("INBOX")[b"UIDVALIDITY"]
    time.sleep(1.1)  # not to wait for something: Dovecot makes a UIDVALIDITY of the time in seconds
    dovecot.forget(me)
    with imap(dovecot, me) as client:
        again = client.select_folder("INBOX")
    assert again[b"EXISTS"] == 0
    assert again[b"UIDVALIDITY"] != before


def test_dovecot_can_do_without_idle_and_special_folders(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot(idle=False, special_use=False)
    with imap(server, server.new_person()) as client:
        assert not client.has_capability("IDLE")
        assert client.has_capability("UIDPLUS")
        assert client.find_special_folder(b"\\Drafts") is None


def test_dovecot_speaks_tls_that_a_client_can_verify(
    dovecot: Dovecot, me: Person, certificate_authority: CertificateAuthority
) -> None:
    context = certificate_authority.client_context()
    with IMAPClient("localhost", dovecot.tls_port, ssl_context=context) as client:
        client.login(me.address, me.password)
    with IMAPClient("localhost", dovecot.port, ssl=False) as client:
        client.starttls(context)
        client.login(me.address, me.password)


def test_a_certificate_that_has_expired_is_not_trusted(
    new_dovecot: Callable[..., Dovecot], certificate_authority: CertificateAuthority
) -> None:
    server = new_dovecot(certificate=certificate_authority.issue(days=-1))
    with pytest.raises(OSError, match="expired"):
        IMAPClient("localhost", server.tls_port, ssl_context=certificate_authority.client_context())


# --- Postfix ----------------------------------------------------------------------------------------------------------


def test_a_submission_with_auth_arrives_in_the_inbox(
    dovecot: Dovecot, postfix: Postfix, me: Person, colleague: Person
) -> None:
    submit(postfix.port, me, colleague.address)
    (arrived,) = dovecot.wait_for_messages(colleague, 1)
    assert arrived.rstrip().endswith(message().split(b"\n\n", 1)[1].rstrip())
    with imap(dovecot, colleague) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_without_auth_postfix_takes_nothing(postfix: Postfix, me: Person, colleague: Person) -> None:
    with smtplib.SMTP(LOOPBACK, postfix.port, timeout=10) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(me.address, colleague.address, message())


def test_a_wrong_password_is_refused(postfix: Postfix, me: Person) -> None:
    with smtplib.SMTP(LOOPBACK, postfix.port, timeout=10) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login(me.address, "wrong")


@pytest.mark.parametrize(("name", "code"), [("refused", 550), ("later", 451), ("toomany", 452), ("goodbye", 421)])
def test_some_recipients_are_answered_as_their_name_says(postfix: Postfix, me: Person, name: str, code: int) -> None:
    recipient = f"{name}@example.test"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        submit(postfix.port, me, recipient)
    assert caught.value.recipients[recipient][0] == code


def test_mail_for_strangers_is_taken_and_goes_nowhere(postfix: Postfix, me: Person) -> None:
    submit(postfix.port, me, "stranger@elsewhere.example")
    wait_until(lambda: "to=<stranger@elsewhere.example>, relay=none" in postfix.log_text(), "discarded message")


def test_postfix_counts_what_it_has_taken(postfix: Postfix, me: Person, colleague: Person) -> None:
    before = postfix.accepted()
    submit(postfix.port, me, colleague.address)
    postfix.wait_for_accepted(before + 1)


def test_postfix_can_have_a_size_limit_and_lack_extensions(
    dovecot: Dovecot, new_postfix: Callable[..., Postfix], me: Person, colleague: Person
) -> None:
    server = new_postfix(dovecot, size_limit=2000, without=["SMTPUTF8", "CHUNKING"])
    with smtplib.SMTP(LOOPBACK, server.port, timeout=10) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "2000"
        assert "smtputf8" not in client.esmtp_features
    with pytest.raises(smtplib.SMTPSenderRefused):
        submit(server.port, me, colleague.address, content=b"Subject: big\n\n" + b"x" * 70 * 100)


def test_postfix_speaks_tls_that_a_client_can_verify(
    postfix: Postfix, me: Person, certificate_authority: CertificateAuthority
) -> None:
    context = certificate_authority.client_context()
    with smtplib.SMTP("localhost", postfix.port, timeout=10) as client:
        client.starttls(context=context)
        client.login(me.address, me.password)
    with smtplib.SMTP_SSL("localhost", postfix.tls_port, timeout=10, context=context) as client:
        client.login(me.address, me.password)


def test_postfix_takes_mail_while_dovecot_is_down_and_delivers_it_later(
    new_dovecot: Callable[..., Dovecot], new_postfix: Callable[..., Postfix]
) -> None:
    mailboxes = new_dovecot()
    me, colleague = mailboxes.new_person("me"), mailboxes.new_person("colleague")
    server = new_postfix(mailboxes)
    mailboxes.stop()
    submit(server.port, me, colleague.address)
    mailboxes.start()
    assert len(mailboxes.wait_for_messages(colleague, 1, seconds=30)) == 1


def test_swaks_can_submit(dovecot: Dovecot, postfix: Postfix, me: Person, colleague: Person) -> None:
    server, user = f"{LOOPBACK}:{postfix.port}", ["--auth-user", me.address, "--auth-password", me.password]
    command = ["swaks", "--server", server, "--auth", "PLAIN", *user, "--from", me.address, "--to", colleague.address]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    dovecot.wait_for_messages(colleague, 1)


# --- the fault proxy --------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(new_fault_proxy: NewProxy, postfix: Postfix) -> FaultProxy:
    return new_fault_proxy(postfix.port, record=True)


def test_a_proxy_without_fault_passes_everything(
    proxy: FaultProxy, dovecot: Dovecot, me: Person, colleague: Person
) -> None:
    submit(proxy.port, me, colleague.address)
    dovecot.wait_for_messages(colleague, 1)
    assert (proxy.connections, proxy.struck) == (1, 0)
    assert bytes(proxy.said_by_clients[0]).lower().startswith(b"ehlo ")
    assert b"\r\n.\r\nquit\r\n" in bytes(proxy.said_by_clients[0])


@pytest.mark.parametrize("how", [Break.CLOSE, Break.RESET, Break.HALF_CLOSE, Break.GARBAGE])
@pytest.mark.parametrize("stage", Stage)
def test_a_break_at_any_stage_fails_one_submission_and_not_the_next(
    proxy: FaultProxy, dovecot: Dovecot, me: Person, colleague: Person, stage: Stage, how: Break
) -> None:
    proxy.inject(stage, how)
    with pytest.raises(BROKEN):
        submit(proxy.port, me, colleague.address, timeout=2 if how is Break.HALF_CLOSE else 10)
    assert proxy.struck == 1
    submit(proxy.port, me, colleague.address)
    delivered = 2 if stage is Stage.FINAL_DOT else 1
    assert len(dovecot.wait_for_messages(colleague, delivered)) == delivered


def test_a_cut_after_the_final_dot_loses_the_reply_and_not_the_message(
    proxy: FaultProxy, dovecot: Dovecot, me: Person, colleague: Person
) -> None:
    proxy.inject(Stage.FINAL_DOT)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        submit(proxy.port, me, colleague.address)
    assert len(dovecot.wait_for_messages(colleague, 1)) == 1


def test_smtplib_takes_half_a_reply_for_a_whole_one(proxy: FaultProxy, me: Person, colleague: Person) -> None:
    """Not ours to mend, but to know: a line that ends with the connection counts as a line."""
    proxy.inject(Stage.FINAL_DOT, Break.TRUNCATE)
    submit(proxy.port, me, colleague.address)
    assert proxy.struck == 1


def test_a_fault_can_last(proxy: FaultProxy, me: Person, colleague: Person) -> None:
    proxy.inject(Stage.MAIL, times=None)
    for _ in range(3):
        with pytest.raises(BROKEN):
            submit(proxy.port, me, colleague.address)
    assert proxy.struck == 3
    proxy.heal()
    submit(proxy.port, me, colleague.address)


def test_a_delayed_reply_comes_late(proxy: FaultProxy, me: Person, colleague: Person) -> None:
    proxy.inject(Stage.FINAL_DOT, Break.DELAY, seconds=0.7)
    begun = time.monotonic()
    submit(proxy.port, me, colleague.address)
    assert time.monotonic() - begun >= 0.7


def test_a_stalled_connection_times_out_and_goes_on_when_healed(
    proxy: FaultProxy, me: Person, colleague: Person
) -> None:
    proxy.inject(Stage.RCPT, Break.STALL)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        submit(proxy.port, me, colleague.address, timeout=0.5)
    proxy.inject(Stage.RCPT, Break.STALL)
    with smtplib.SMTP(LOOPBACK, proxy.port, timeout=10) as client:
        client.login(me.address, me.password)
        client.mail(me.address)
        client.putcmd("RCPT", f"TO:<{colleague.address}>")
        wait_until(lambda: proxy.struck == 2, "stall")
        proxy.heal()
        assert client.getreply()[0] == 250


def test_a_connection_can_be_cut_after_any_number_of_bytes(proxy: FaultProxy, me: Person, colleague: Person) -> None:
    proxy.inject(ClientBytes(10))
    with pytest.raises(BROKEN):
        submit(proxy.port, me, colleague.address)


def test_a_port_can_refuse_and_accept_again(proxy: FaultProxy, me: Person, colleague: Person) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        submit(proxy.port, me, colleague.address)
    proxy.accept()
    submit(proxy.port, me, colleague.address)


def test_open_connections_can_be_cut_at_once(proxy: FaultProxy) -> None:
    with smtplib.SMTP(LOOPBACK, proxy.port, timeout=10) as client:
        client.ehlo()
        proxy.cut(Break.RESET)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.docmd("NOOP")


def test_imap_can_be_cut_by_what_is_said(new_fault_proxy: NewProxy, dovecot: Dovecot, me: Person) -> None:
    proxy = new_fault_proxy(dovecot.port)
    whole_message = ClientSays(rb"(?s) APPEND .*Greetings.*\r\n\r\n.*\r\n$")
    go_ahead = ServerSays(rb"^\+ ")
    moments: list[tuple[ClientSays | ServerSays, int]] = [(whole_message, 1), (go_ahead, 1)]
    for moment, saved in moments:
        proxy.inject(moment)
        with IMAPClient(LOOPBACK, proxy.port, ssl=False, timeout=10) as client:
            client.login(me.address, me.password)
            with pytest.raises((OSError, IMAPClient.AbortError)):
                client.append("Drafts", message())
            with contextlib.suppress(OSError, IMAPClient.Error):
                client.shutdown()
        assert len(dovecot.wait_for_messages(me, saved, "Drafts")) == saved


def test_a_dead_upstream_looks_like_a_closed_connection(new_fault_proxy: NewProxy) -> None:
    proxy = new_fault_proxy(free_port())
    with socket.create_connection((LOOPBACK, proxy.port), timeout=10) as client:
        assert client.recv(100) == b""


def test_a_fault_says_what_it_is() -> None:
    assert Fault(Stage.AUTH).how is Break.CLOSE


# --- processes --------------------------------------------------------------------------------------------------------


def test_a_process_that_does_not_start_says_why(tmp_path: Path) -> None:
    daemon = Daemon(["sh", "-c", "echo my reason; exit 3"], log=tmp_path / "log")
    with pytest.raises(ServerFailed, match=r"(?s)exit 3.*my reason"):
        daemon.wait_until_ready(lambda: False)


def test_stopping_a_process_takes_its_children_along(tmp_path: Path) -> None:
    daemon = Daemon(["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait"], log=tmp_path / "log")
    daemon.wait_until_ready(daemon.log_tail)
    child = int(daemon.log_tail())
    daemon.stop(seconds=0.1)
    wait_until(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child), "end of the child")
    assert not daemon.is_running()


def test_a_process_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    script = f"""
import os, pathlib
from tests.servers.processes import Daemon, wait_until
daemon = Daemon(["sleep", "1000"], log=pathlib.Path({str(tmp_path / "log")!r}), user={_other_user()!r})
wait_until(lambda: pathlib.Path(f"/proc/{{daemon.pid}}/comm").read_text() == "sleep\\n", "sleep")
print(daemon.pid, flush=True)
os._exit(0)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    output = subprocess.check_output([sys.executable, "-c", script], env=environment)
    wait_until(lambda: not Path(f"/proc/{int(output)}").exists() or _is_zombie(int(output)), "end of the process")


def test_nothing_answers_on_a_free_port() -> None:
    assert not answers_with(free_port(), b"")


def _other_user() -> str | None:
    return "nobody" if os.getuid() == 0 else None


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    return True
