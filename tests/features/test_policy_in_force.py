"""The whole program under an organisation's policy: files of root's, the signed policy, what they do to live mail."""

import json
import os
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from sendguard.bootstrap.once import settings_here
from sendguard.bootstrap.policy_signing import make_code
from sendguard.bootstrap.program import Program
from sendguard.bootstrap.screen import services_of
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.ledger import MONITORED
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.guard.ticket import CodeSpent
from sendguard.practice.servers import EVERYBODY, PracticeServers
from sendguard.published.signing import SigningKey
from sendguard.settings.layers import Layer
from sendguard.storage.files import save_accounts
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets
from sendguard.system.managed_files import ManagedFiles
from tests.fakes import FakeAsker
from tests.servers.processes import wait_until
from tests.servers.static_site import StaticSite

ME, LIST = "me@nhs.test", "all-staff@nhs.test"
MAIL = f"From: {ME}\r\nTo: {LIST}\r\nSubject: test\r\nMessage-ID: <%d@nhs.test>\r\n\r\ntest\r\n"
ORGANISATION = "nhs.test"


class Office:
    """A person with a mail server, an organisation with a policy folder, a key and a web server."""

    def __init__(self, folder: Path, site: StaticSite) -> None:
        self.site = site
        self.folder = folder
        self.policies = folder / "etc" / "sendguard" / "policies"
        for level in ("managed", "recommended"):
            (self.policies / level).mkdir(parents=True)
        self.key = SigningKey.make(folder / "policy.key")
        self.servers = PracticeServers(ME, "secret")
        self.servers.start()
        smtp = Server("127.0.0.1", self.servers.smtp_port, Security.PLAIN, ME)
        self.account = Account("work", (ME,), smtp=smtp, gate_port=choose_port())
        self.places = Places.under(folder / "home").make()
        save_accounts(self.places.accounts, (self.account,))
        self.asker = FakeAsker()
        self.activities: list[ActivityKind] = []
        self.program: Program | None = None
        self._clients = ThreadPoolExecutor()

    def manage(self, name: str = "nhs", level: str = "managed", **settings: object) -> None:
        """Root writes a policy file."""
        path = self.policies / level / f"{name}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(settings))
        fresh.replace(path)

    def follow_signed(self, minutes: int = 1) -> dict[str, object]:
        return {
            "PolicyAddress": f"{self.site.url}policy",
            "PolicyKeys": [str(self.key.public)],
            "PolicyOrganisation": ORGANISATION,
            "PolicyMinutes": minutes,
        }

    def publish(self, **settings: object) -> None:
        """IT signs and publishes, with the command IT has."""
        draft = self.folder / "draft.json"
        draft.write_text(json.dumps(settings))
        command = (
            "from sendguard.cli.signed_policy import sign; sign()",
            *(str(draft), "--key", str(self.folder / "policy.key"), "--organisation", ORGANISATION),
            *("-o", str(self.site.folder / "policy")),
        )
        subprocess.run([sys.executable, "-c", *command], check=True, capture_output=True)

    def start(self) -> Program:
        policy = ManagedFiles(self.policies, owner=os.getuid())
        self.program = Program(self.places, SessionSecrets(work="secret"), self.asker, policy=policy)
        self.program.gatekeeper.subscribe(lambda activity: self.activities.append(activity.kind))
        self.program.start()
        return self.program

    def send(self, number: int = 1) -> "Future[tuple[int, str]]":
        """A mail program sends; what its server tells it in the end."""
        return self._clients.submit(self._send, number)

    def _send(self, number: int) -> tuple[int, str]:
        with smtplib.SMTP("127.0.0.1", self.account.gate_port, timeout=100) as client:
            client.login(ME, "secret")
            try:
                client.sendmail(ME, [LIST], MAIL % number)
            except smtplib.SMTPDataError as error:
                words = error.smtp_error
                return error.smtp_code, words.decode() if isinstance(words, bytes) else words
        return 250, ""

    @property
    def delivered(self) -> int:
        return self.servers.messages(EVERYBODY)

    def stop(self) -> None:
        if self.program is not None:
            self.program.stop()
        self._clients.shutdown()
        self.servers.stop()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "site"
    folder.mkdir()
    with StaticSite(folder) as site:
        office = Office(tmp_path, site)
        yield office
        office.stop()


