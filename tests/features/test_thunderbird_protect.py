"""“Protect this account” on a real Thunderbird: pointed at the gate and back, and what it does then."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sendguard.guard.account import Account
from sendguard.guard.ports import Answer
from sendguard.thunderbird.pointing import NotPointed, Refusal, point_at_gate, point_back
from sendguard.thunderbird.profile_lock import kept_closed
from sendguard.thunderbird.servers import MailServer
from sendguard.thunderbird.ways_out import Guarded, ProfileFound, WayOut, profiles_found
from tests.features.thunderbird_kit import Desk
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import ServerFailed, server_folder
from tests.servers.thunderbird import Thunderbird


@pytest.fixture
def desk(dovecot: Dovecot, postfix: Postfix, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk.make(dovecot, postfix, tmp_path)
    desk.program.start()
    yield desk
    desk.program.stop()


@pytest.fixture
def thunderbird(desk: Desk) -> Iterator[Thunderbird]:
    """One that sends past the gate, by a name its password is kept under."""
    with server_folder("thunderbird") as folder, Thunderbird(folder) as running:
        running.add_mail(desk.past_the_gate)
        yield running


def found(thunderbird: Thunderbird, *accounts: Account) -> ProfileFound:
    [profile] = profiles_found(thunderbird.home, accounts)
    return profile


def first_way(thunderbird: Thunderbird, *accounts: Account) -> tuple[WayOut, MailServer]:
    way = found(thunderbird, *accounts).ways[0]
    assert way.identity.outgoing is not None
    return way, way.identity.outgoing


def servers_in(profile: Path) -> list[bytes]:
    return [line for line in (profile / "prefs.js").read_bytes().splitlines() if b'"mail.smtpserver.' in line]


def test_pointed_at_the_gate_it_sends_through_it_with_the_password_it_kept_and_back_it_does_not(
    desk: Desk, thunderbird: Thunderbird
) -> None:
    thunderbird.quit()
    before, logins = servers_in(thunderbird.profile), (thunderbird.profile / "logins.json").read_bytes()
    way, server = first_way(thunderbird, desk.account)
    assert way.guarded is Guarded.OPEN
    point_at_gate(way.profile, server, way.gate_port)
    assert first_way(thunderbird, desk.account)[0].guarded is Guarded.GATE

    thunderbird.start()
    thunderbird.write(desk.everybody.address)
    thunderbird.press_send()
    desk.answer(Answer.DONT_SEND)
    assert "you chose so" in thunderbird.alert()
    thunderbird.quit()

    way, server = first_way(thunderbird, desk.account)
    assert way.can_point_back
    point_back(way.profile, server, way.account)
    assert servers_in(thunderbird.profile) == before
    assert (thunderbird.profile / "logins.json").read_bytes().split(b'"logins":')[1] == logins.split(b'"logins":')[1]
    assert first_way(thunderbird, desk.account)[0].guarded is Guarded.OPEN

    thunderbird.start()
    thunderbird.write(desk.everybody.address)
    thunderbird.press_send()
    thunderbird.wait_until_sent()
    assert len(desk.arrived()) == 1
    assert len(desk.asker.history) == 1


def test_while_thunderbird_has_the_profile_open_nothing_is_changed(desk: Desk, thunderbird: Thunderbird) -> None:
    thunderbird.home_with_profile()
    before = (thunderbird.profile / "prefs.js").read_bytes()
    assert found(thunderbird, desk.account).in_use
    way, server = first_way(thunderbird, desk.account)
    with pytest.raises(NotPointed) as refused:
        point_at_gate(way.profile, server, way.gate_port)
    assert refused.value.why is Refusal.OPEN
    assert (thunderbird.profile / "prefs.js").read_bytes() == before
    thunderbird.quit()
    assert not found(thunderbird, desk.account).in_use


def test_without_an_account_that_goes_where_thunderbird_sends_there_is_no_gate_to_use(
    desk: Desk, thunderbird: Thunderbird
) -> None:
    thunderbird.home_with_profile()
    elsewhere = replace(desk.account, identities=("somebody@else.test",))
    way, _ = first_way(thunderbird, elsewhere)
    assert way.account is None
    assert way.gate_port == 0


def test_while_we_change_the_profile_thunderbird_does_not_start_in_it(desk: Desk, thunderbird: Thunderbird) -> None:
    thunderbird.quit()
    with kept_closed(found(thunderbird).profile), pytest.raises(ServerFailed):
        thunderbird.start()
