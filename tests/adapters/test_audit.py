"""The audit of a running program: on and off, where its lines go, and what becomes of mail when they cannot."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sendguard.bootstrap.audit import WAITING, Audit, key_of, pseudonym_of
from sendguard.bootstrap.audit_reading import AuditTrail
from sendguard.guard.account import Account
from sendguard.guard.audit import from_json
from sendguard.guard.intake import Intake
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.mail.submission import Envelope, Hook
from sendguard.settings.layers import resolve
from sendguard.settings.setting import Value
from sendguard.settings.values import Values
from sendguard.storage.places import Places
from sendguard.syslog.sender import SyslogSender
from tests.fakes import Guard
from tests.servers.certificates import CertificateAuthority
from tests.servers.processes import wait_until
from tests.servers.syslog_server import SyslogServer

RAW = b"From: me@x.test\r\nTo: x@x.test\r\nSubject: test\r\nMessage-ID: <%d@x>\r\n\r\ntest\r\n"


class Desk:
    """A gatekeeper with an audit."""

    def __init__(self, folder: Path, context: Callable[[], object]) -> None:
        self.places = Places.under(folder).make()
        self.guard = Guard()
        self.values: dict[str, Value] = {}
        self.numbers = iter(range(1, 1_000_000))

        def syslog(host: str, port: int, **options: Any) -> SyslogSender:
            return SyslogSender(host, port, context=context, pause=lambda failures: 0.01, **options)  # type: ignore[arg-type]

        self.audit = Audit(
            self.places, lambda: Values(self.values), self.guard.clock, self.guard.gatekeeper.trouble, syslog
        )
        self.guard.gatekeeper.subscribe(self.audit.observe)

    def set(self, **values: Value) -> None:
        self.values.update(values)
        self.audit.settings_changed(resolve(()))

    def send(self, *recipients: str) -> str:
        """One message goes out; returns its row's id."""
        intake = Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE)
        envelope = Envelope.of("me@x.test", recipients or ("a@x.test",))
        ticket = self.guard.gatekeeper.receive(intake.submission(RAW % next(self.numbers), envelope))
        if ticket.decided is None:
            self.guard.gatekeeper.answer(ticket.id, Answer.SEND)
        self.guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw)
        self.guard.gatekeeper.sent(ticket)
        return ticket.id

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in AuditTrail(self.places).octets()]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        return wait_until(lambda: len(found := self.lines()) >= count and found, f"{count} lines")

    def troubles(self) -> list[str]:
        return [each.detail for each in self.guard.activities if each.kind is ActivityKind.TROUBLE]


@pytest.fixture
def desk(tmp_path: Path, certificate_authority: CertificateAuthority) -> Iterator[Desk]:
    desk = Desk(tmp_path, certificate_authority.client_context)
    yield desk
    desk.audit.stop()


# On and off


def test_there_is_no_audit_unless_it_is_switched_on(desk: Desk) -> None:
    desk.audit.start()
    desk.send("middle@lists.test")
    desk.audit.stop()
    assert not desk.places.audit.exists()


def test_each_decision_and_each_end_is_a_line_between_those_of_start_and_stop(desk: Desk) -> None:
    desk.values["Audit"] = True
    desk.audit.start()
    asked, unasked = desk.send("middle@lists.test"), desk.send()
    desk.audit.stop()
    assert [(line["kind"], line.get("id")) for line in desk.lines()] == [
        ("started", None), ("decision", asked), ("end", asked), ("end", unasked), ("stopped", None),
    ]  # fmt: skip
    assert desk.lines()[-1]["detail"] == "quit"


def test_a_change_of_the_settings_holds_from_the_next_line_on(desk: Desk, tmp_path: Path) -> None:
    desk.audit.start()
    desk.send()
    desk.set(Audit=True)
    desk.send()
    desk.wait_for(2)
    desk.set(AuditFile=str(tmp_path / "collected.jsonl"))
    desk.send()
    desk.wait_for(3)
    desk.set(Audit=False)
    desk.send()
    desk.audit.stop()
    assert [line["kind"] for line in desk.lines()] == ["started", "end", "end", "stopped"]
    assert desk.lines()[-1]["detail"] == "switched_off"
    collected = (tmp_path / "collected.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in collected] == desk.lines()[2:]


def test_rows_that_a_crash_left_have_their_end(desk: Desk) -> None:
    desk.values["Audit"] = True
    desk.audit.start()
    intake = Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE)
    held = desk.guard.gatekeeper.receive(intake.submission(RAW % 1, Envelope.of("me@x.test", ("middle@lists.test",))))
    desk.guard.gatekeeper.recover()
    desk.audit.put_right([desk.guard.ledger.get(held.id)])  # type: ignore[attr-defined]
    desk.audit.stop()
    assert [(line["kind"], line.get("detail")) for line in desk.lines()][1] == ("end", "restart")


