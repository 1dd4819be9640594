"""The command line, as its users and other programs meet it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sendguard.cli import main
from tests.servers.accessibility import AccessibleDesktop
from tests.servers.display import Display
from tests.servers.processes import wait_until

NEW = "From: Ana <ana@x.test>\nTo: team@x.test\nSubject: hello\n\nhello\n"


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "directory"
    folder.mkdir()
    members = [("team", f"p{n}@x.test") for n in range(25)] + [("all", f"q{n}@x.test") for n in range(600)]
    (folder / "members.csv").write_text(
        "list,member\nall@x.test,team@x.test\nteam@x.test,ana@x.test\n"
        + "".join(f"{name}@x.test,{member}\n" for name, member in members)
    )
    (folder / "sizes.csv").write_text("list,people,as_of\nteam@x.test,24,2026-11-01\nold@x.test,0,\n")
    (folder / "aliases.csv").write_text("alias,address\npeter@x.test,p1@x.test\n")
    (folder / "domains.csv").write_text("domain\nx.test\n")
    return folder


def run(*arguments: str | Path, given: str = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given, catch_exceptions=False)


def check(*arguments: str | Path, given: str = NEW) -> tuple[int, dict[str, Any]]:
    result = run("check", "-", "--json", *arguments, given=given)
    return result.exit_code, json.loads(result.stdout)


def test_a_small_message_may_go(directory: Path) -> None:
    code, data = check("--directory", directory)
    assert code == 0
    assert data["audience"] | {"as_of": None} == {
        "low": 25, "high": 25, "basis": "exact", "as_of": None, "source": "directory",
    }  # fmt: skip
    assert (data["kind"], data["typed"], data["verdict"], data["friction"]) == ("new", 1, "send", None)


def test_a_reply_to_twenty_is_asked_about_with_a_button(directory: Path) -> None:
    code, data = check("--directory", directory, given="In-Reply-To: <1@x>\n" + NEW)
    assert (code, data["verdict"], data["friction"], data["kind"]) == (10, "confirm", "button", "reply")
    assert data["reasons"][0]["code"] == "reply_reaches_many"


def test_the_envelope_is_who_gets_it(directory: Path) -> None:
    code, data = check("--directory", directory, "--rcpt", "all@x.test", "--rcpt", "peter@x.test", "--me", "ana@x.test")
    assert (code, data["typed"], data["audience"]["high"], data["friction"]) == (10, 2, 625, "type")


def test_an_unknown_list_is_open_ended(directory: Path) -> None:
    for address in ("old@x.test", "nobody-knows@x.test"):
        code, data = check("--directory", directory, "--rcpt", address)
        assert (code, data["audience"]["high"], data["audience"]["basis"], data["friction"]) == (
            10,
            None,
            "unknown",
            "type",
        )
        assert data["audience"]["low"] > 1


def test_the_original_tells_a_reply_to_all_from_a_reply(tmp_path: Path) -> None:
    original = tmp_path / "original.eml"
    original.write_text("From: boss@x.test\nTo: ana@x.test, b@x.test, c@x.test\nMessage-ID: <1@x>\n\nhello")
    reply = "From: ana@x.test\nTo: boss@x.test\nCc: b@x.test, c@x.test\nSubject: Re: x\nIn-Reply-To: <1@x>\n\nyes"
    assert check("--original", original, given=reply)[1]["kind"] == "reply_all"
    assert check("--original", original, "--rcpt", "boss@x.test", given=reply)[1]["kind"] == "reply"


def test_a_blocked_list_is_refused_with_exit_status_20(tmp_path: Path) -> None:
    config = tmp_path / "home" / "sendguard"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text('BlockedLists = ["team@x.test | Not today."]\n')
    code, data = check()
    assert (code, data["verdict"], data["reasons"][0]) == (
        20, "block", {"code": "blocked", "address": "team@x.test", "message": "Not today.", "approvers": []},
    )  # fmt: skip


def test_words_for_people(directory: Path) -> None:
    result = run("check", "-", "--directory", directory, "--rcpt", "all@x.test", given=NEW)
    assert result.exit_code == 10
    assert "625 people" in result.stdout
    assert "500 people or more" in result.stdout
    counted = run("count", "all@x.test", "peter@x.test", "--directory", directory)
    assert counted.exit_code == 0
    assert "626 people" in counted.stdout


def test_count_prints_the_audience_object(directory: Path) -> None:
    data = json.loads(run("count", "team@x.test", "--directory", directory, "--json").stdout)
    assert (data["low"], data["high"], data["basis"]) == (26, 26, "exact")
    assert set(data) == {"low", "high", "basis", "as_of", "source"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "no-such-file"], "cannot be read"),
        (["check", "/"], "is a directory"),
        (["check", "-"], "is empty"),
        (["check", "-", "--rcpt", "nobody"], "is not an address"),
        (["check", "-", "--directory", "no-such-folder"], "does not exist"),
        (["count", "team@x.test"], "--directory"),
        (["count", "team@x.test", "--directory", "."], "neither members.csv nor sizes.csv"),
        (["demo", "--answer", "perhaps"], "refuse"),
        (["no-such-command"], "No such command"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, given=NEW if "--rcpt" in arguments else "")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_line_that_cannot_be_read_is_named(directory: Path) -> None:
    (directory / "sizes.csv").write_text("team@x.test,many\n")
    assert "sizes.csv, line 1" in run("count", "a@x.test", "--directory", directory).stderr


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        ("refuse", {"asked": 2, "delivered": 1, "refused": 2}),
        ("send", {"asked": 2, "delivered": 3, "refused": 0}),
        ("reply-to-sender", {"asked": 2, "delivered": 2, "refused": 1}),
    ],
)
def test_the_demo_counts_what_was_really_delivered(answer: str, end: dict[str, int]) -> None:
    result = run("demo", "--terminal", "--answer", answer, "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert events[-1] == {"event": "end"} | end
    asked = [event for event in events if event["event"] == "asked"]
    assert {event["hook"] for event in asked} == {"smtp_gate", "imap_outbox"}
    assert all(event["audience"]["high"] == 850_112 for event in asked)


def test_without_a_screen_and_without_answers_the_story_ends_by_itself() -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DISPLAY", "WAYLAND", "QT_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "sendguard", "run"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "850,112 people" in done.stdout
    assert done.stderr == ""


def test_the_doctor_proves_that_a_send_is_stopped(tmp_path: Path) -> None:
    profile = tmp_path / "home" / ".thunderbird" / "x.default"
    profile.mkdir(parents=True)
    (profile.parent / "profiles.ini").write_text("[Profile0]\nPath=x.default\nIsRelative=1\n")
    (profile / "prefs.js").write_text(
        'user_pref("mail.accountmanager.accounts", "account1");\n'
        'user_pref("mail.account.account1.identities", "id1,id2,id3");\n'
        'user_pref("mail.identity.id1.useremail", "ana@x.test");\n'
        'user_pref("mail.identity.id2.useremail", "ana@home.test");\n'
        'user_pref("mail.identity.id2.smtpServer", "smtp2");\n'
        'user_pref("mail.identity.id3.useremail", "nowhere@x.test");\n'
        'user_pref("mail.identity.id3.smtpServer", "smtp3");\n'
        'user_pref("mail.smtpservers", "smtp1,smtp2");\n'
        'user_pref("mail.smtpserver.smtp1.hostname", "127.0.0.1");\nuser_pref("mail.smtpserver.smtp1.port", 20025);\n'
        'user_pref("mail.smtpserver.smtp2.hostname", "mail.x.test");\nuser_pref("mail.smtpserver.smtp2.port", 587);\n'
        'user_pref("broken", nonsense);\n'
    )
    config = tmp_path / "home" / "sendguard"
    config.mkdir(parents=True)
    (config / "accounts.toml").write_text(
        "[[account]]\nname = 'work'\nidentities = ['ana@x.test']\ngate_port = 20025\n"
        "[account.smtp]\nhost = 'mail.x.test'\nport = 587\nsecurity = 'starttls'\n"
        "[account.imap]\nhost = 'mail.x.test'\nport = 993\nsecurity = 'tls'\n"
    )
    result = run("doctor", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["self_test"]["holds"] is True
    standing = {(path["what"], path["name"]): path["standing"] for path in found["paths"]}
    assert standing["SMTP gate of {name}", "work (127.0.0.1:20025)"] == "guarded"
    assert standing["Guarded outbox of {name}", "work (Guarded Outbox)"] == "guarded"
    assert standing["Drafts of {name}", "work"] == "warned"
    assert standing["Thunderbird: {name}", "ana@x.test, 127.0.0.1:20025"] == "guarded"
    assert standing["Thunderbird: {name}", "ana@home.test, mail.x.test:587"] == "open"
    assert standing["Thunderbird: {name}", "nowhere@x.test"] == "closed"
    assert "refused" in run("doctor").stdout


def test_a_broken_accounts_file_stops_the_start_and_says_what_is_safe(tmp_path: Path) -> None:
    config = tmp_path / "home" / "sendguard"
    config.mkdir(parents=True)
    (config / "accounts.toml").write_text("[[account]]\nname = 'work'\n")
    for command in ("run", "doctor"):
        result = run(command)
        assert result.exit_code == 2
        assert "accounts.toml" in result.stderr


def test_a_start_that_fails_is_said_on_the_screen(display: Display, accessible_desktop: AccessibleDesktop) -> None:
    config = Path(display.environment["HOME"]) / ".config" / "sendguard"
    config.mkdir(parents=True)
    (config / "accounts.toml").write_text("[[account]]\nname = 'work'\n")
    program = display.run([sys.executable, "-m", "sendguard", "run"])
    button = accessible_desktop.find(role="push button", name="OK", seconds=20)
    said = " ".join(label.name for label in accessible_desktop.all_found(role="label"))
    assert "accounts.toml" in said
    assert "no mail passes" in said
    button.press()
    wait_until(lambda: not program.is_running(), "end of the program")
