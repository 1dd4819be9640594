"""The drafts watch over Exchange, against the test Exchange and exchangelib as the person's own program."""

from collections.abc import Callable, Iterator

import pytest

from sendguard.guard.ports import ActivityKind
from sendguard.mail.kind import Kind
from tests.adapters.ews_rig import ExchangeDesk, boxes
from tests.servers.exchange import Exchange


@pytest.fixture
def desk(exchange: Exchange) -> Iterator[ExchangeDesk]:
    desk = ExchangeDesk(exchange, exchange.new_person())
    try:
        yield desk
    finally:
        desk.close()


def test_a_draft_to_many_is_warned_of_once_it_is_saved(desk: ExchangeDesk) -> None:
    with desk.watch():
        desk.program.save_draft(subject="Lunch", body="Hi", to_recipients=boxes("big@lists.test"))
        [warned] = desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    assert warned.judgement.submission.envelope.recipients == ("big@lists.test",)
    assert warned.judgement.submission.raw == b""