# Pseudonyms


def test_a_list_has_one_id_under_one_key_everywhere_and_another_under_another(
    desk: Desk, tmp_path: Path, certificate_authority: CertificateAuthority
) -> None:
    other = Desk(tmp_path / "other", certificate_authority.client_context)
    ids = []
    for key in ("", "k" * 64):
        for each in (desk, other):
            each.values |= {"Audit": True, "AuditKey": key}
            each.audit.start() if not each.audit._thread.is_alive() else None
            before = len(each.lines())
            each.send("middle@lists.test")
            ids.append(each.wait_for(before + 2)[-1]["lists"])
    other.audit.stop()
    assert ids[0] != ids[1]
    assert ids[2] == ids[3] == [pseudonym_of(b"k" * 64)("middle@lists.test")]
    assert len(ids[2][0]) == 16
    assert ids[0] == [pseudonym_of(key_of(Values(), desk.places))("middle@lists.test")]


# Retention


def test_old_days_are_deleted_at_the_start_and_every_day_even_when_the_audit_is_off(desk: Desk) -> None:
    desk.values |= {"Audit": True, "AuditDays": 2}
    desk.audit.start()
    desk.send()
    desk.wait_for(2)
    desk.guard.clock.move(days=2)
    desk.send()
    assert len(desk.wait_for(3)) == 3
    desk.guard.clock.move(days=1)
    desk.send()
    wait_until(lambda: len(desk.lines()) == 2, "the end of the first day")
    desk.audit.stop()
    off = Desk(desk.places.data.parent, lambda: None)
    off.guard.clock.now = desk.guard.clock.now + timedelta(days=9)
    off.values["AuditDays"] = 2
    off.audit.start()
    wait_until(lambda: not desk.lines(), "the end of all days")
    off.audit.stop()


# When it cannot be written


def test_a_folder_that_cannot_be_written_stops_no_mail_is_told_once_and_counted(desk: Desk) -> None:
    desk.values["Audit"] = True
    desk.places.audit.write_text("in the way")
    desk.audit.start()
    for _ in range(3):
        desk.send("middle@lists.test")
    wait_until(lambda: desk.audit.troubles == ("audit",), "the trouble")
    desk.places.audit.unlink()
    desk.send()
    desk.audit.stop()
    lines = desk.lines()
    assert desk.audit.troubles == ()
    assert [line["kind"] for line in lines].index("gap") == 0
    assert lines[0]["lost"] + len(lines) - 1 == 1 + 3 * 2 + 1 + 1
    assert desk.troubles() == ["audit"]