def test_a_policy_file_is_in_force_for_the_very_next_message(office: Office) -> None:
    office.manage(KnownLists=[f"{LIST} | 50"])
    program = office.start()
    assert office.send(1).result(20) == (250, "")
    office.manage(KnownLists=[f"{LIST} | 50"], BlockedLists=["all-staff | Closed until Monday. Call the service desk."])
    code, words = office.send(2).result(20)
    assert code == 550
    assert "Closed until Monday. Call the service desk" in words
    assert office.delivered == 1
    assert program.settings.resolution["BlockedLists"].layer is Layer.MACHINE


def test_a_held_message_is_refused_with_the_organisations_words_when_its_list_is_blocked(office: Office) -> None:
    office.start()
    told = office.send()
    office.asker.question()
    office.manage(BlockedLists=["all-staff | Do not reply to this."])
    code, words = told.result(20)
    assert code == 550
    assert "Do not reply to this" in words
    assert office.asker.shown is None
    assert office.delivered == 0


def test_a_looser_policy_takes_no_question_back(office: Office) -> None:
    program = office.start()
    told = office.send()
    question = office.asker.question()
    office.manage(KnownLists=[f"{LIST} | 1"], ListPatterns=[], MonitorOnly=True)
    wait_until(lambda: program.values.switch("MonitorOnly"), "the new policy")
    wait_until(lambda: program.settings.resolution.is_managed, "the new policy")
    assert office.asker.question().id == question.id
    program.gatekeeper.answer(question.id, Answer.DONT_SEND)
    assert told.result(20)[0] == 550


@pytest.mark.logs("a change of settings was not put in force: FileUnreadable")
def test_a_change_that_fails_leaves_what_was_in_force_and_the_next_one_is_seen(office: Office) -> None:
    program = office.start()
    accounts = office.places.accounts.read_bytes()
    office.places.accounts.write_text("broken = = toml")
    office.manage(ListPatterns=["everyone"])
    wait_until(lambda: ActivityKind.TROUBLE in office.activities, "trouble told")
    office.places.accounts.write_bytes(accounts)
    office.manage(AskAnyFrom=30)
    wait_until(lambda: program.values.number("AskAnyFrom") == 30, "the next change")


def test_a_policy_that_cannot_be_read_is_told_and_loosens_nothing(office: Office) -> None:
    office.manage(AskAnyFrom=30, BlockedLists=["all-staff | Closed."])
    (office.places.settings).write_text("AskAnyFrom = 5000\nTypeFrom = 0\n")
    program = office.start()
    assert program.values.number("AskAnyFrom") == 30
    (office.policies / "managed" / "nhs.json").write_text("{broken")
    program.settings.refresh()
    assert program.values.number("AskAnyFrom") == 100
    assert program.values.number("TypeFrom") == 500
    wait_until(lambda: ActivityKind.TROUBLE in office.activities, "trouble told")


def test_what_the_organisation_recommends_a_person_may_change(office: Office) -> None:
    office.manage(level="recommended", AskAnyFrom=60, TypeFrom=200)
    program = office.start()
    services = services_of(program)
    assert program.values.number("AskAnyFrom") == 60
    services.save_settings({"AskAnyFrom": 45})
    assert services.settings()["AskAnyFrom"].layer is Layer.USER
    assert program.values.number("AskAnyFrom") == 45
    services.save_settings({"AskAnyFrom": 60})
    assert services.settings()["AskAnyFrom"].layer is Layer.RECOMMENDED


def test_a_message_with_the_code_is_delivered_and_a_second_one_is_not(office: Office) -> None:
    code, digest = make_code()
    office.manage(BlockedLists=[f"all-staff | Ask the service desk. | code={digest}"])
    program = office.start()
    first, second = office.send(1), office.send(2)
    wait_until(lambda: len(program.gatekeeper.waiting()) == 2, "both questions")
    program.gatekeeper.answer(office.asker.question().id, Answer.SEND, code.lower())
    wait_until(lambda: len(program.gatekeeper.waiting()) == 1, "one question")
    with pytest.raises(CodeSpent):
        program.gatekeeper.answer(office.asker.question().id, Answer.SEND, code)
    program.gatekeeper.answer(office.asker.question().id, Answer.DONT_SEND)
    assert sorted((first.result(20)[0], second.result(20)[0])) == [250, 550]
    assert office.delivered == 1
    assert f"code_{digest[:8]}" in [record.detail for record in program.history()]


