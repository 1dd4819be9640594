"""“Protect this account” as the windows do it: the program's accounts, a profile on the disk, a policy file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sendguard.bootstrap.protection import Protection
from sendguard.desktop.mail_program import AddonInstalled, WayState
from sendguard.guard.account import Account
from sendguard.thunderbird.addon import ADDON_ID, FILE_NAME, xpi
from sendguard.thunderbird.policies import policy_path
from tests.adapters.thunderbird_profile import EXCHANGE, WORK, Home
from tests.servers.processes import server_folder
from tests.servers.thunderbird import Thunderbird, installation_with


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return Home.make(tmp_path / "home")


def protection(home: Home, *accounts: Account, policies: Path | None = None) -> Protection:
    return Protection(home.folder, lambda: accounts, policies)


def states(found: Protection) -> list[WayState]:
    return [way.state for profile in found.profiles() for way in profile.ways]


def test_an_identity_is_protected_by_its_gate_and_no_longer(home: Home) -> None:
    before = home.preferences
    here = protection(home, WORK, EXCHANGE)
    [profile] = here.profiles()
    first = profile.ways[0]
    assert (first.address, first.server, first.state) == ("ana@work.test", "smtp.work.test:587", WayState.OPEN)
    assert first.has_account
    assert here.use_gate(first.id) == ""
    guarded, open_, gone = WayState.GATE, WayState.OPEN, WayState.NO_SERVER
    assert states(here) == [guarded, guarded, open_, open_, gone]
    assert here.point_back(first.id) == ""
    assert states(here) == [open_, open_, open_, open_, gone]
    assert home.preferences == before


def test_why_it_was_not_done_is_a_code_the_windows_have_words_for(home: Home) -> None:
    here = protection(home, WORK)
    ways = here.profiles()[0].ways
    (home.profile.folder / "user.js").write_text('user_pref("mail.smtpserver.smtp1.port", 587);')
    assert here.use_gate(ways[0].id) == "profile_fixed"
    assert here.use_gate(ways[3].id) == "server_gone"  # no account goes there
    assert here.use_gate("not there") == here.point_back("not there") == "server_gone"
    assert ways[3].no_gate == "gate_oauth"
    assert here.suggested_account("not there") is None
    suggested = here.suggested_account(ways[0].id)
    assert suggested is not None
    assert suggested.smtp == WORK.smtp


def test_an_address_thunderbird_has_twice_can_be_told_apart(home: Home) -> None:
    home.set({"mail.identity.id2.useremail": "ana@work.test", "mail.identity.id2.smtpServer": "smtp2"})
    ids = [way.id for way in protection(home, WORK).profiles()[0].ways]
    assert len(set(ids)) == len(ids)


def test_the_addon_comes_by_policy_where_that_may_be_written(home: Home, tmp_path: Path) -> None:
    path = policy_path(tmp_path, "linux")
    assert path is not None
    came = protection(home, policies=path).install_addon()
    assert came == AddonInstalled(str(path), by_policy=True)
    entry = json.loads(path.read_bytes())["policies"]["ExtensionSettings"][ADDON_ID]
    assert entry == {"installation_mode": "normal_installed", "install_url": (path.parent / FILE_NAME).as_uri()}
    assert (path.parent / FILE_NAME).read_bytes() == xpi()
    assert list((home.folder / ".mozilla" / "native-messaging-hosts").iterdir())


@pytest.mark.parametrize("content", ["", "no json", '{"policies": {"ExtensionSettings": 7}}'])
def test_otherwise_a_person_is_given_the_file_and_no_policy_is_touched(
    home: Home, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "policies.json"
    path.write_text(content)
    came = protection(home, policies=path).install_addon()
    assert not came.by_policy
    assert came.trouble == ""
    assert Path(came.file).read_bytes() == xpi()
    assert path.read_text() == content
    assert protection(home, policies=None).install_addon() == came


def test_what_it_forbids_is_not_installed_behind_its_back(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "policies.json"
    path.write_text(json.dumps({"policies": {"ExtensionSettings": {ADDON_ID: {"installation_mode": "blocked"}}}}))
    assert protection(home, policies=path).install_addon() == AddonInstalled(trouble="addon_forbidden")


def test_a_real_thunderbird_obeys_the_policy_and_every_identity_is_guarded(home: Home) -> None:
    with server_folder("thunderbird") as folder:
        installation = installation_with(folder / "installation", {"DisableTelemetry": True})
        policies = installation / "distribution" / "policies.json"
        assert protection(home, policies=policies).install_addon().by_policy
        with Thunderbird(folder, installation=installation) as thunderbird:
            set_up = (
                "const made = MailServices.accounts.createAccount(), id = MailServices.accounts.createIdentity();"
                "id.email = 'ana@work.test'; made.addIdentity(id);"
                "made.incomingServer = MailServices.accounts.createIncomingServer('ana', '127.0.0.1', 'imap');"
                "MailServices.outgoingServer.createServer('smtp').QueryInterface(Ci.nsISmtpServer).hostname = 'x.test';"
            )
            thunderbird.run(set_up)
            thunderbird.run(
                "const { AddonManager } = ChromeUtils.importESModule('resource://gre/modules/AddonManager.sys.mjs');"
                "await until(async () => (await AddonManager.getAddonByID(args[0]))?.isActive, 'add-on');",
                ADDON_ID,
            )
            thunderbird.quit()
            found = Protection(thunderbird.home, lambda: (replace(WORK, gate_port=0),)).profiles()
            assert [way.state for profile in found for way in profile.ways] == [WayState.ADDON]
