"""Calls that send are held, and only those: exchangelib through the gate to the test Exchange."""

from collections.abc import Callable, Iterator

import pytest
from exchangelib import Account
from exchangelib.errors import ErrorAccessDenied

from sendguard.gate.limits import GateLimits
from sendguard.guard.ports import Answer
from tests.adapters.ews_gate_kit import ME, PASSWORD, Rig, message, rig
from tests.servers.exchange import Exchange


@pytest.fixture
def exchange(new_exchange: Callable[..., Exchange]) -> Exchange:
    server = new_exchange()
    for address in (ME, "ben@practice.test", "cat@practice.test"):
        server.add_person(address, PASSWORD)
    return server


@pytest.fixture
def r(exchange: Exchange) -> Iterator[Rig]:
    with rig(exchange.url) as made:
        yield made


def test_a_message_to_few_goes_out_without_a_question(r: Rig, box: Account, exchange: Exchange) -> None:
    message(box, "ben@practice.test").send()
    assert len(exchange.submitted) == 1
    assert r.states() == ["sent"]
    assert r.guard.asker.history == []


def test_a_message_to_many_waits_for_its_person_and_goes_out_once(r: Rig, box: Account, exchange: Exchange) -> None:
    sending = r.doing(message(box).send)
    question = r.guard.asker.question()
    assert question.judgement.audience.count.low == 850_112
    assert exchange.submitted == []
    r.answer()
    sending.result(10)
    assert len(exchange.submitted) == 1
    assert r.states() == ["sent"]


def test_a_refused_message_is_an_error_in_the_client_and_leaves_nothing(
    r: Rig, box: Account, exchange: Exchange
) -> None:
    sending = r.doing(message(box).send)
    r.answer(Answer.DONT_SEND)
    with pytest.raises(ErrorAccessDenied, match="SendGuard did not send this message: you chose so"):
        sending.result(10)
    assert exchange.submitted == []
    assert exchange.count_of("CreateItem") == 0
    assert r.states() == ["refused"]


def test_who_does_not_answer_in_time_is_told_to_try_again_and_the_answer_is_kept(
    r: Rig, box: Account, exchange: Exchange
) -> None:
    r.limits = GateLimits(hold_exchange=0.1)
    with pytest.raises(ErrorAccessDenied, match="still waiting for your answer"):
        message(box).send()
    r.answer()
    message(box).send()
    assert len(exchange.submitted) == 1
    assert r.states() == ["cancelled", "sent"]
