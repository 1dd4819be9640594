"""Who may not come in: web pages, other users, and whoever took the port before."""

import contextlib
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendguard.gate.loopback import GateNotStarted, choose_port, listen
from sendguard.gate.peers import Endpoint, LinuxPeers, UnknownPeers, peers_here
from sendguard.gate.serving import GateState
from sendguard.gate.sockdiag import owner_of
from sendguard.smtp.gate import SmtpGate
from tests.adapters.smtp_kit import Rig, rig
from tests.adapters.strangers import needs_another_user, told_to_another_user


@pytest.fixture
def r() -> Iterator[Rig]:
    with rig() as made:
        yield made


@pytest.mark.parametrize(
    "first",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nEHLO x\r\nMAIL FROM:<anna@practice.test>\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"MAIL FROM:<anna@practice.test>\r\n",
        b"\r\nEHLO x\r\n",
    ],
)
def test_what_does_not_begin_like_mail_is_dropped_without_a_word(r: Rig, first: bytes) -> None:
    with r.client() as client:
        assert client.reply()[0] == 220
        client.socket.sendall(first)
        with contextlib.suppress(ConnectionResetError):
            assert client.stream.read() == b""
    assert r.upstream.connections == 0


@needs_another_user
def test_another_user_of_this_computer_is_refused(r: Rig) -> None:
    said = told_to_another_user(r.gate.port, b"EHLO stranger\r\n")
    assert said.startswith(b"554 5.7.1 SendGuard's gate serves the user who started it")
    assert b"250" not in said
    assert r.upstream.connections == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's tables")
@pytest.mark.parametrize("near", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_linux_knows_whose_the_other_end_is(near: str) -> None:
    family = socket.AF_INET6 if ":" in near else socket.AF_INET
    listener = socket.create_server(
        ("127.0.0.1" if "." in near else near, 0), family=socket.AF_INET6 if near == "::1" else socket.AF_INET
    )
    client = socket.socket(family)
    client.connect((near, listener.getsockname()[1]))
    server, _ = listener.accept()
    with listener, client, server:
        ends = Endpoint(*server.getsockname()[:2]), Endpoint(*server.getpeername()[:2])
        assert LinuxPeers().is_own(*ends)
        assert not LinuxPeers(uid=os.getuid() + 1).is_own(*ends)
        assert LinuxPeers().holder_of(ends[0].port) == os.getuid()
    assert LinuxPeers().holder_of(ends[0].port) is None
    assert not LinuxPeers().is_own(*ends), "an end that is not there is nobody's"


def test_where_there_are_no_tables_nobody_is_own_and_where_nobody_can_know_everybody_is(tmp_path: Path) -> None:
    ends = Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)
    assert not LinuxPeers(tmp_path).is_own(*ends)
    assert UnknownPeers().is_own(*ends)
    assert UnknownPeers().holder_of(25) is None
    assert isinstance(peers_here(), LinuxPeers if sys.platform == "linux" else UnknownPeers)


def test_a_port_that_is_taken_is_an_error_that_names_the_holder_and_never_another_port(r: Rig) -> None:
    second = SmtpGate(r.account, r.guard.gatekeeper, *_rest(r))
    with pytest.raises(GateNotStarted) as raised:
        second.start()
    assert raised.value.code == "port_taken"
    assert raised.value.port == r.gate.port
    if sys.platform == "linux":
        assert raised.value.holder == os.getuid()
    assert second.state is GateState.STOPPED
    second.stop()
    assert r.gate.state is GateState.RUNNING


@needs_another_user
def test_the_uid_of_another_user_who_holds_the_port_is_known(r: Rig) -> None:
    port = choose_port()
    holder = subprocess.Popen(
        [
            "/usr/bin/python3",
            "-c",
            "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
            " print('there', flush=True); sys.stdin.read()",
            str(port),
        ],
        user="nobody",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(GateNotStarted) as raised:
            listen(port, peers_here())
        holder.communicate()
    assert raised.value.holder == pwd.getpwnam("nobody").pw_uid


def test_a_port_taken_on_ipv6_loopback_alone_is_taken(r: Rig) -> None:
    port = choose_port()
    try:
        squatter = socket.create_server(("::1", port), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this computer has no IPv6")
    with squatter, pytest.raises(GateNotStarted):
        listen(port, peers_here())


def test_the_gate_is_on_loopback_and_nowhere_else() -> None:
    port = choose_port()
    for each in listen(port, peers_here()):
        assert each.getsockname()[0] in {"127.0.0.1", "::1"}
        assert each.getsockname()[1] == port
        each.close()


def test_a_gate_that_was_stopped_leaves_its_port_to_the_next(r: Rig) -> None:
    r.gate.stop()
    assert r.gate.state is GateState.STOPPED
    again = SmtpGate(r.account, r.guard.gatekeeper, *_rest(r))
    again.start()
    with r.client() as client:
        client.hello()
    again.stop()


def test_an_account_without_a_server_or_a_port_has_no_gate(r: Rig) -> None:
    import dataclasses

    for account in (dataclasses.replace(r.account, smtp=None), dataclasses.replace(r.account, gate_port=0)):
        with pytest.raises(ValueError, match="needs"):
            SmtpGate(account, r.guard.gatekeeper, *_rest(r))


def _rest(r: Rig) -> tuple[object, object]:
    from sendguard.guard.intake import Intake
    from sendguard.mail.submission import Hook
    from tests.adapters.smtp_kit import SENTENCES

    return Intake(r.account, Hook.SMTP_GATE), SENTENCES


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_where_the_kernel_does_not_answer_its_tables_are_read(
    r: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sendguard.gate.sockdiag._NETLINK_SOCK_DIAG", 99)
    with r.client() as client:
        client.hello()
        ends = Endpoint(*client.socket.getpeername()), Endpoint(*client.socket.getsockname())
        assert owner_of(ends[1], ends[0]) is None
        assert LinuxPeers().is_own(*ends)
        assert not LinuxPeers(tmp_path).is_own(*ends)


@pytest.mark.logs("gate ended by ZeroDivisionError")
def test_a_gate_that_cannot_run_says_so_and_lets_nothing_pass(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    r.gate.stop()
    again = SmtpGate(r.account, r.guard.gatekeeper, *_rest(r))
    monkeypatch.setattr(again, "_serve", _fails)
    with pytest.raises(GateNotStarted) as raised:
        again.start()
    assert raised.value.code == "gate_failed"
    assert again.state is GateState.FAILED
    assert r.guard.activities[-1].detail == "gate_failed"
    again.stop()
    with pytest.raises(ConnectionRefusedError):
        r.client()


async def _fails(*_: object) -> None:
    raise ZeroDivisionError
