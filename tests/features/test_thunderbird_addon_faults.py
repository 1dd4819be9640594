"""The add-on where something is missing, old, dead or slow: nothing leaves, and the window can always be used again."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sendguard.guard.ledger import State
from sendguard.guard.ports import Answer
from sendguard.thunderbird import conversation
from tests.features.addon_kit import AddonDesk, desk_at, host_of, thunderbird_with_addon
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import Daemon, wait_until
from tests.servers.thunderbird import Thunderbird

ROOT = Path(__file__).parents[2]


def kill_host(door: str) -> None:
    """Kill the one host that was started for this door."""
    for process in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if door.encode() in command and any(word.endswith(b"host.py") for word in command):
                os.kill(int(process.name), signal.SIGKILL)


@pytest.fixture(scope="module")
def thunderbird() -> Iterator[Thunderbird]:
    with thunderbird_with_addon() as running:
        yield running


@pytest.fixture
def desk(thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix) -> Iterator[AddonDesk]:
    """Without a SendGuard that runs."""
    with desk_at(thunderbird, dovecot, postfix) as desk:
        desk.open_account()
        yield desk


def test_killing_sendguard_while_it_asks_cancels_the_send(desk: AddonDesk) -> None:
    data = host_of(desk.thunderbird).folder
    log = data / "child.log"
    child = Daemon([ROOT / ".venv/bin/python", "-m", "tests.features.addon_child", data], log=log)
    child.wait_until_ready(lambda: "ready" in log.read_text())
    try:
        desk.thunderbird.write(*(f"p{number}@elsewhere.test" for number in range(120)), subject="Killed", body="Mine")
        desk.thunderbird.press_send("Killed")
        wait_until(lambda: "asked" in log.read_text(), "question")
        child.kill()
        assert "ended before it had an answer" in desk.page()
        desk.thunderbird.wait_until_ready("Killed")
        assert "Mine" in desk.thunderbird.composed("Killed")["body"]
        assert desk.postfix.accepted() == desk.accepted_before
    finally:
        child.kill()


def test_killing_the_host_while_it_asks_cancels_the_send_and_withdraws_the_question(desk: AddonDesk) -> None:
    desk.start_guard()
    desk.thunderbird.write(desk.big, subject="Host")
    desk.thunderbird.press_send("Host")
    desk.question()
    kill_host(str(host_of(desk.thunderbird).door))
    assert "ended before it had an answer" in desk.page()
    desk.thunderbird.wait_until_ready("Host")
    desk.wait_for_state(State.CANCELLED)
    desk.thunderbird.press_send("Host")
    desk.question()
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready("Host")


def test_where_thunderbird_does_not_find_the_host_it_is_said_what_to_do(desk: AddonDesk) -> None:
    host = host_of(desk.thunderbird)
    host.remove()
    try:
        desk.thunderbird.write(desk.colleague.address, subject="Nowhere")
        desk.press_send("Nowhere")
        said = desk.page()
        assert "does not find SendGuard" in said
        assert "sendguard thunderbird install" in said
        desk.thunderbird.wait_until_ready("Nowhere")
    finally:
        host.install()


@pytest.mark.parametrize(("protocol", "word"), [(0, "older than this add-on"), (2, "This add-on is older")])
def test_a_sendguard_of_another_protocol_sends_nothing(
    desk: AddonDesk, protocol: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "PROTOCOL", protocol)
    desk.start_guard()
    desk.thunderbird.write(desk.colleague.address, subject="Old")
    desk.press_send("Old")
    assert word in desk.page()
    desk.thunderbird.wait_until_ready("Old")
    assert desk.rows() == []


def test_a_fault_in_sendguard_sends_nothing(desk: AddonDesk) -> None:
    desk.start_guard()
    desk.guard.ledger.full = True  # type: ignore[attr-defined]
    desk.thunderbird.write(desk.big, subject="Full")
    desk.press_send("Full")
    assert "cannot write its ledger" in desk.page()
    desk.thunderbird.wait_until_ready("Full")


def test_it_may_let_mail_go_where_its_it_allows_that_and_says_so(dovecot: Dovecot, postfix: Postfix) -> None:
    with (
        thunderbird_with_addon(managed={"WhenNotRunning": "warn"}) as lenient,
        desk_at(lenient, dovecot, postfix) as desk,
    ):
        desk.open_account()
        desk.thunderbird.write(desk.colleague.address, subject="Warned")
        desk.press_send("Warned")
        assert "sent without SendGuard" in desk.page()
        desk.thunderbird.wait_until_sent("Warned")
        assert len(desk.dovecot.wait_for_messages(desk.colleague, 1)) == 1
        gate = desk.start_guard()
        desk.thunderbird.write(desk.big, subject="Asked")
        desk.wait_for_line("reaches 850,112 people", "Asked")
        desk.thunderbird.press_send("Asked")
        desk.question()
        gate.stop()
        assert "not sent" in desk.page()
        desk.thunderbird.wait_until_ready("Asked")
