"""The whole program under an organisation that keeps an audit: the same lines in three places, and mail as before."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sendguard.bootstrap.audit_reading import AuditTrail, list_id
from sendguard.bootstrap.policy_signing import make_code
from sendguard.guard.hindsight import AtThreshold
from sendguard.guard.ports import ActivityKind, Answer
from tests.features.test_policy_in_force import LIST, ME, Office
from tests.servers.certificates import CertificateAuthority
from tests.servers.processes import free_port, wait_until
from tests.servers.static_site import StaticSite
from tests.servers.syslog_server import SyslogServer

KEY = "5e" * 32


@pytest.fixture
def office(tmp_path: Path, certificate_authority: CertificateAuthority) -> Iterator[Office]:
    folder = tmp_path / "site"
    folder.mkdir()
    with StaticSite(folder) as site, pytest.MonkeyPatch.context() as patch:
        # What the system trusts is what this says, for OpenSSL.
        patch.setenv("SSL_CERT_FILE", str(certificate_authority.certificate))
        office = Office(tmp_path, site)
        yield office
        office.stop()


def lines(office: Office) -> list[dict[str, Any]]:
    return [json.loads(octets) for octets in AuditTrail(office.places).octets()]


def test_the_folder_the_collector_and_the_syslog_server_get_the_same_lines_and_none_names_anybody(
    office: Office, tmp_path: Path, certificate_authority: CertificateAuthority
) -> None:
    code, digest = make_code()
    collected = tmp_path / "collected.jsonl"
    with SyslogServer(certificate_authority.issue()) as server:
        office.manage(
            Audit=True, AuditKey=KEY, AuditFile=str(collected), AuditSyslog=f"localhost:{server.port}",
            BlockedLists=[f"all-staff | canary-words | code={digest}"],
        )  # fmt: skip
        program = office.start()
        told = office.send()
        program.gatekeeper.answer(office.asker.question().id, Answer.SEND, code)
        assert told.result(20) == (250, "")
        wait_until(lambda: len(lines(office)) == 3, "the lines")
        program.stop()
        office.program = None
        wait_until(lambda: len(server.messages) == 4, "the messages")
        received = [octets.partition(b" - {")[2] for octets in server.messages]
    ours = list(AuditTrail(office.places).octets())
    assert collected.read_bytes().splitlines() == ours
    assert [b"{" + octets for octets in received] == ours
    started, decided, ended, stopped = lines(office)
    assert (started["kind"], stopped["kind"]) == ("started", "stopped")
    assert (decided["verdict"], decided["code"], decided["decision"]) == ("code", digest[:8], "send")
    assert (ended["state"], ended["lists"]) == ("sent", [list_id(LIST, KEY.encode())])
    assert decided["seconds"] >= 0
    said = collected.read_text() + repr(server.messages)
    assert not any(canary in said for canary in ("@", "canary", ME, "all-staff", code, digest, KEY))


def test_an_audit_that_reaches_nobody_neither_stops_mail_nor_lets_any_go_unasked(office: Office) -> None:
    office.places.audit.write_text("in the way")
    office.manage(
        Audit=True, AuditFile="not/absolute", AuditSyslog=f"localhost:{free_port()}", KnownLists=[f"{LIST} | 5"]
    )
    program = office.start()
    assert office.send(1).result(20) == (250, "")
    wait_until(lambda: len(program.audit.troubles) == 3, "every trouble")
    wait_until(lambda: office.activities.count(ActivityKind.TROUBLE) == 3, "each told once")
    office.manage(Audit=True, AuditFile="not/absolute", KnownLists=[f"{LIST} | 500"])
    told = office.send(2)
    program.gatekeeper.answer(office.asker.question().id, Answer.DONT_SEND)
    assert told.result(20)[0] == 550
    assert office.delivered == 1


def test_monitoring_is_in_the_audit_and_the_thresholds_are_facts(office: Office) -> None:
    office.manage(Audit=True, MonitorOnly=True, KnownLists=[f"{LIST} | 150"])
    program = office.start()
    assert office.send().result(20) == (250, "")
    wait_until(lambda: len(lines(office)) == 2, "the line")
    (line,) = (each for each in lines(office) if each["kind"] == "end")
    assert (line["monitored"], line["verdict"], line["people"], line["decision"]) == (True, "confirm", "50-199", "send")
    found = program.hindsight()
    assert (found.messages, found.asked, found.would_ask) == (1, 0, 1)
    assert AtThreshold(100, 1, 0) in found.at
    assert AtThreshold(200, 0, 0) in found.at
