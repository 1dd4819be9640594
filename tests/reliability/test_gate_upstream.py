"""Upstream goes away or answers nonsense, at every step: nothing is lost, sent twice, or claimed."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from sendguard.guard.account import Security, Server
from sendguard.guard.ports import Answer
from tests.adapters.smtp_kit import CUT, ME, Rig, Upstream, message, rig
from tests.fakes import Guard
from tests.servers.processes import free_port, wait_until


@pytest.fixture
def r() -> Iterator[Rig]:
    with rig() as made:
        yield made


def test_without_upstream_ehlo_says_so_and_the_connection_is_closed() -> None:
    with rig(server=Server("127.0.0.1", free_port(), Security.PLAIN)) as r, r.client() as client:
        client.reply()
        code, words = client.say("EHLO x")
        assert (code, "cannot be reached" in words) == (421, True)
        assert client.reply()[0] == 0


@pytest.mark.parametrize("step", ["CONNECT", "EHLO"])
@pytest.mark.parametrize("answer", [CUT, "554 5.3.2 not today", "nonsense", "999 what"])
def test_an_upstream_that_does_not_greet_is_none(step: str, answer: str | None) -> None:
    with rig(Upstream(answers={step: answer})) as r, r.client() as client:
        client.reply()
        code, words = client.say("EHLO x")
        assert code == (554 if answer and "554" in answer else 421), words
        assert client.reply()[0] == 0


@pytest.mark.parametrize("step", ["AUTH", "MAIL", "RCPT"])
@pytest.mark.parametrize("answer", [CUT, "nonsense", "421 4.3.2 closing down"])
def test_an_upstream_lost_before_data_ends_the_dialogue_with_421(r: Rig, step: str, answer: str | None) -> None:
    r.upstream.answers[step] = answer
    with r.client() as client:
        client.hello(login=False)
        for line in ("AUTH PLAIN AGFubmEAcHc=", f"MAIL FROM:<{ME}>", "RCPT TO:<x@y.test>"):
            code, words = client.say(line)
            if code == 421:
                assert ("closing down" in words) == (answer is not None and "421" in answer)
                assert client.reply()[0] == 0
                return
            assert code in {235, 250}
    raise AssertionError("never told")


@pytest.mark.parametrize("step", ["DATA", "BODY"])
def test_an_upstream_lost_before_the_final_dot_has_nothing_and_may_be_tried_again(r: Rig, step: str) -> None:
    r.upstream.answers[step] = CUT
    large = message(*["x" * 76] * 150_000)
    code, words = r.send(large, "x@y.test")
    assert (code, "Nobody has received it" in words) == (451, True)
    assert r.states() == ["refused"]
    del r.upstream.answers[step]
    assert r.send(large, "x@y.test")[0] == 250
    assert r.states() == ["refused", "sent"]


@pytest.mark.parametrize("answer", [CUT, "nonsense", "354 what", "123 what", "x" * 9000])
def test_where_the_answer_to_the_final_dot_is_lost_the_state_is_unknown_and_the_next_try_is_asked_about(
    r: Rig, answer: str | None
) -> None:
    r.upstream.answers["DOT"] = answer
    code, words = r.send(message(), "x@y.test")
    assert (code, "may have been sent" in words) == (451, True)
    assert "Nobody has received it" not in words
    assert r.states() == ["unknown"]
    r.upstream.answers.clear()
    again = r.sending(message(), "x@y.test")
    question = r.guard.asker.question()
    assert [reason.code for reason in question.judgement.verdict.reasons] == ["possibly_sent"]
    assert len(r.upstream.messages) == 1
    r.answer(Answer.DONT_SEND)
    assert again.result(10)[0] == 550
    assert len(r.upstream.messages) == 1


def test_an_upstream_that_went_away_while_the_person_decided_is_asked_anew_with_the_clients_login(r: Rig) -> None:
    with r.client() as client:
        client.hello(login=False)
        assert client.say("AUTH LOGIN")[0] == 334
        assert client.say("YW5uYQ==")[0] == 334
        assert client.say("cHc=")[0] == 235
        client.envelope("big@lists.test", "x@y.test")
        sending = r.pool.submit(client.data, message())
        r.guard.asker.question()
        r.upstream.hang_up()
        r.upstream.said.clear()
        r.answer(Answer.SEND)
        assert sending.result(10)[0] == 250
    assert r.upstream.connections == 2
    assert [line for line in r.upstream.said if line.split()[0] not in {"NOOP", "QUIT"}] == [
        "EHLO [127.0.0.1]",
        "AUTH LOGIN",
        "AUTH+ YW5uYQ==",
        "AUTH+ cHc=",
        f"MAIL FROM:<{ME}>",
        "RCPT TO:<big@lists.test>",
        "RCPT TO:<x@y.test>",
        "DATA",
    ]
    assert r.states() == ["sent"]


def _refuse_login(upstream: Upstream) -> None:
    upstream.answers["AUTH"] = "535 5.7.8 no"


def _refuse_recipient(upstream: Upstream) -> None:
    upstream.answers["RCPT"] = "550 5.1.1 gone meanwhile"


def _refuse_everything(upstream: Upstream) -> None:
    upstream.answers["CONNECT"] = CUT


@pytest.mark.parametrize(
    ("meanwhile", "code", "says"),
    [
        (_refuse_login, 451, "login"),
        (_refuse_recipient, 550, "gone meanwhile"),
        (_refuse_everything, 451, "cannot be reached"),
    ],
)
def test_where_upstream_does_not_agree_any_more_nothing_is_begun(
    r: Rig, meanwhile: Callable[[Upstream], None], code: int, says: str
) -> None:
    sending = r.sending(message())
    r.guard.asker.question()
    meanwhile(r.upstream)
    r.upstream.hang_up()
    r.answer(Answer.SEND)
    got, words = sending.result(10)
    assert (got, says in words) == (code, True), words
    assert r.states() == ["cancelled"]
    assert "DATA" not in r.upstream.verbs()


def test_without_a_wait_a_lost_upstream_is_not_asked_anew(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        client.envelope("x@y.test")
        r.upstream.hang_up()
        assert client.data(message())[0] == 451
    assert r.upstream.connections == 1


def test_an_upstream_that_says_nothing_is_given_up_in_time(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.smtp.upstream.COMMAND_SECONDS", 0.2)
    monkeypatch.setattr("sendguard.smtp.upstream.FINAL_SECONDS", 0.2)
    r.upstream.paused.clear()
    code, words = r.send(message(), "x@y.test")
    assert (code, "may have been sent" in words) == (451, True)
    assert r.states() == ["unknown"]


@pytest.mark.logs("ledger failed")
def test_a_full_ledger_stops_the_message_before_upstream_hears_of_it(r: Rig) -> None:
    r.guard.ledger.full = True  # type: ignore[attr-defined]
    assert r.send(message(), "x@y.test")[0] == 451
    assert r.send(message(), "big@lists.test")[0] == 451
    assert "DATA" not in r.upstream.verbs()


@pytest.mark.logs("ledger failed")
def test_a_ledger_that_fails_after_upstream_took_the_message_does_not_make_the_client_send_it_again(r: Rig) -> None:
    r.upstream.paused.clear()
    sending = r.sending(message(), "x@y.test")
    r.upstream.wait_for(lambda: r.upstream.messages)
    r.guard.ledger.full = True  # type: ignore[attr-defined]
    r.upstream.paused.set()
    assert sending.result(10)[0] == 250
    assert r.states() == ["sending"], "which is unknown at the next start"


def test_rules_that_change_between_approval_and_sending_judge_once_more() -> None:
    guard = Guard()
    with rig(guard=guard) as r:
        begin = guard.gatekeeper.begin
        changes = iter((True, False))

        def begin_late(*what: object) -> None:
            if next(changes, False):
                guard.rules = dataclasses.replace(guard.rules, type_from=400)
            begin(*what)  # type: ignore[arg-type]

        guard.gatekeeper.begin = begin_late  # type: ignore[method-assign]
        sending = r.sending(message())
        r.answer(Answer.SEND)
        wait_until(lambda: guard.asker.shown is not None, "second question")
        assert r.upstream.messages == []
        r.answer(Answer.SEND)
        assert sending.result(10)[0] == 250


def test_rules_that_change_at_every_try_end_in_another_time(r: Rig) -> None:
    guard, begin = r.guard, r.guard.gatekeeper.begin
    sizes = iter(range(400, 500))

    def begin_late(*what: object) -> None:
        guard.rules = dataclasses.replace(guard.rules, type_from=next(sizes))
        begin(*what)  # type: ignore[arg-type]

    guard.gatekeeper.begin = begin_late  # type: ignore[method-assign]
    assert r.send(message(), "x@y.test")[0] == 451
    assert r.upstream.messages == []


@pytest.mark.logs("gate: ZeroDivisionError")
def test_a_fault_of_ours_closes_and_its_text_is_not_logged(r: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def fault(query: object) -> object:
        raise ZeroDivisionError("big@lists.test")

    r.guard.directory = fault  # type: ignore[assignment]
    code, words = r.send(message())
    assert (code, "fault" in words) == (451, True)
    assert r.upstream.messages == []
    assert "big@lists.test" not in caplog.text
