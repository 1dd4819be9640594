"""What a mail client meets at the gate."""

import hashlib
import socket
from collections.abc import Iterator

import pytest

from sendguard.gate.limits import GateLimits
from sendguard.guard.ports import Answer
from tests.adapters.smtp_kit import ME, Client, Rig, Upstream, message, rig
from tests.fakes import Guard


@pytest.fixture
def r() -> Iterator[Rig]:
    with rig() as made:
        yield made


def test_a_message_that_needs_no_answer_passes_with_upstreams_words(r: Rig) -> None:
    assert r.send(message(), "x@y.test") == (250, "2.0.0 queued as 4711")
    assert r.states() == ["sent"]
    assert r.guard.asker.history == []


def test_a_message_to_850112_people_waits_until_its_originator_confirms(r: Rig) -> None:
    sending = r.sending(message())
    question = r.guard.asker.question()
    assert question.judgement.audience.count.low == 850_112
    assert "DATA" not in r.upstream.verbs()
    assert r.upstream.messages == []
    r.answer(Answer.SEND)
    assert sending.result(10) == (250, "2.0.0 queued as 4711")
    assert r.states() == ["sent"]


def test_dont_send_is_told_in_words_and_upstream_hears_nothing_but_rset(r: Rig) -> None:
    sending = r.sending(message())
    r.answer(Answer.DONT_SEND)
    code, words = sending.result(10)
    assert code == 550
    assert words.splitlines()[0] == "5.7.1 SendGuard did not send this message: you chose so."
    assert "850,112 people" in words
    assert not words.endswith(".")
    r.upstream.wait_for(lambda: "QUIT" in r.upstream.verbs())
    assert r.upstream.verbs()[2:] == ["MAIL", "RCPT", "RSET", "QUIT"]
    assert r.upstream.messages == []
    assert r.states() == ["refused"]


def test_what_nobody_can_be_asked_about_is_451_and_not_sent() -> None:
    with rig(guard=Guard(can_ask=False)) as r:
        code, words = r.send(message())
        assert code == 451
        assert "cannot show its question" in words
        assert r.upstream.messages == []


def test_after_the_hold_the_client_is_told_to_try_again_and_the_answer_serves_its_next_try(r: Rig) -> None:
    r.limits = GateLimits(hold_other=0.1)
    code, words = r.send(message("Hello"))
    assert code == 451
    assert "press Send again" in words
    assert not r.guard.asker.question().client_waits
    r.answer(Answer.SEND)
    again = b"Date: Tue, 24 Nov 2026 09:01:00 +0000\r\nMessage-ID: <2@x>\r\n" + message("Hello")
    assert r.send(again)[0] == 250
    assert len(r.guard.asker.history) == 2, "asked once, and shown once more when the client was let go"
    assert [each.content for each in r.upstream.messages] == [again]
    assert r.send(again)[0] == 451, "an answer serves once"


def test_a_refusal_after_the_hold_is_kept_for_the_next_try_too(r: Rig) -> None:
    r.limits = GateLimits(hold_other=0.1)
    assert r.send(message())[0] == 451
    r.answer(Answer.DONT_SEND)
    assert r.send(message())[0] == 550
    assert r.upstream.messages == []


def test_thunderbird_is_held_longer_than_others(r: Rig) -> None:
    r.limits = GateLimits(hold_thunderbird=60, hold_other=0.1)
    thunderbird = r.sending(message("a", agent="Mozilla Thunderbird"), "middle@lists.test")
    r.guard.asker.question()
    assert r.send(message("b", agent="mutt"), "big@lists.test")[0] == 451
    assert not thunderbird.done()
    r.answer(Answer.SEND)
    assert thunderbird.result(10)[0] == 250


