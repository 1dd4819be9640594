"""``sendguard thunderbird``, and a SendGuard that guards Thunderbird without an account of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendguard.thunderbird import host
from sendguard.thunderbird.addon import FILE_NAME, xpi
from tests.servers.processes import Daemon, server_folder, wait_until


@pytest.fixture
def home() -> Iterator[Path]:
    with server_folder("home") as folder:
        yield folder


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TZ"}}
    return kept | {"HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def sendguard(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sendguard", "thunderbird", *arguments], env=environment(home), capture_output=True,
        text=True, timeout=30,
    )  # fmt: skip


def status(home: Path) -> dict[str, object]:
    return dict(json.loads(sendguard(home, "status", "--json").stdout))


def test_what_is_installed_is_found_and_what_is_removed_is_gone(home: Path) -> None:
    before = sendguard(home, "status")
    assert (before.returncode, "sendguard thunderbird install" in before.stdout) == (1, True)
    done = sendguard(home, "install", "--to", str(home / "elsewhere"))
    assert (done.returncode, done.stderr) == (0, "")
    assert str(home / "elsewhere" / FILE_NAME) in done.stdout
    assert (home / "elsewhere" / FILE_NAME).read_bytes() == xpi()
    found = status(home)
    assert (found["installed"], found["working"], found["running"]) == (True, True, False)
    assert sendguard(home, "remove").returncode == 0
    assert status(home)["installed"] is False
    assert not (home / ".mozilla" / "native-messaging-hosts" / "sendguard.json").exists()


def test_what_cannot_be_written_is_said_in_words(home: Path) -> None:
    (home / ".mozilla").write_text("a file where a folder has to be")
    done = sendguard(home, "install")
    assert done.returncode != 0
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_the_add_on_sendguard_guards_without_an_account_of_its_own(home: Path) -> None:
    assert sendguard(home, "install").returncode == 0
    running = Daemon([sys.executable, "-m", "sendguard", "run"], log=home / "run.log", env=environment(home))
    try:
        running.wait_until_ready(lambda: status(home)["running"])
        assert "practice" not in running.log_tail().lower()
        manifest = json.loads((home / ".mozilla" / "native-messaging-hosts" / "sendguard.json").read_text())
        with subprocess.Popen(
            [manifest["path"], "manifest", host.ADDON], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as started:
            assert started.stdin is not None
            assert started.stdout is not None
            said = b'{"id": 1, "do": "hello", "protocol": 1}'
            started.stdin.write(len(said).to_bytes(4, sys.byteorder) + said)
            started.stdin.flush()
            length = int.from_bytes(started.stdout.read(4), sys.byteorder)
            assert json.loads(started.stdout.read(length))["protocol"] == 1
    finally:
        running.stop()
    wait_until(lambda: not status(home)["running"], "end of SendGuard")
