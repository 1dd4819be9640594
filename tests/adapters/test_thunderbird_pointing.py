"""Pointing an outgoing server at a gate and back: what is changed, what is not, and when nothing is."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sendguard.guard.account import Account
from sendguard.thunderbird.kept import backup_of
from sendguard.thunderbird.pointing import NotPointed, Refusal, point_at_gate, point_back
from sendguard.thunderbird.preferences import Preferences
from sendguard.thunderbird.servers import MailServer
from tests.adapters.test_thunderbird_profiles import LOCK
from tests.adapters.thunderbird_profile import EXCHANGE, WORK, Home

SMTP, EWS = 0, 2
"""Which of the identities, in Thunderbird's order."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.make(tmp_path)


def server(home: Home, which: int = SMTP) -> MailServer:
    found = home.found(WORK, EXCHANGE).ways[which].identity.outgoing
    assert found is not None
    return found


def point(home: Home, which: int = SMTP) -> None:
    point_at_gate(home.profile, server(home, which), home.found(WORK, EXCHANGE).ways[which].gate_port)


def back(home: Home, which: int = SMTP, account: Account | None = None) -> None:
    point_back(home.profile, server(home, which), account)


def refusal_of(home: Home, asked: MailServer) -> Refusal:
    before = home.preferences, home.logins
    with pytest.raises(NotPointed) as refused:
        point_at_gate(home.profile, asked, WORK.gate_port)
    assert (home.preferences, home.logins) == before
    return refused.value.why


@pytest.mark.parametrize("which", [SMTP, EWS])
def test_there_and_back_leaves_every_octet_as_it_was(home: Home, which: int) -> None:
    before = home.preferences, home.logins.split(b'"logins":')[1]
    point(home, which)
    assert home.preferences != before[0]
    back(home, which)
    assert (home.preferences, home.logins.split(b'"logins":')[1]) == before
    assert home.profile.preferences_file.stat().st_mode & 0o777 == 0o640


def test_at_the_gate_only_the_servers_own_lines_differ(home: Home) -> None:
    before = set(home.preferences.decode().splitlines())
    point(home)
    after = set(home.preferences.decode().splitlines())
    assert before - after == {
        'user_pref("mail.smtpserver.smtp1.hostname", "smtp.work.test");',
        'user_pref("mail.smtpserver.smtp1.try_ssl", 2);',
    }
    new = {line.split('"')[1]: line.split(", ", 1)[1] for line in after - before}
    assert new.pop("mail.smtpserver.smtp1.sendguard_way_back")
    assert new == {
        "mail.smtpserver.smtp1.hostname": '"127.0.0.1");',
        "mail.smtpserver.smtp1.port": "20025);",
        "mail.smtpserver.smtp1.try_ssl": "0);",
    }


def test_what_it_was_before_lies_beside_it(home: Home) -> None:
    before, logins = home.preferences, home.logins
    point(home)
    backup = backup_of(home.profile.preferences_file)
    assert backup.read_bytes() == before
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup_of(home.profile.folder / "logins.json").read_bytes() == logins


@pytest.mark.parametrize(("which", "origin", "gate"), [
    (SMTP, "smtp://smtp.work.test", "smtp://127.0.0.1"), (EWS, "ews://mail.corp.test", "ews://127.0.0.1"),
])  # fmt: skip
def test_the_password_is_found_under_the_gates_name_too_and_only_while_it_is_wanted(
    home: Home, which: int, origin: str, gate: str
) -> None:
    before = home.passwords
    point(home, which)
    assert home.passwords == before | {gate: before[origin]}
    back(home, which)
    assert home.passwords == before


def test_a_login_without_a_password_stays_one(home: Home) -> None:
    home.set({"mail.smtpserver.smtp1.authMethod": 1})
    point(home)
    assert Preferences(home.preferences.decode()).values["mail.smtpserver.smtp1.authMethod"] == 1