def test_monitoring_lets_a_message_go_and_the_history_says_what_would_have_been_asked(office: Office) -> None:
    office.manage(MonitorOnly=True, KnownLists=[f"{LIST} | 5000"])
    program = office.start()
    assert office.send().result(20) == (250, "")
    assert office.asker.history == []
    record = program.history()[0]
    assert (record.detail, record.asked, record.high) == (MONITORED, False, 5000)


# The signed policy


@pytest.mark.timeout(150)
def test_a_published_block_stops_a_held_message_within_one_interval_and_a_second(office: Office) -> None:
    """The worst case: IT publishes just after the desktop has looked. PolicyMinutes is at its least, one minute."""
    office.publish()
    office.manage(HoldSecondsOther=100, **office.follow_signed())
    program = office.start()
    wait_until(lambda: program.signed_policy.standing and program.signed_policy.standing.serial, "the first policy")
    told = office.send()
    office.asker.question()
    office.publish(BlockedLists=["all-staff@nhs.test | This list reaches everybody by mistake. Do not reply."])
    began = time.monotonic()
    code, words = told.result(100)
    seconds = time.monotonic() - began
    assert code == 550
    assert "This list reaches everybody by mistake. Do not reply" in words
    assert seconds <= 61
    assert office.send(2).result(20)[0] == 550
    assert office.delivered == 0


def test_a_signed_policy_is_in_force_from_the_start_on_and_only_tightens(office: Office) -> None:
    office.publish(AskAnyFrom=30, AskReplyFrom=5000, BlockedLists=["all-staff"])
    office.manage(AskAnyFrom=200, **office.follow_signed())
    program = office.start()
    wait_until(lambda: program.values.number("AskAnyFrom") == 30, "the signed policy")
    assert program.values.number("AskReplyFrom") == 20
    program.stop()
    office.program = None
    (office.site.folder / "policy").unlink()
    again = office.start()
    assert again.values.number("AskAnyFrom") == 30
    assert again.values.lines("BlockedLists") == ("all-staff",)


def test_a_signed_policy_without_a_trusted_key_is_not_followed_and_it_is_told(office: Office) -> None:
    office.publish(AskAnyFrom=30)
    office.manage(**(office.follow_signed() | {"PolicyKeys": []}))
    program = office.start()
    wait_until(lambda: ActivityKind.TROUBLE in office.activities, "trouble told")
    assert program.signed_policy.standing is not None
    assert program.signed_policy.standing.trouble == "policy_keys"
    assert office.site.requests == []


def test_machine_policy_that_follows_another_address_is_taken_at_once(office: Office) -> None:
    office.publish(AskAnyFrom=30)
    office.manage(**office.follow_signed())
    program = office.start()
    wait_until(lambda: program.values.number("AskAnyFrom") == 30, "the signed policy")
    office.manage()
    program.settings.refresh()
    assert program.signed_policy.standing is None
    assert program.values.number("AskAnyFrom") == 100
    assert threading.active_count() < 60


def test_a_users_own_file_cannot_point_to_a_signed_policy(office: Office) -> None:
    office.publish(AskAnyFrom=30)
    office.places.settings.write_text(
        f'PolicyAddress = "{office.site.url}policy"\nPolicyOrganisation = "{ORGANISATION}"\n'
        f'PolicyKeys = ["{office.key.public}"]\n'
    )
    program = office.start()
    assert program.signed_policy.standing is None
    assert {fault.why for fault in program.settings.resolution.faults} == {"not_yours"}


def test_the_command_line_reads_the_same_layers(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.system.managed.policy_here", lambda: ManagedFiles(office.policies, os.getuid()))
    monkeypatch.setattr(Places, "of_this_user", classmethod(lambda cls: office.places))
    office.manage(AskAnyFrom=30)
    assert settings_here().values.number("AskAnyFrom") == 30
