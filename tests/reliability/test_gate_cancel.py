"""A client that goes away has cancelled: nothing leaves after that, whoever answers what and when."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from sendguard.gate.limits import GateLimits
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.guard.ticket import QuestionGone
from tests.adapters.smtp_kit import Client, Rig, message, rig
from tests.servers.processes import wait_until


@pytest.fixture
def r() -> Iterator[Rig]:
    with rig() as made:
        yield made


def held(r: Rig, raw: bytes | None = None) -> Client:
    """A client that has sent its final dot and waits."""
    client = r.client()
    client.hello()
    client.envelope("big@lists.test")
    assert client.say("DATA")[0] == 354
    client.socket.sendall((raw or message()) + b".\r\n")
    r.guard.asker.question()
    return client


def close(client: Client) -> None:
    client.close()


def reset(client: Client) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def close_one_half(client: Client) -> None:
    client.socket.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("go", [close, reset, close_one_half])
def test_closing_the_connection_withdraws_the_question(r: Rig, go: object) -> None:
    client = held(r)
    question = r.guard.asker.question()
    go(client)  # type: ignore[operator]
    wait_until(lambda: r.guard.asker.shown is None, "end of the question")
    with pytest.raises(QuestionGone):
        r.guard.gatekeeper.answer(question.id, Answer.SEND, "850112")
    r.upstream.wait_for(lambda: "QUIT" in r.upstream.verbs())
    assert "DATA" not in r.upstream.verbs()
    assert r.states() == ["cancelled"]
    client.close()


def test_an_approval_right_after_the_client_has_closed_sends_nothing(r: Rig) -> None:
    for _ in range(40):
        client = held(r)
        question = r.guard.asker.question()
        client.close()
        with contextlib.suppress(QuestionGone):
            r.guard.gatekeeper.answer(question.id, Answer.SEND, "850112")
        wait_until(lambda: r.guard.asker.shown is None, "end of the question")
    wait_until(lambda: not r.gate.clients, "end of the clients")
    assert r.upstream.messages == []
    wait_until(lambda: set(r.states()) <= {"cancelled", "refused"}, "end of every row")


def test_where_approval_and_departure_meet_the_ledger_says_what_upstream_has(r: Rig) -> None:
    for number in range(40):
        client = held(r, message(str(number)))
        question = r.guard.asker.question()
        start = threading.Barrier(2)

        def go(client: Client = client, start: threading.Barrier = start) -> None:
            start.wait()
            client.close()

        going = threading.Thread(target=go)
        going.start()
        start.wait()
        with contextlib.suppress(QuestionGone):
            r.guard.gatekeeper.answer(question.id, Answer.SEND, "850112")
        going.join()
        wait_until(lambda: r.guard.asker.shown is None, "end of the question")
    wait_until(lambda: set(r.states()) <= {"cancelled", "refused", "sent"}, "end of every row")
    assert r.states().count("sent") == len(r.upstream.messages)


def test_a_client_that_goes_while_upstream_gets_the_content_leaves_it_without_its_final_dot(r: Rig) -> None:
    """Upstream does not read: the content cannot be through when the client goes."""
    r.upstream.reading.clear()
    client = r.client()
    client.hello()
    client.envelope("x@y.test")
    assert client.say("DATA")[0] == 354
    client.socket.sendall(b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 200_000 + b".\r\n")
    r.upstream.wait_for(lambda: "DATA" in r.upstream.verbs())
    client.close()
    wait_until(lambda: r.states() == ["refused"], "end of the row")
    r.upstream.reading.set()
    wait_until(lambda: not r.gate.clients, "end of the client")
    assert r.upstream.messages == []
    (row,) = r.guard.ledger.history()  # type: ignore[attr-defined]
    assert row.detail == "client_gone"


def test_a_client_that_goes_after_the_final_dot_was_passed_on_changes_nothing_of_what_upstream_says(r: Rig) -> None:
    r.upstream.paused.clear()
    client = r.client()
    client.hello()
    client.envelope("x@y.test")
    assert client.say("DATA")[0] == 354
    client.socket.sendall(message() + b".\r\n")
    r.upstream.wait_for(lambda: r.upstream.messages)
    client.close()
    wait_until(lambda: not r.gate.clients, "end of the client")
    assert r.states() == ["sending"]
    r.upstream.paused.set()
    wait_until(lambda: r.states() == ["sent"], "upstream's answer in the ledger")
    (row,) = r.guard.ledger.history()  # type: ignore[attr-defined]
    assert row.detail == "unheard", "its person saw an error: the same message is asked about when it comes again"


def test_a_client_that_goes_while_its_message_is_judged_is_never_asked_about(r: Rig) -> None:
    judging, go_on = threading.Event(), threading.Event()
    resolve = r.guard.directory

    def slow(query: object) -> object:
        judging.set()
        go_on.wait(10)
        return resolve(query)  # type: ignore[arg-type]

    r.guard.directory = slow  # type: ignore[assignment]
    client = r.client()
    client.hello()
    client.envelope("big@lists.test")
    assert client.say("DATA")[0] == 354
    client.socket.sendall(message() + b".\r\n")
    assert judging.wait(10)
    client.close()
    wait_until(lambda: not r.gate.clients, "end of the client")
    go_on.set()
    wait_until(lambda: r.states() == ["cancelled"], "end of the row")
    assert r.guard.asker.shown is None


def test_a_message_that_breaks_off_is_not_judged(r: Rig) -> None:
    client = r.client()
    client.hello()
    client.envelope("big@lists.test")
    assert client.say("DATA")[0] == 354
    client.socket.sendall(message())
    client.close()
    wait_until(lambda: not r.gate.clients, "end of the client")
    assert r.guard.directory.asked == []


def test_stopping_the_gate_withdraws_what_is_held_and_says_so(r: Rig) -> None:
    client = held(r)
    r.gate.stop()
    assert r.guard.asker.shown is None
    assert r.states() == ["cancelled"]
    code, text = client.reply()
    assert code == 451
    assert "SendGuard is being ended and did not send this message." in text
    assert client.reply()[0] == 0
    client.close()
    assert r.upstream.messages == []


def test_stopping_the_gate_waits_a_little_for_an_answer_and_then_calls_it_unknown(
    r: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.smtp.gate.LAST_WAIT", 0.2)
    r.upstream.paused.clear()
    sending = r.sending(message(), "x@y.test")
    r.upstream.wait_for(lambda: r.upstream.messages)
    r.gate.stop()
    assert r.states() == ["unknown"]
    with contextlib.suppress(ConnectionError):
        assert sending.result(10)[0] == 0


def test_a_question_outlives_its_client_once_that_was_told_to_try_again(r: Rig) -> None:
    r.limits = GateLimits(hold_other=0.1)
    assert r.send(message())[0] == 451
    wait_until(lambda: not r.gate.clients, "end of the client")
    assert r.guard.asker.shown is not None
    assert [a.kind for a in r.guard.activities] == [ActivityKind.HELD]