def test_an_encrypted_password_becomes_a_plain_one_on_this_computer_and_back(home: Home) -> None:
    home.set({"mail.smtpserver.smtp1.authMethod": 4})
    before = home.preferences
    point(home)
    assert server(home).auth == 3
    back(home)
    assert home.preferences == before


@pytest.mark.parametrize("text", [None, "", "[]", '{"version": 4, "logins": [], "nextId": 1}', '{"version": 3}'])
def test_passwords_kept_in_another_way_are_left_alone_and_asked_for(home: Home, text: str | None) -> None:
    file = home.profile.folder / "logins.json"
    file.unlink() if text is None else file.write_text(text)
    point(home)
    back(home)
    assert (file.read_text() if file.exists() else None) == text


def test_thunderbird_may_sort_and_add_while_it_is_at_the_gate(home: Home) -> None:
    before = Preferences(home.preferences.decode()).values
    point(home)
    lines = sorted(line for line in home.preferences.decode().splitlines() if line.startswith("user_pref"))
    text = "\n".join(["// Mozilla User Preferences", "", *lines, 'user_pref("zz.new", 1);', ""])
    home.profile.preferences_file.write_text(text)
    back(home)
    assert Preferences(home.preferences.decode()).values == before | {"zz.new": 1}


def test_from_one_gate_to_another_and_back_is_where_it_began(home: Home) -> None:
    before = home.preferences
    point(home)
    point_at_gate(home.profile, server(home), 20099)
    assert server(home).port == 20099
    back(home)
    assert home.preferences == before


def test_a_gate_a_person_has_set_themselves_is_left_for_the_accounts_own_server(home: Home) -> None:
    home.set({"mail.smtpserver.smtp1.hostname": "127.0.0.1", "mail.smtpserver.smtp1.port": WORK.gate_port,
              "mail.smtpserver.smtp1.try_ssl": 0})  # fmt: skip
    back(home, account=WORK)
    assert (server(home).host, server(home).port, server(home).socket) == ("smtp.work.test", 587, 2)
    home.set({"mail.outgoingserver.ews1.ews_url": "http://127.0.0.1:20026/EWS/Exchange.asmx"})
    back(home, EWS, account=EXCHANGE)
    assert server(home, EWS).url == "https://mail.corp.test/EWS/Exchange.asmx"


def test_where_nobody_knows_the_way_back_nothing_is_guessed(home: Home) -> None:
    home.set({"mail.smtpserver.smtp1.hostname": "127.0.0.1", "mail.smtpserver.smtp1.port": WORK.gate_port})
    before = home.preferences
    for account in (None, EXCHANGE, replace(WORK, smtp=None)):
        with pytest.raises(NotPointed) as refused:
            back(home, account=account)
        assert refused.value.why is Refusal.GONE
    assert home.preferences == before


@pytest.mark.parametrize("record", [
    "", "no", "{}", '{"was": 7, "logins": []}', '{"was": {}, "logins": []}',
    '{"was": {"mail.smtpserver.smtp1.hostname": []}, "logins": []}',
    '{"was": {"mail.smtpserver.smtp2.hostname": "x"}, "logins": []}',
    '{"was": {"network.proxy.http": "evil.test"}, "logins": []}',
])  # fmt: skip
def test_a_way_back_that_somebody_has_written_over_leads_nowhere(home: Home, record: str) -> None:
    point(home)
    home.set({"mail.smtpserver.smtp1.sendguard_way_back": record})
    before = home.preferences
    with pytest.raises(NotPointed):
        back(home)
    assert home.preferences == before