def test_two_messages_pass_on_one_connection_and_upstream_sees_one(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        for word in ("one", "two"):
            client.envelope("x@y.test")
            assert client.data(message(word))[0] == 250
    assert r.upstream.connections == 1
    assert [b"one" in r.upstream.messages[0].content, b"two" in r.upstream.messages[1].content] == [True, True]


def test_after_rset_the_recipients_of_before_are_forgotten_here_and_upstream(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        client.envelope("big@lists.test", "first@y.test")
        assert client.say("RSET")[0] == 250
        client.envelope("second@y.test")
        assert client.data(message())[0] == 250
    assert r.upstream.messages[0].rcpts == ["RCPT TO:<second@y.test>"]
    assert r.guard.directory.asked[-1].addresses == ("second@y.test",)


def test_a_refused_message_does_not_stand_in_the_way_of_the_next_on_the_connection(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        client.envelope("x@y.test")
        assert client.data(b"bare\nline feed\r\n")[0] == 554
        client.envelope("x@y.test")
        assert client.data(message())[0] == 250


BYTES = {
    "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.a\r\n a.\r\n.\r\n",
    "long UTF-8": ("Subject: ä\r\n\r\n" + "日本語" * 100 + "\r\n" + "ä" * 499 + "\r\n").encode(),
    "no header": b"\r\nbody\r\n",
    "nothing": b"",
    "eight bits": b"Subject: x\r\n\r\n" + bytes(range(1, 10)) + bytes(range(128, 256)) + b"\r\n",
    "998 octets": b"Subject: x\r\n\r\n" + b"x" * 998 + b"\r\n",
    "larger than a piece": b"Subject: x\r\n\r\n" + (b"." + b"y" * 76 + b"\r\n") * 20_000,
}


@pytest.mark.parametrize("raw", BYTES.values(), ids=BYTES.keys())
def test_the_octets_arrive_as_they_were_given(r: Rig, raw: bytes) -> None:
    assert r.send(raw, "x@y.test")[0] == 250
    arrived = r.upstream.messages[0].content
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(raw).digest()


def test_a_client_that_sends_octet_by_octet_is_understood(r: Rig) -> None:
    with socket.create_connection(("127.0.0.1", r.gate.port), timeout=10) as slow:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = slow.makefile("rb")
        assert stream.readline().startswith(b"220")
        for octet in b"EHLO slow\r\n":
            slow.sendall(bytes([octet]))
        assert stream.readline().startswith(b"250")
        stream.close()


def test_bcc_recipients_are_in_the_envelope_only(r: Rig) -> None:
    raw = message(to="x@y.test")
    assert r.send(raw, "x@y.test", "hidden@y.test")[0] == 250
    (sent,) = r.upstream.messages
    assert sent.rcpts == ["RCPT TO:<x@y.test>", "RCPT TO:<hidden@y.test>"]
    assert sent.content == raw
    assert r.guard.directory.asked[-1].addresses == ("x@y.test", "hidden@y.test")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a\nb\r\n", "line ends"),
        (b"a\rb\r\n", "line ends"),
        (b"a\n.\nMAIL FROM:<x@y>\r\n", "line ends"),
        (b"a\n.\r\nMAIL FROM:<x@y>\r\n", "line ends"),
        (b"a\r.\rMAIL FROM:<x@y>\r\n", "line ends"),
        (b"a\r\n.\rMAIL FROM:<x@y>\r\n", "line ends"),
        (b"a\r\r\nb\r\n", "line ends"),
        (b"a\0b\r\n", "NUL"),
        (b"a\r\n.\0\r\nb\r\n", "NUL"),
        (b"x" * 999 + b"\r\n", "too long"),
        (b"short\r\n" * 5 + b"x" * 5000 + b"\r\n" + b"short\r\n" * 5, "too long"),
    ],
)
def test_what_servers_read_differently_is_refused_whole(r: Rig, content: bytes, says: str) -> None:
    with r.client() as client:
        client.hello()
        client.envelope("x@y.test")
        code, words = client.data(b"Subject: x\r\n\r\n" + content)
        assert (code, says in words) == (554, True), words
        assert client.say("NOOP")[0] == 250, "and nothing of it was taken for a command"
    assert r.upstream.messages == []
    assert "DATA" not in r.upstream.verbs()


def test_only_what_upstream_can_do_is_offered(r: Rig) -> None:
    with r.client() as client:
        offered = client.hello(login=False).splitlines()
    assert offered[1:] == ["SIZE 20000000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"]


def test_a_server_that_can_do_little_is_shown_as_it_is() -> None:
    with rig(Upstream(features=("PIPELINING",))) as r, r.client() as client:
        assert client.hello(login=False).splitlines()[1:] == ["SIZE 50000000"]
        assert client.say("MAIL FROM:<anna@practice.test> BODY=8BITMIME")[0] == 555
        assert client.say("MAIL FROM:<anna@practice.test> SMTPUTF8")[0] == 501
        assert client.say("MAIL FROM:<anna@practice.test> SIZE=5")[0] == 250
        assert r.upstream.said[-1] == "MAIL FROM:<anna@practice.test>"


def test_a_message_larger_than_the_limit_is_refused_before_and_after(r: Rig) -> None:
    r.limits = GateLimits(message_octets=1_000_000)
    with r.client() as client:
        client.hello()
        assert client.say(f"MAIL FROM:<{ME}> SIZE=1000001")[0] == 552
        client.envelope("x@y.test")
        code, words = client.data(b"x\r\n" * 800_000)
        assert (code, "1 MB" in words) == (552, True)
        client.envelope("x@y.test")
        assert client.data(b"\r\n" + b".\r\n" * 333_000)[0] == 250, "stuffed dots do not count"


def test_a_recipient_too_many_is_452(r: Rig) -> None:
    r.limits = GateLimits(recipients=2)
    with r.client() as client:
        client.hello()
        client.envelope("a@y.test", "b@y.test")
        assert client.say("RCPT TO:<c@y.test>") == (452, "4.5.3 SendGuard takes 2 recipients in one message")
        assert client.data(message())[0] == 250


def test_a_recipient_refused_upstream_is_refused_at_rcpt_with_upstreams_words(r: Rig) -> None:
    r.upstream.answers["RCPT TO:<nobody@y.test>"] = "550-5.1.1 Nobody here\n550 5.1.1 Grüße"
    with r.client() as client:
        client.hello()
        client.envelope("a@y.test")
        assert client.say("RCPT TO:<nobody@y.test>") == (550, "5.1.1 Nobody here\n5.1.1 Grüße")
        assert client.data(message())[0] == 250
    assert r.guard.directory.asked[-1].addresses == ("a@y.test",)
    assert r.upstream.messages[0].rcpts == ["RCPT TO:<a@y.test>"]


@pytest.mark.parametrize("step", ["MAIL", "DATA", "DOT"])
@pytest.mark.parametrize("code", [451, 552])
def test_upstreams_refusal_is_passed_on_at_every_step(r: Rig, step: str, code: int) -> None:
    r.upstream.answers[step] = f"{code} 5.9.9 upstream's own words"
    with r.client() as client:
        client.hello()
        reply = client.say(f"MAIL FROM:<{ME}>")
        if step != "MAIL":
            client.say("RCPT TO:<x@y.test>")
            reply = client.data(message())
    assert reply == (code, "5.9.9 upstream's own words")
    assert r.states() == ([] if step == "MAIL" else ["refused"])


def test_mail_from_an_address_that_is_none_of_the_accounts_is_refused(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        assert client.say("MAIL FROM:<boss@practice.test>")[0] == 553
        assert client.say("MAIL FROM:<Me+tag@OTHER.test>")[0] == 250
        client.say("RSET")
        assert client.say("MAIL FROM:<>")[0] == 250, "a read receipt has no originator"
    assert [line for line in r.upstream.said if "boss" in line] == []
    assert "MAIL FROM:<>" in r.upstream.said


def test_an_account_without_identities_sends_from_whatever_upstream_allows() -> None:
    with rig(identities=()) as r, r.client() as client:
        client.hello()
        assert client.say("MAIL FROM:<anybody@y.test>")[0] == 250


@pytest.mark.parametrize("address", ["<a\x00b@y.test>", '<"a b"@y.test>', "<a@y.test\x7f>"])
def test_an_address_that_mail_does_not_allow_never_reaches_upstream(r: Rig, address: str) -> None:
    with r.client() as client:
        client.hello()
        assert client.say(f"MAIL FROM:<{ME}>")[0] == 250
        assert client.say(f"RCPT TO:{address}")[0] == 553
    assert "RCPT" not in r.upstream.verbs()


def test_an_address_in_utf8_passes_where_upstream_speaks_smtputf8(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        assert client.say(f"MAIL FROM:<{ME}> SMTPUTF8")[0] == 250
        assert client.say("RCPT TO:<jörg@müller.test>")[0] == 250
        assert client.say("RCPT TO:<a\u202eb@y.test>")[0] == 553
        assert client.data(message())[0] == 250
    assert r.upstream.messages[0].rcpts == ["RCPT TO:<jörg@müller.test>"]


def test_commands_out_of_their_order_are_refused(r: Rig) -> None:
    with r.client() as client:
        client.reply()
        assert client.say("NOOP")[0] == 250
        assert client.say("MAIL FROM:<x@y.test>")[0] == 503
        assert client.say("DATA")[0] == 503
        client.say("EHLO x")
        assert client.say("DATA")[0] == 503
        assert client.say("VRFY anna")[0] == 502
        assert client.say("EXPN all")[0] == 502
        assert client.say("BDAT 5 LAST")[0] == 500
        assert client.say("STARTTLS")[0] in {454, 500}
        assert client.say("MAIL FROM:<x@y.test> RET=FULL")[0] in {530, 555}


def test_a_second_ehlo_takes_the_transaction_back_and_keeps_the_login(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        client.envelope("big@lists.test")
        assert client.say("EHLO again")[0] == 250
        assert client.say("DATA")[0] == 503
        client.envelope("x@y.test")
        assert client.data(message())[0] == 250
    assert r.upstream.connections == 1
    assert r.upstream.messages[0].rcpts == ["RCPT TO:<x@y.test>"]


def test_a_client_that_knows_helo_only_is_served_where_no_login_is_needed() -> None:
    with rig(Upstream(features=("SIZE 1000",))) as r, r.client() as client:
        client.reply()
        assert client.say("HELO old") == (250, "localhost")
        client.envelope("x@y.test")
        assert client.data(message())[0] == 250


def test_more_clients_than_the_gate_serves_are_told_so(r: Rig) -> None:
    clients = [r.client() for _ in range(8)]
    for client in clients:
        assert client.reply()[0] == 220
    with r.client() as ninth:
        assert ninth.reply()[0] == 421
        assert ninth.reply()[0] == 0
    for client in clients:
        client.close()


def test_the_gate_listens_on_ipv6_loopback_too(r: Rig) -> None:
    try:
        client = Client(r.gate.port, "::1")
    except OSError:
        pytest.skip("this computer has no IPv6")
    with client:
        client.hello()
        client.envelope("x@y.test")
        assert client.data(message())[0] == 250


def test_several_clients_are_served_while_one_is_held(r: Rig) -> None:
    held = r.sending(message("held"))
    r.guard.asker.question()
    assert r.send(message("other"), "x@y.test")[0] == 250
    assert not held.done()
    r.answer(Answer.DONT_SEND)
    assert held.result(10)[0] == 550


def test_paths_are_taken_as_clients_write_them(r: Rig) -> None:
    with r.client() as client:
        client.hello()
        assert client.say(f"MAIL FROM: {ME} SIZE=10")[0] == 250
        assert client.say("RCPT TO: <a@y.test>")[0] == 250
        for broken in (
            "",
            "<@relay.test:b@y.test>",
            "<everybody>",
            "<a@>",
            "<>",
            "<a@y.test",
            "a@y.test>",
            "<<a@y.test>>",
            "<a@y.test> <b@y.test>",
            "<a@y.test>x",
        ):
            assert 500 <= client.say(f"RCPT TO:{broken}")[0] < 600
        assert client.say("RCPT TO:<Postmaster>")[0] == 250
    passed_on = [line for line in r.upstream.said if line.startswith("RCPT")]
    assert passed_on == ["RCPT TO:<a@y.test>", "RCPT TO:<Postmaster>"]