def test_a_collectors_file_that_leads_elsewhere_is_told_of_and_our_own_lines_are_whole(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "collected").symlink_to(tmp_path / "precious")
    desk.values |= {"Audit": True, "AuditFile": str(tmp_path / "collected")}
    desk.audit.start()
    desk.send()
    desk.wait_for(2)
    wait_until(desk.troubles, "the trouble")
    assert desk.troubles() == ["audit_file"]
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_disk_that_hangs_holds_up_no_mail_and_no_stop(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, hangs = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        go_on.wait(30)

    monkeypatch.setattr("sendguard.bootstrap.audit.LAST_LINES_SECONDS", 0.2)
    monkeypatch.setattr(desk.audit._folder, "append", hang)
    desk.values["Audit"] = True
    desk.audit.start()
    assert hangs.wait(5)
    for _ in range(WAITING // 2 + 10):
        desk.send("middle@lists.test")
    assert desk.audit._lost == 20
    began = time.monotonic()
    desk.audit.stop()
    assert time.monotonic() - began < 3
    go_on.set()


@pytest.mark.logs("a line of the audit could not be made: KeyError")
def test_a_fault_of_the_audits_own_is_a_missing_line_and_stops_no_mail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.values["Audit"] = True
    desk.audit.start()
    desk.wait_for(1)

    def broken(*_: object) -> None:
        raise KeyError("canary@x.test")

    monkeypatch.setattr("sendguard.bootstrap.audit.line_of", broken)
    desk.send()
    monkeypatch.undo()
    desk.send()
    assert [line["kind"] for line in desk.wait_for(3)] == ["started", "gap", "end"]


# Syslog


@pytest.fixture
def server(certificate_authority: CertificateAuthority) -> Iterator[SyslogServer]:
    with SyslogServer(certificate_authority.issue()) as server:
        yield server


def test_every_line_goes_to_the_syslog_server_with_its_weight(desk: Desk, server: SyslogServer) -> None:
    desk.values |= {"Audit": True, "AuditSyslog": f"127.0.0.1:{server.port}"}
    desk.audit.start()
    desk.send("middle@lists.test")
    desk.guard.asker.can_ask = False
    intake = Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE)
    desk.guard.gatekeeper.receive(intake.submission(RAW % 77, Envelope.of("me@x.test", ("big@lists.test",))))
    desk.audit.stop()
    wait_until(lambda: len(server.messages) == 5, "the messages")
    heads = [(octets.split(b">")[0], octets.split(b" ")[5]) for octets in server.messages]
    assert heads == [
        (b"<109", b"started"), (b"<109", b"decision"), (b"<110", b"end"), (b"<108", b"decision"), (b"<109", b"stopped"),
    ]  # fmt: skip
    found = [from_json(octets.partition(b" - ")[2]) for octets in server.messages]
    assert found == [from_json(line) for line in AuditTrail(desk.places).octets()]


def test_another_server_gets_the_next_line_and_one_that_is_away_is_told_of(
    desk: Desk, server: SyslogServer, certificate_authority: CertificateAuthority
) -> None:
    desk.values |= {"Audit": True, "AuditSyslog": f"[127.0.0.1]:{server.port}"}
    desk.audit.start()
    wait_until(lambda: len(server.messages) == 1, "the first message")
    with SyslogServer(certificate_authority.issue()) as other:
        desk.set(AuditSyslog=f"localhost:{other.port}")
        desk.send()
        wait_until(lambda: len(other.messages) == 1, "the message")
    assert len(server.messages) == 1
    desk.send()
    wait_until(lambda: desk.audit.troubles == ("audit_syslog_unreachable",), "the trouble")
    assert desk.troubles() == ["audit_syslog_unreachable"]
    desk.set(AuditSyslog="")
    desk.send()
    desk.wait_for(4)
    wait_until(lambda: desk.audit.troubles == (), "the end of the trouble")


# Reading


def test_an_export_holds_every_line_of_its_days_and_nothing_that_is_none(desk: Desk, tmp_path: Path) -> None:
    desk.values["Audit"] = True
    desk.audit.start()
    desk.send()
    desk.audit.stop()
    with next(desk.places.audit.iterdir()).open("ab") as file:
        file.write(b"not a line\n")
    trail, place = AuditTrail(desk.places), tmp_path / "export.jsonl"
    day = desk.guard.clock.now.date()
    assert trail.export(place, day, day) == 3
    assert place.read_bytes() == b"".join(line + b"\n" for line in trail.octets())
    assert trail.export(place, day + timedelta(days=1)) == 0
    assert [line.kind for line in trail.latest(3)] == ["stopped", "end"]


def test_the_ledger_is_read_by_the_day_whatever_the_zone(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timezone

    from sendguard.storage.database import Database
    from sendguard.storage.ledger import SqliteLedger
    from tests.desktop.examples import record

    database = Database(tmp_path / "ledger.sqlite")
    ledger = SqliteLedger(database)
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    for name, at in (("early", noon - timedelta(seconds=1)), ("in time", noon), ("late", noon + timedelta(hours=1))):
        for zone in (east, west):
            ledger.put(replace(record(f"{name} {zone}"), received_at=at.astimezone(zone), changed_at=at))
    found = {row.id.split(" UTC")[0] for row in ledger.received_since(noon)}
    assert found == {"in time", "late"}
    assert len(ledger.received_since(noon)) == 4
    database.close()