def test_an_open_profile_is_refused(home: Home) -> None:
    asked = server(home)
    command = [sys.executable, "-c", LOCK, str(home.profile.folder / ".parentlock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert refusal_of(home, asked) is Refusal.OPEN
        other.kill()


def test_a_server_that_is_not_what_it_was_is_refused(home: Home) -> None:
    asked = server(home)
    home.set({"mail.smtpserver.smtp1.hostname": "other.test"})
    assert refusal_of(home, asked) is Refusal.GONE


def test_what_user_js_sets_anew_at_every_start_is_refused(home: Home) -> None:
    (home.profile.folder / "user.js").write_text('user_pref("mail.smtpserver.smtp1.port", 25);\n')
    assert refusal_of(home, server(home)) is Refusal.FIXED


def test_a_disk_that_does_not_take_it_leaves_everything(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    asked = server(home)
    monkeypatch.setattr(os, "fsync", full)
    assert refusal_of(home, asked) is Refusal.NOT_WRITTEN


def test_preferences_that_cannot_be_changed_safely_are_left(home: Home) -> None:
    asked = server(home)
    with home.profile.preferences_file.open("ab") as file:
        file.write(b"/* not ended\n")
    assert refusal_of(home, asked) is Refusal.UNREADABLE


def test_a_link_to_the_preferences_stays_a_link(home: Home) -> None:
    file = home.profile.preferences_file
    real = file.rename(file.with_name("real-prefs.js"))
    file.symlink_to(real)
    before = real.read_bytes()
    point(home)
    back(home)
    assert file.is_symlink()
    assert real.read_bytes() == before


def test_two_logins_of_one_server_are_both_known_at_the_gate(home: Home) -> None:
    kept = json.loads(home.logins)
    second = kept["logins"][1] | {"id": 9, "guid": "{second}", "encryptedPassword": "another"}
    kept["logins"].append(second)
    (home.profile.folder / "logins.json").write_text(json.dumps(kept))
    point(home)
    at_gate = [each for each in json.loads(home.logins)["logins"] if each["hostname"] == "smtp://127.0.0.1"]
    assert {each["encryptedPassword"] for each in at_gate} == {"pass-2", "another"}
    assert len({each["id"] for each in json.loads(home.logins)["logins"]}) == 6


def two_more_servers(home: Home, user: str) -> None:
    changes = {"mail.smtpservers": "smtp1,ews1,smtp2,smtp3,smtp4", "mail.identity.id4.smtpServer": "smtp3",
               "mail.identity.id5.smtpServer": "smtp4"}  # fmt: skip
    for key in ("smtp3", "smtp4"):
        changes |= {f"mail.smtpserver.{key}.hostname": f"{key}.test", f"mail.smtpserver.{key}.username": user}
    home.set(changes)


THIRD, FOURTH = 3, 4


def test_two_servers_with_one_user_name_are_never_given_each_others_password(home: Home) -> None:
    two_more_servers(home, "ana")
    point(home)
    point_at_gate(home.profile, server(home, THIRD), 20030)
    assert (server(home).host, server(home, THIRD).host) == ("127.0.0.1", "localhost")
    before = home.preferences
    with pytest.raises(NotPointed) as refused:
        point_at_gate(home.profile, server(home, FOURTH), 20031)
    assert refused.value.why is Refusal.CROWDED
    assert home.preferences == before
    point_at_gate(home.profile, server(home, THIRD), 20032)  # to another gate, under the name it has
    assert (server(home, THIRD).host, server(home, THIRD).port) == ("localhost", 20032)


def test_other_user_names_share_the_computers_name(home: Home) -> None:
    two_more_servers(home, "somebody else")
    point(home)
    point_at_gate(home.profile, server(home, THIRD), 20030)
    assert server(home, THIRD).host == "127.0.0.1"


def test_a_password_two_servers_were_given_stays_until_the_last_has_gone_back(home: Home) -> None:
    two_more_servers(home, "somebody else")
    home.set({"mail.smtpserver.smtp3.hostname": "smtp.work.test"})
    before = home.passwords
    point(home)
    point_at_gate(home.profile, server(home, THIRD), 20030)
    back(home)
    assert "smtp://127.0.0.1" in home.passwords
    back(home, THIRD)
    assert home.passwords == before
