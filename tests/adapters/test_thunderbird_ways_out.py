"""Each identity's way out of a profile, and the account that would guard it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sendguard.guard.account import Account, ExchangeServer, Login, Security, Server
from sendguard.thunderbird.addon import ADDON_ID
from sendguard.thunderbird.pointing import point_at_gate
from sendguard.thunderbird.ways_out import Guarded, NoGate, WayOut, suggested_account
from tests.adapters.thunderbird_profile import EXCHANGE, WORK, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.make(tmp_path)


def ways(home: Home, *accounts: Account) -> dict[str, WayOut]:
    return {way.identity.address: way for way in home.found(*accounts).ways}


def with_addon(home: Home, *, active: object = True) -> None:
    addons = [{"id": "other@x.test", "active": True}, {"id": ADDON_ID, "active": active}, "nonsense"]
    (home.profile.folder / "extensions.json").write_text(json.dumps({"addons": addons}))


def test_every_identity_has_its_server_and_nothing_is_guarded_at_first(home: Home) -> None:
    found = ways(home)
    assert {address: way.identity.outgoing.host for address, way in found.items() if way.identity.outgoing} == {
        "ana@work.test": "smtp.work.test",
        "team@work.test": "smtp.work.test",  # the default one
        "ana@corp.test": "mail.corp.test",
        "ana@oauth.test": "smtp.oauth.test",
    }
    assert {way.guarded for way in found.values()} == {Guarded.OPEN, Guarded.NO_SERVER}
    assert found["ana@nowhere.test"].guarded is Guarded.NO_SERVER
    assert not any(way.can_point_back for way in found.values())


def test_what_points_at_a_gate_is_guarded_and_its_neighbours_are_not(home: Home) -> None:
    home.set({"mail.smtpserver.smtp1.hostname": "127.0.0.1", "mail.smtpserver.smtp1.port": WORK.gate_port})
    found = ways(home, WORK, EXCHANGE)
    assert found["ana@work.test"].guarded is Guarded.GATE
    assert found["team@work.test"].guarded is Guarded.GATE
    assert found["ana@work.test"].can_point_back
    assert found["ana@corp.test"].guarded is Guarded.OPEN
    assert found["ana@corp.test"].gate_port == EXCHANGE.ews_gate_port


@pytest.mark.parametrize("port", [20026, 20024])
def test_another_port_of_this_computer_is_no_gate(home: Home, port: int) -> None:
    home.set({"mail.smtpserver.smtp1.hostname": "127.0.0.1", "mail.smtpserver.smtp1.port": port})
    assert ways(home, WORK, EXCHANGE)["ana@work.test"].guarded is Guarded.OPEN


def test_a_gate_whose_account_is_gone_lets_nothing_out_and_can_be_left(home: Home) -> None:
    way = ways(home, WORK)["ana@work.test"]
    assert way.identity.outgoing is not None
    point_at_gate(way.profile, way.identity.outgoing, way.gate_port)
    alone = ways(home)["ana@work.test"]
    assert alone.guarded is Guarded.NO_GATE
    assert alone.can_point_back


@pytest.mark.parametrize(("active", "guarded"), [(True, Guarded.ADDON), (False, Guarded.OPEN), ("yes", Guarded.OPEN)])
def test_an_addon_guards_every_identity_of_its_profile_while_it_is_active(
    home: Home, active: object, guarded: Guarded
) -> None:
    with_addon(home, active=active)
    assert {way.guarded for way in home.found(WORK).ways if way.identity.outgoing} == {guarded}


@pytest.mark.parametrize("text", ["", "[]", '{"addons": 7}', "{" * 100_000])
def test_a_list_of_addons_that_is_none_guards_nobody(home: Home, text: str) -> None:
    (home.profile.folder / "extensions.json").write_text(text)
    assert not home.found(WORK).ways[0].has_addon


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"mail.smtpserver.smtp1.authMethod": 1}, None),
        ({"mail.smtpserver.smtp1.authMethod": 4}, None),
        ({"mail.smtpserver.smtp1.authMethod": 5}, NoGate.LOGIN),
        ({"mail.smtpserver.smtp1.authMethod": 6}, NoGate.LOGIN),
        ({"mail.smtpserver.smtp1.authMethod": 10}, NoGate.OAUTH),
        ({"mail.smtpserver.smtp1.type": "graph"}, NoGate.KIND),
        ({"mail.smtpservers": ""}, NoGate.NO_SERVER),
    ],
)
def test_why_a_gate_cannot_be_used_is_known(home: Home, changes: dict[str, str | int], why: NoGate | None) -> None:
    home.set(changes)
    assert ways(home, WORK)["ana@work.test"].no_gate is why


def test_ntlm_passes_the_exchange_gate(home: Home) -> None:
    home.set({"mail.outgoingserver.ews1.auth_method": 6})
    assert ways(home, EXCHANGE)["ana@corp.test"].no_gate is None


def test_an_account_guards_what_goes_to_its_own_server_as_one_of_its_identities(home: Home) -> None:
    assert ways(home, WORK)["ana@work.test"].account == WORK
    elsewhere = replace(WORK, smtp=Server("other.test", 587, Security.STARTTLS))
    assert ways(home, elsewhere)["ana@work.test"].account is None
    stranger = replace(WORK, identities=("somebody@work.test",))
    assert ways(home, stranger)["ana@work.test"].account is None


def test_the_account_for_an_identity_has_the_servers_thunderbird_has(home: Home) -> None:
    found = ways(home)
    assert suggested_account(found["team@work.test"], found.values()) == Account(
        "team@work.test",
        ("team@work.test", "ana@work.test"),
        imap=Server("imap.work.test", 993, Security.TLS, "ana"),
        smtp=Server("smtp.work.test", 587, Security.STARTTLS, "ana"),
    )
    assert suggested_account(found["ana@corp.test"], found.values()) == Account(
        "ana@corp.test",
        ("ana@corp.test",),
        exchange=ExchangeServer("https://mail.corp.test/EWS/Exchange.asmx", Login.BASIC, "ana"),
    )
    assert suggested_account(found["ana@oauth.test"], found.values()) is None
    assert suggested_account(found["ana@nowhere.test"], found.values()) is None


@pytest.mark.parametrize(
    ("changes", "server"),
    [
        ({"try_ssl": 0}, Server("smtp.work.test", 587, Security.STARTTLS, "ana")),
        ({"try_ssl": 3}, Server("smtp.work.test", 465, Security.TLS, "ana")),
        ({"port": 2525}, Server("smtp.work.test", 2525, Security.STARTTLS, "ana")),
        ({"hostname": "localhost", "try_ssl": 0}, Server("localhost", 587, Security.PLAIN, "ana")),
        ({"port": 70_000}, None),
    ],
)
def test_the_suggested_server_is_never_less_secure(
    home: Home, changes: dict[str, str | int], server: Server | None
) -> None:
    home.set({f"mail.smtpserver.smtp1.{name}": value for name, value in changes.items()})
    found = ways(home)
    suggested = suggested_account(found["ana@work.test"], found.values())
    assert (suggested.smtp if suggested else None) == server


def test_what_user_js_says_goes_before(home: Home) -> None:
    (home.profile.folder / "user.js").write_text(
        "user_pref('mail.smtpserver.smtp1.hostname', 'fixed.test'); // by IT\n"
    )
    way = ways(home)["ana@work.test"]
    assert way.identity.outgoing is not None
    assert way.identity.outgoing.host == "fixed.test"


def test_a_profile_that_cannot_be_read_is_named_and_not_called_guarded(home: Home) -> None:
    home.profile.preferences_file.write_bytes(b" " * (17 * 1024 * 1024))
    found = home.found(WORK)
    assert found.unreadable
    assert found.ways == ()
