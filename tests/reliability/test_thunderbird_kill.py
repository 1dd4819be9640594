"""kill -9 of SendGuard while a real Thunderbird waits for its gate's answer."""

from collections.abc import Iterator

import pytest

from tests.reliability.conftest import Desk
from tests.reliability.test_kill import APPROVED, SENDING, SENT
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder
from tests.servers.thunderbird import MailAccount, Thunderbird


@pytest.fixture
def thunderbird(desk: Desk, postfix: Postfix) -> Iterator[Thunderbird]:
    with server_folder("thunderbird") as folder, Thunderbird(folder) as running:
        running.add_mail(MailAccount.of(desk.me, desk.dovecot.port, desk.account.gate_port))
        yield running


@pytest.mark.parametrize(("step", "copies"), [(APPROVED, 0), (SENDING, 0), (SENT, 1)])
def test_thunderbird_is_told_at_once_that_sendguard_was_killed_and_keeps_the_window(
    desk: Desk, thunderbird: Thunderbird, step: int, copies: int
) -> None:
    desk.start("before", str(step))
    thunderbird.write(desk.colleague.address)
    thunderbird.press_send()
    desk.wait_until_dead()
    assert "Outgoing server (SMTP) 127.0.0.1" in thunderbird.alert()
    assert thunderbird.composed()["to"] == desk.colleague.address
    assert desk.arrived(copies) == copies
