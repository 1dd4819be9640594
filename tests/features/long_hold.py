"""A hold that takes minutes, beside the other tests: a plugin, since it begins in one folder and ends in another."""

import time
from collections.abc import Iterator

import pytest

from tests.features.addon_kit import LongHold, desk_at, thunderbird_with_addon
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Its end comes last, so that nobody waits for it who could do something else meanwhile."""
    items.sort(key=lambda item: "test_thunderbird_long_hold.py" in item.nodeid)


@pytest.fixture(scope="session")
def long_hold(dovecot: Dovecot, postfix: Postfix) -> Iterator[LongHold]:
    """A message that is held from the first test that asks for it on."""
    with thunderbird_with_addon() as thunderbird, desk_at(thunderbird, dovecot, postfix) as desk:
        desk.open_account()
        desk.start_guard()
        desk.thunderbird.write(desk.big, desk.colleague.address, subject="Long", body="Written long ago")
        desk.thunderbird.press_send("Long")
        yield LongHold(desk, "Long", desk.question().id, time.monotonic())
