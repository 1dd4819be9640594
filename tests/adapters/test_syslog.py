"""The audit's syslog: to a server of our own that misbehaves, and to a real rsyslog."""

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sendguard.syslog.message import Severity, framed, message
from sendguard.syslog.sender import SyslogSender, pause_after, verifying_context
from tests.servers.certificates import CertificateAuthority
from tests.servers.processes import free_port, server_folder, wait_until
from tests.servers.rsyslog import Rsyslog
from tests.servers.syslog_server import SyslogServer

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "audit.md"
AT = datetime(2026, 11, 24, 9, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=1)))
HEAD = re.compile(rb"<(\d+)>1 (\S+) (\S+) sendguard (\d+) (\S+) - (.*)", re.DOTALL)


@pytest.fixture
def server(certificate_authority: CertificateAuthority) -> Iterator[SyslogServer]:
    with SyslogServer(certificate_authority.issue()) as server:
        yield server


class Told:
    """What the sender told of."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.changed = threading.Event()

    def __call__(self, code: str) -> None:
        self.codes.append(code)
        self.changed.set()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def sender(
    server: SyslogServer, told: Told, certificate_authority: CertificateAuthority
) -> Iterator[Callable[..., SyslogSender]]:
    made: list[SyslogSender] = []

    def make(host: str = "127.0.0.1", **changes: object) -> SyslogSender:
        options = {"context": certificate_authority.client_context, "pause": lambda failures: 0.01} | changes
        fresh = SyslogSender(host, server.port, gap=lambda lost: b"gap %d" % lost, tell=told, **options)  # type: ignore[arg-type]
        made.append(fresh)
        return fresh

    yield make
    for each in made:
        each.close(0.0)


# What is sent


def test_a_message_is_as_rfc_5424_writes_it() -> None:
    octets = message(b'{"a":1}', at=AT, kind="decision", severity=Severity.NOTICE, host="desk-7")
    found = HEAD.fullmatch(octets)
    assert found is not None
    assert found[1] == b"%d" % (13 * 8 + 5)
    assert found[2] == b"2026-11-24T09:00:00.123+01:00"
    assert (found[3], found[5], found[6]) == (b"desk-7", b"decision", b'{"a":1}')
    assert framed(b"abc") == b"3 abc"


def test_a_host_name_that_does_not_fit_into_a_header_is_left_out() -> None:
    assert b" - sendguard " in message(b"", at=AT, kind="x", severity=Severity.WARNING, host="ü ")
    assert socket.gethostname().encode() in message(b"", at=AT, kind="x", severity=Severity.WARNING)


def test_what_is_sent_arrives_in_its_order_over_one_connection(
    server: SyslogServer, sender: Callable[..., SyslogSender], told: Told
) -> None:
    ours = sender()
    sent = [b"number %d %s" % (n, b"x" * n) for n in range(200)]
    for each in sent:
        ours.send(each)
    wait_until(lambda: len(server.messages) == 200, "the messages")
    assert server.messages == sent
    assert server.connections == 1
    assert (told.codes, ours.trouble) == ([], "")


def test_what_waits_at_the_end_is_sent_before_it(server: SyslogServer, sender: Callable[..., SyslogSender]) -> None:
    ours = sender()
    for number in range(50):
        ours.send(b"%d" % number)
    ours.close(5.0)
    wait_until(lambda: server.goodbyes == 1, "the end of the connection")
    assert len(server.messages) == 50


# A server that is not there, or goes away


def test_a_server_that_comes_later_gets_everything_and_its_absence_is_told_once(
    server: SyslogServer, sender: Callable[..., SyslogSender], told: Told
) -> None:
    server.stop()
    ours = sender()
    ours.send(b"first")
    assert told.changed.wait(5)
    ours.send(b"second")
    server.start()
    wait_until(lambda: server.messages == [b"first", b"second"], "the messages")
    wait_until(lambda: ours.trouble == "", "the end of the trouble")
    assert told.codes == ["unreachable"]


def test_a_server_that_was_restarted_between_two_messages_gets_the_second(
    server: SyslogServer, sender: Callable[..., SyslogSender], told: Told
) -> None:
    ours = sender()
    ours.send(b"first")
    wait_until(lambda: server.messages == [b"first"], "the first message")
    server.stop()
    server.start()
    ours.send(b"second")
    wait_until(lambda: server.messages == [b"first", b"second"], "the second message")
    assert told.codes == []


def test_a_full_queue_drops_and_a_line_says_how_many(
    server: SyslogServer, sender: Callable[..., SyslogSender], told: Told
) -> None:
    server.stop()
    ours = sender(room=3)
    for number in range(10):
        ours.send(b"%d" % number)
    server.start()
    wait_until(lambda: len(server.messages) == 4, "the messages")
    assert server.messages == [b"0", b"1", b"2", b"gap 7"]
    ours.send(b"later")
    wait_until(lambda: server.messages[-1] == b"later", "the message after them")


def test_sending_never_waits_for_a_server_that_does_not_read(
    server: SyslogServer, sender: Callable[..., SyslogSender]
) -> None:
    server.reads.clear()
    ours = sender()
    began = time.monotonic()
    for _ in range(2_000):
        ours.send(b"x" * 10_000)
    assert time.monotonic() - began < 1.0


def test_stopping_does_not_hang_on_a_server_that_does_not_read(
    server: SyslogServer, sender: Callable[..., SyslogSender]
) -> None:
    server.reads.clear()
    ours = sender()
    for _ in range(1_000):
        ours.send(b"x" * 100_000)
    wait_until(lambda: server.connections == 1, "the connection")
    began = time.monotonic()
    ours.close(0.3)
    assert time.monotonic() - began < 3.0
    wait_until(lambda: not ours._thread.is_alive(), "the end of the thread")


def test_stopping_does_not_hang_on_a_server_that_accepts_and_says_nothing(
    certificate_authority: CertificateAuthority, told: Told
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        ours = SyslogSender(
            "127.0.0.1", mute.getsockname()[1], gap=lambda lost: b"", tell=told,
            context=certificate_authority.client_context,
        )  # fmt: skip
        ours.send(b"x")
        began = time.monotonic()
        ours.close(0.2)
        assert time.monotonic() - began < 3.0


def test_stopping_ends_a_pause_between_two_tries(told: Told) -> None:
    ours = SyslogSender("127.0.0.1", free_port(), gap=lambda lost: b"", tell=told, pause=lambda failures: 3600.0)
    ours.send(b"x")
    assert told.changed.wait(5)
    began = time.monotonic()
    ours.close(5.0)
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(("host", "port"), [("a..b", 6514), ("127.0.0.1", 99_999), ("nobody.invalid", 6514)])
def test_an_address_that_is_none_is_a_trouble_and_no_fault(told: Told, host: str, port: int) -> None:
    ours = SyslogSender(host, port, gap=lambda lost: b"", tell=told, pause=lambda failures: 3600.0)
    ours.send(b"x")
    assert told.changed.wait(5)
    ours.close()
    assert told.codes == ["unreachable"]


def test_pauses_double_to_a_minute() -> None:
    for failures, most in ((1, 1), (2, 2), (4, 8), (30, 60)):
        assert most / 2 <= pause_after(failures) <= most


# Whom it trusts


@pytest.mark.parametrize("wrong", ["authority", "name", "expired"])
def test_a_server_nobody_vouches_for_gets_nothing(
    wrong: str, certificate_authority: CertificateAuthority, told: Told
) -> None:
    issued = {
        "authority": certificate_authority.issue,
        "name": lambda: certificate_authority.issue("localhost"),
        "expired": lambda: certificate_authority.issue(days=-1),
    }[wrong]()
    context = verifying_context if wrong == "authority" else certificate_authority.client_context
    with SyslogServer(issued) as server:
        ours = SyslogSender(
            "127.0.0.1", server.port, gap=lambda lost: b"", tell=told, context=context, pause=lambda failures: 0.01
        )
        ours.send(b"secret")
        assert told.changed.wait(5)
        ours.close(0.0)
        assert (told.codes, ours.trouble) == (["certificate"], "certificate")
        assert server.messages == []


def test_the_systems_authorities_are_asked_and_the_name_is_checked() -> None:
    context = verifying_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


# A real rsyslog


def test_the_rsyslog_of_the_documentation_writes_the_lines_as_they_were_made(
    certificate_authority: CertificateAuthority, told: Told
) -> None:
    """Its configuration as it stands in docs/audit.md, on a port and in a folder of the test's own."""
    (block,) = re.findall(r"```\n(global\(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    places = {
        "/etc/ssl/certs/ca-certificates.crt": "{authority}", "/etc/rsyslog.d/log.example.org.pem": "{certificate}",
        "/etc/rsyslog.d/log.example.org.key": "{key}", "/var/log/sendguard.jsonl": "{folder}/messages",
        'port="6514"': 'port="{port}" address="127.0.0.1"', "global(": 'global(workDirectory="{folder}" ',
    }  # fmt: skip
    block = block.replace("{", "{{").replace("}", "}}")
    for said, own in places.items():
        assert block.count(said) == 1
        block = block.replace(said, own)
    with server_folder("rsyslog") as folder, Rsyslog(folder, certificate_authority, block) as rsyslog:
        ours = SyslogSender(
            "127.0.0.1", rsyslog.port, gap=lambda lost: b"", tell=told, context=certificate_authority.client_context
        )
        line = {"v": 1, "kind": "decision", "lists": ["0123456789abcdef"] * 50}
        ours.send(message(json.dumps(line).encode(), at=AT, kind="decision", severity=Severity.NOTICE))
        ours.close(5.0)
        assert wait_until(rsyslog.messages, "the line") == [line]


