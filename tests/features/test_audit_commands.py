"""``sendguard audit`` and ``sendguard history``, as IT and a person meet them."""

import json
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sendguard.bootstrap.audit import pseudonym_of
from sendguard.cli import main
from sendguard.guard.audit import AuditLine, Line, to_json
from sendguard.guard.ledger import MONITORED
from sendguard.storage.audit import AuditFolder
from sendguard.storage.database import Database
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places
from sendguard.system.managed_files import ManagedFiles
from tests.desktop.examples import record
from tests.servers.certificates import CertificateAuthority
from tests.servers.processes import wait_until
from tests.servers.syslog_server import SyslogServer

TODAY = datetime.now().astimezone().replace(hour=12)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Places:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("LANGUAGE", "en")
    return Places.of_this_user().make()


@pytest.fixture
def lines(places: Places) -> list[AuditLine]:
    made = [
        AuditLine(Line.STARTED, YESTERDAY),
        AuditLine(Line.DECISION, YESTERDAY, "1", people="50-199", verdict="confirm", decision="dont_send", seconds=3.0),
        AuditLine(Line.END, TODAY, "2", people="1", verdict="send", decision="send", state="sent"),
    ]
    for line in made:
        AuditFolder(places.audit).append(to_json(line), line.time.date())
    return made


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_audit_is_exported_as_json_lines_for_this_user_only(lines: list[AuditLine], tmp_path: Path) -> None:
    result = run("audit", "export", tmp_path / "out.jsonl")
    assert (result.exit_code, result.stdout) == (0, f"3 lines in {tmp_path / 'out.jsonl'}\n")
    assert (tmp_path / "out.jsonl").read_bytes() == b"".join(to_json(line) + b"\n" for line in lines)
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600


def test_days_can_be_chosen_and_the_standard_output_as_well(lines: list[AuditLine]) -> None:
    result = run("audit", "export", "-", "--from", TODAY.date(), "--to", TODAY.date())
    assert json.loads(result.stdout)["id"] == "2"
    assert run("audit", "export", "-", "--to", TODAY.date() - timedelta(days=9)).stdout == ""


def test_an_export_to_nowhere_is_a_sentence(tmp_path: Path) -> None:
    result = run("audit", "export", tmp_path / "none" / "out.jsonl")
    assert result.exit_code == 2
    assert "Not exported: No such file or directory" in result.stderr


def test_the_latest_lines_are_shown_in_words_or_as_json(lines: list[AuditLine]) -> None:
    said = run("audit", "show").stdout.splitlines()
    facts = "decided · 50–199 people · to be confirmed · you changed your mind, 3 s"
    assert said[1].endswith(f", {YESTERDAY:%H:%M} · {facts}")
    assert [json.loads(line)["kind"] for line in run("audit", "show", "--json", "--last", 2).stdout.splitlines()] == [
        "decision", "end",
    ]  # fmt: skip


def test_an_audit_that_holds_nothing_says_so() -> None:
    result = run("audit", "show")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "holds no line" in result.stderr


def test_the_id_of_a_list_is_the_same_however_it_is_written_and_with_the_organisations_key(tmp_path: Path) -> None:
    own = run("audit", "id", "All-Staff@Example.ORG").stdout.strip()
    assert own == run("audit", "id", "all-staff@example.org").stdout.strip()
    (tmp_path / "key").write_text("0f" * 32 + "\n")
    theirs = run("audit", "id", "all-staff@example.org", "--key-file", tmp_path / "key").stdout.strip()
    assert theirs == pseudonym_of(b"0f" * 32)("all-staff@example.org") != own
    (tmp_path / "key").write_text("\n")
    assert run("audit", "id", "all-staff@example.org", "--key-file", tmp_path / "key").exit_code == 2
    assert "is not an address" in run("audit", "id", "all-staff").stderr


def test_each_place_is_tried_and_says_what_became_of_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate_authority: CertificateAuthority
) -> None:
    policies = tmp_path / "policies"
    (policies / "managed").mkdir(parents=True)
    managed = policies / "managed" / "it.json"
    monkeypatch.setattr("sendguard.system.managed.policy_here", lambda: ManagedFiles(policies, os.getuid()))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.certificate))
    assert (run("audit", "try").exit_code, run("audit", "try").stdout) == (
        1, "Audit: is off: nothing is put down until it is switched on\n",
    )  # fmt: skip
    with SyslogServer(certificate_authority.issue()) as server:
        places = {"Audit": True, "AuditFile": str(tmp_path / "collected"), "AuditSyslog": f"localhost:{server.port}"}
        managed.write_text(json.dumps(places))
        result = run("audit", "try")
        assert result.stdout == (
            f"AuditFile {tmp_path / 'collected'}: taken\nAuditSyslog localhost:{server.port}: taken\n"
        )
        assert result.exit_code == 0
        wait_until(lambda: server.messages, "the message")
        assert b'"kind":"test"' in server.messages[0]
    assert json.loads((tmp_path / "collected").read_text())["kind"] == "test"
    managed.write_text(json.dumps(places | {"AuditFile": "collected"}))
    result = run("audit", "try")
    assert result.stdout == (
        f"AuditFile collected: not written (relative)\nAuditSyslog localhost:{server.port}: unreachable\n"
    )
    assert result.exit_code == 1


def test_the_history_says_what_other_thresholds_would_have_done(places: Places) -> None:
    assert run("history").stdout.startswith("In the last 30 days: 0 messages")
    database = Database(places.ledger)
    for number, people in enumerate((3, 60, 120)):
        row = record(f"r{number}", asked=False, low=people, high=people, detail=MONITORED, received_at=YESTERDAY)
        SqliteLedger(database).put(row)
    database.close()
    said = run("history").stdout.splitlines()
    assert said[0] == "In the last 30 days: 3 messages; asked about 0, 3 would have been asked about."
    assert "from 50 people: 2 messages, 0 of them replies" in said
    found = json.loads(run("history", "--json").stdout)
    assert (found["days"], found["messages"], found["would_ask"]) == (30, 3, 3)
    assert {"people": 100, "messages": 1, "replies": 0} in found["at"]


def test_a_history_that_cannot_be_read_is_a_sentence(places: Places) -> None:
    places.ledger.write_bytes(b"not a database, and long enough to be told apart from an empty one" * 20)
    result = run("history")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