def test_a_real_rsyslog_understands_every_field_also_after_it_was_restarted(
    certificate_authority: CertificateAuthority, told: Told
) -> None:
    with server_folder("rsyslog") as folder, Rsyslog(folder, certificate_authority) as rsyslog:
        ours = SyslogSender(
            "127.0.0.1", rsyslog.port, gap=lambda lost: b"gap", tell=told, pause=lambda failures: 0.1,
            context=certificate_authority.client_context,
        )  # fmt: skip
        text = json.dumps({"kind": "decision", "lists": ["0123456789abcdef"] * 50})
        for _ in range(300):
            ours.send(message(text.encode(), at=AT, kind="decision", severity=Severity.WARNING, host="desk-7"))
        wait_until(lambda: len(rsyslog.messages()) == 300, "the messages")
        rsyslog.stop()
        rsyslog.start()
        ours.send(message(b"after", at=AT, kind="end", severity=Severity.INFORMATIONAL, host="desk-7"))
        ours.close(5.0)
        wait_until(lambda: len(rsyslog.messages()) == 301, "the last message")
        first, last = rsyslog.messages()[0], rsyslog.messages()[-1]
    assert (first["hostname"], first["app-name"] if "app-name" in first else first["programname"]) == (
        "desk-7",
        "sendguard",
    )
    assert (first["msgid"], first["syslogseverity"], first["syslogfacility"]) == ("decision", "4", "13")
    assert datetime.fromisoformat(first["timereported"]) == AT
    assert json.loads(first["msg"]) == json.loads(text)
    assert (last["msgid"], last["msg"].strip()) == ("end", "after")
