"""Servers that stall, fail and go away, and clients that do: nothing lost, nothing twice, nothing unconfirmed."""

import asyncio
import socket
from collections.abc import Callable

import h11
import pytest

from sendguard.exchange.gate.line import Ends, Line
from sendguard.gate.limits import GateLimits
from sendguard.guard.ports import ActivityKind, Answer
from tests.adapters.ews_gate_kit import (
    CUT,
    FIND,
    ME,
    PASSWORD,
    Rig,
    Upstream,
    answered,
    envelope,
    message_answer,
    mime,
    rig,
    send_only,
)
from tests.servers.certificates import CertificateAuthority
from tests.servers.exchange import Exchange
from tests.servers.processes import wait_until

SEND = send_only(mime(to="ben@practice.test"))
ASKED = send_only(mime())
SENT = answered(message_answer("CreateItem", "NoError"))
CHALLENGE = answered(b"", "401 Unauthorized", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM")
SECOND_STEP = answered(b"", "401 Unauthorized", "WWW-Authenticate: NTLM TlRMTVNTUAACAAAA")
NOTHING_CALLED = answered(b"", "500 Internal Server Error")


def fault(code: str) -> bytes:
    detail = f"<detail><e:ResponseCode xmlns:e='urn:e'>{code}</e:ResponseCode></detail>"
    return answered(envelope(f"<s:Fault><faultstring>x</faultstring>{detail}</s:Fault>"), "500 Internal Server Error")


def bodies(upstream: Upstream) -> list[bytes]:
    return [each.body for each in upstream.asked]


def test_what_goes_up_and_what_comes_down_is_the_same_octet_for_octet(r: Rig, upstream: Upstream) -> None:
    odd = answered(b"<a>\r\n\xc3\xbc</a>", "200 Fine", "X-FEServer: MBX01", "Set-Cookie: a=1", "Set-Cookie: b=2")
    upstream.answers.append(odd)
    with r.client() as client:
        assert client.post(FIND, "X-AnchorMailbox: x", "Cookie: a=1", "Connection: keep-alive, X-Own", "X-Own: y") == (
            200,
            b"<a>\r\n\xc3\xbc</a>",
        )
        assert [name for name, _ in client.fields] == [
            b"Content-Type", b"Content-Length", b"X-FEServer", b"Set-Cookie", b"Set-Cookie",
        ]  # fmt: skip
    names = [name for name, _ in upstream.asked[0].head.headers.raw_items()]
    assert names == [b"Host", b"Authorization", b"Content-Type", b"Content-Length", b"X-AnchorMailbox", b"Cookie"]
    assert bodies(upstream) == [FIND]


@pytest.mark.parametrize(
    ("answer", "state", "detail"),
    [
        (SENT, "sent", ""),
        (answered(message_answer("CreateItem", "ErrorSendAsDenied")), "refused", "upstream_sendasdenied"),
        (answered(message_answer("CreateItem", "ErrorInternalServerError")), "unknown", "upstream_internalservererror"),
        (answered(message_answer("CreateItem", "NoError", "NoError")), "unknown", "upstream_unreadable"),
        (fault("ErrorSchemaValidation"), "refused", "upstream_schemavalidation"),
        (fault("ErrorServerBusy"), "refused", "upstream_serverbusy"),
        (fault(""), "unknown", "upstream_error"),
        (answered(b"", "401 Unauthorized", "WWW-Authenticate: Basic"), "refused", "upstream_401"),
        (answered(b"no", "403 Forbidden"), "refused", "upstream_403"),
        (answered(b"", "503 Service Unavailable"), "refused", "upstream_503"),
        (answered(b"<html>", "500 Internal Server Error"), "unknown", "upstream_500"),
        (answered(b"", "502 Bad Gateway"), "unknown", "upstream_502"),
        (answered(b"<html>"), "unknown", "upstream_200"),
        (CUT, "unknown", "lost_reply"),
        (SENT[:-30], "unknown", "lost_reply"),
    ],
)
def test_what_the_server_says_to_a_send_is_what_is_written_down(
    r: Rig, upstream: Upstream, answer: bytes, state: str, detail: str
) -> None:
    upstream.answers.append(answer)
    if answer == SENT[:-30]:
        upstream.answers[0] = answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    status, said = r.post(SEND)
    assert r.states() == [state]
    (row,) = r.guard.ledger.rows.values()  # type: ignore[attr-defined]
    assert row.detail == detail
    assert bodies(upstream) == [SEND]
    if detail == "lost_reply":
        assert (status, b"may have been sent, and may not" in said) == (200, True)
    else:
        assert (status, said) == (int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2])


@pytest.mark.logs("ZeroDivisionError while a call was being sent")
def test_a_fault_of_ours_once_a_call_has_gone_out_is_never_called_not_sent(
    r: Rig, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.exchange.gate.passage.outcomes", lambda answer, items: [1 // 0])
    upstream.answers.append(SENT)
    _, said = r.post(SEND)
    assert b"may have been sent, and may not" in said
    assert r.states() == ["unknown"]


def test_a_lost_answer_is_asked_about_when_the_client_tries_again(r: Rig, upstream: Upstream) -> None:
    upstream.answers.append(CUT)
    r.post(SEND)
    again = r.doing(r.post, SEND)
    assert r.guard.asker.question().judgement.verdict.reasons[0].code == "possibly_sent"
    assert len(upstream.asked) == 1
    r.answer(Answer.DONT_SEND)
    assert b"CreateItemResponseMessage" in again.result(10)[1]
    assert len(upstream.asked) == 1
    assert r.states() == ["unknown", "refused"]


def test_a_server_that_cannot_be_reached_is_said_so_and_nothing_is_lost(r: Rig, upstream: Upstream) -> None:
    upstream.close()
    status, said = r.post(SEND)
    assert status == 200
    assert b"the mail server cannot be reached" in said
    assert r.states() == ["refused"]
    assert "gate_unreachable" in [activity.detail for activity in r.guard.activities]
    assert r.post(FIND)[0] == 502


def test_a_client_that_goes_while_it_is_held_has_cancelled(r: Rig, upstream: Upstream) -> None:
    with r.client() as client:
        client.socket.sendall(client.head(len(ASKED)) + ASKED)
        r.guard.asker.question()
    wait_until(lambda: r.guard.asker.shown is None, seconds=10, what="end of the question")
    assert r.states() == ["cancelled"]
    assert upstream.asked == []


def test_an_approval_together_with_the_clients_end_sends_nothing(r: Rig, upstream: Upstream) -> None:
    """The gate's loop hears of both in one round, and of the approval first."""
    client = r.client()
    client.socket.sendall(client.head(len(ASKED)) + ASKED)
    question = r.guard.asker.question()

    def both() -> None:
        client.socket.close()
        r.guard.gatekeeper.answer(question.id, Answer.SEND, question.judgement.verdict.to_type)

    assert r.gate._loop is not None
    r.gate._loop.call_soon_threadsafe(both)
    wait_until(lambda: r.states() not in (["held"], ["approved"]), "end")
    wait_until(lambda: not r.gate.clients, "end of the client")
    assert r.states() == ["cancelled"]
    assert upstream.asked == []


def test_a_client_that_goes_while_the_answer_is_awaited_does_not_end_the_send(r: Rig, upstream: Upstream) -> None:
    upstream.answering.clear()
    with r.client() as client:
        client.socket.sendall(client.head(len(SEND)) + SEND)
        upstream.wait_for(lambda: upstream.asked)
    wait_until(lambda: r.gate.clients == 0, seconds=10, what="gone")
    assert r.states() == ["sending"]
    upstream.answering.set()
    wait_until(lambda: r.states() == ["sent"], seconds=10, what="sent")
    (row,) = r.guard.ledger.rows.values()  # type: ignore[attr-defined]
    assert row.detail == "unheard"


def test_a_client_that_goes_in_the_middle_of_the_transfer_ends_it_before_it_is_whole(
    r: Rig, upstream: Upstream
) -> None:
    large = send_only(mime("x" * 20_000_000, to="ben@practice.test"))
    upstream.reading.clear()
    with r.client() as client:
        client.socket.sendall(client.head(len(large)) + large)
        wait_until(lambda: r.states() == ["sending"], seconds=20, what="begun")
    wait_until(lambda: r.states() == ["refused"], seconds=10, what="given up")
    upstream.reading.set()
    wait_until(lambda: r.gate.clients == 0, seconds=10, what="gone")
    assert upstream.asked == []


def test_a_gate_that_stops_says_of_a_call_that_is_out_that_it_is_not_known(upstream: Upstream) -> None:
    upstream.answering.clear()
    with rig(upstream.url) as r, r.client() as client:
        client.socket.sendall(client.head(len(SEND)) + SEND)
        upstream.wait_for(lambda: upstream.asked)
        r.gate.stop()
        assert r.states() == ["unknown"]


def test_a_gate_that_stops_withdraws_its_questions(upstream: Upstream) -> None:
    with rig(upstream.url) as r, r.client() as client:
        client.socket.sendall(client.head(len(ASKED)) + ASKED)
        r.guard.asker.question()
        r.gate.stop()
        assert client.is_closed()
        assert r.states() == ["cancelled"]


def test_when_the_server_closes_the_client_is_closed_too(r: Rig, upstream: Upstream) -> None:
    with r.client() as client:
        assert client.post(FIND)[0] == 200
        assert client.post(FIND)[0] == 200
        upstream.hang_up()
        assert client.is_closed()
    assert [each.connection for each in upstream.asked] == [1, 1]


def test_each_client_has_a_connection_of_its_own(r: Rig, upstream: Upstream) -> None:
    with r.client() as one, r.client() as other:
        for client in (one, other, one, other):
            assert client.post(FIND)[0] == 200
    assert [each.connection for each in upstream.asked] == [1, 2, 1, 2]


def test_a_server_that_answers_before_it_has_everything_is_heard(r: Rig, upstream: Upstream) -> None:
    """As one does that wants no such size, or a login first."""
    large = envelope(f"<m:CreateAttachment>{'<t:x/>' * 500_000}</m:CreateAttachment>")
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, rig(f"http://127.0.0.1:{listener.getsockname()[1]}/EWS/Exchange.asmx") as early:
        posting = early.doing(early.post, large)
        server, _ = listener.accept()
        with server:
            server.recv(1000)
            server.sendall(answered(b"too large", "413 Too Large", "Connection: close"))
            assert posting.result(20) == (413, b"too large")


def test_while_a_person_decides_the_server_may_go_and_is_connected_to_anew(r: Rig, upstream: Upstream) -> None:
    with r.client() as client:
        assert client.post(FIND)[0] == 200
        client.socket.sendall(client.head(len(ASKED)) + ASKED)
        r.guard.asker.question()
        upstream.hang_up()
        r.answer()
        assert client.answer()[0] == 200
    assert bodies(upstream) == [FIND, ASKED]
    assert r.states() == ["sent"]


def test_a_call_without_a_login_raises_no_question_and_carries_no_message(r: Rig, upstream: Upstream) -> None:
    upstream.answers.append(CHALLENGE)
    with r.client() as client:
        assert client.post(ASKED, login="")[0] == 401
        assert (b"WWW-Authenticate", b"NTLM") in client.fields
    assert bodies(upstream) == [b""]
    assert r.states() == []


def test_a_login_that_binds_to_the_connection_goes_first_and_the_call_after_the_answer(
    r: Rig, upstream: Upstream
) -> None:
    upstream.answers += [CHALLENGE, SECOND_STEP, NOTHING_CALLED]
    with r.client() as client:
        assert client.post(ASKED, login="")[0] == 401
        assert client.post(ASKED, login="NTLM TlRMTVNTUAABAAAA")[0] == 401
        assert (b"WWW-Authenticate", b"NTLM TlRMTVNTUAACAAAA") in client.fields
        client.socket.sendall(client.head(len(ASKED), login="NTLM TlRMTVNTUAADAAAA") + ASKED)
        r.guard.asker.question()
        assert bodies(upstream) == [b"", b"", b""]
        upstream.answers.append(NOTHING_CALLED)
        r.answer()
        assert client.answer()[0] == 200
    assert bodies(upstream) == [b"", b"", b"", b"", ASKED]
    assert [each.first("authorization") for each in upstream.asked] == [
        "", "NTLM TlRMTVNTUAABAAAA", "NTLM TlRMTVNTUAADAAAA", "", "",
    ]  # fmt: skip
    assert {each.connection for each in upstream.asked} == {1}
    assert r.states() == ["sent"]


def test_a_login_lost_with_its_connection_leaves_the_answer_for_the_next_try(r: Rig, upstream: Upstream) -> None:
    upstream.answers.append(NOTHING_CALLED)
    with r.client() as client:
        client.socket.sendall(client.head(len(ASKED), login="NTLM TlRMTVNTUAADAAAA") + ASKED)
        r.guard.asker.question()
        upstream.hang_up()
        r.answer()
        status, said = client.answer()
        assert (status, b"cannot be reached" in said) == (200, True)
    upstream.answers += [NOTHING_CALLED, SENT]
    assert r.post(ASKED, login="NTLM TlRMTVNTUAADAAAA")[0] == 200
    assert bodies(upstream)[-1] == ASKED
    assert r.states()[-1] == "sent"
    assert len(r.guard.asker.history) == 1


def test_the_servers_proof_of_itself_reaches_the_client_with_the_answer(r: Rig, upstream: Upstream) -> None:
    proof = "WWW-Authenticate: Negotiate oYG3MIG0"
    upstream.answers += [answered(b"", "500 Internal Server Error", proof), SENT]
    with r.client() as client:
        assert client.post(SEND, login="Negotiate YIIabc")[0] == 200
        assert (b"WWW-Authenticate", b"Negotiate oYG3MIG0") in client.fields


@pytest.mark.logs("the ledger failed")
def test_a_full_disk_sends_nothing(r: Rig, upstream: Upstream) -> None:
    r.guard.ledger.full = True  # type: ignore[attr-defined]
    status, said = r.post(ASKED)
    assert (status, b"SendGuard had a fault" in said) == (200, True)
    assert [each.detail for each in r.guard.activities] == ["ledger"]
    assert upstream.asked == []


def test_nobody_to_ask_means_not_sent(upstream: Upstream) -> None:
    from tests.fakes import Guard

    with rig(upstream.url, Guard(can_ask=False)) as r:
        assert b"cannot show its question" in r.post(ASKED)[1]
    assert upstream.asked == []


@pytest.mark.logs("gate: ZeroDivisionError")
def test_a_fault_of_the_gates_own_is_a_fault_to_the_client_and_the_gate_goes_on(
    r: Rig, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("sendguard.exchange.gate.conversation.held_call", fails)
        status, said = r.post(SEND)
        assert (status, b"SendGuard had a fault" in said) == (500, True)
    assert [each.detail for each in r.guard.activities] == ["gate_failed"]
    assert upstream.asked == []
    assert r.post(SEND)[0] == 200


def test_rules_that_change_between_answer_and_sending_ask_again(r: Rig, upstream: Upstream) -> None:
    sending = r.doing(r.post, ASKED)
    first = r.guard.asker.question()
    begin = r.guard.gatekeeper.begin

    def changed(ticket: object, raw: bytes) -> None:
        import dataclasses

        r.guard.rules = dataclasses.replace(r.guard.rules, type_from=12_345)
        r.guard.gatekeeper.begin = begin  # type: ignore[method-assign]
        begin(ticket, raw)  # type: ignore[arg-type]

    r.guard.gatekeeper.begin = changed  # type: ignore[method-assign,assignment]
    r.answer()
    r.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
    assert upstream.asked == []
    r.answer()
    assert sending.result(10)[0] == 200
    assert bodies(upstream) == [ASKED]


def test_what_is_told_to_the_client_names_nobody(r: Rig, upstream: Upstream) -> None:
    r.limits = GateLimits(hold_exchange=0.05)
    assert b"lists.test" not in r.post(ASKED)[1]
    assert r.guard.activities[-1].kind is not ActivityKind.SENT


def test_a_login_is_kept_awake_while_a_person_decides(
    r: Rig, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IIS closes a silent connection after two minutes, and with it goes the login."""
    monkeypatch.setattr("sendguard.exchange.gate.relay.AWAKE_SECONDS", 0.01)
    upstream.answers += [NOTHING_CALLED] * 5_000
    with r.client() as client:
        client.socket.sendall(client.head(len(ASKED), login="NTLM TlRMTVNTUAADAAAA") + ASKED)
        r.guard.asker.question()
        upstream.wait_for(lambda: len(upstream.asked) >= 4)
        upstream.answering.clear()
        upstream.answers[:] = [NOTHING_CALLED]
        r.answer()
        upstream.answering.set()
        assert client.answer()[0] == 200
    assert set(bodies(upstream)) == {b"", ASKED}
    assert {each.connection for each in upstream.asked} == {1}
    assert r.states() == ["sent"]


def test_a_server_that_will_close_has_its_client_told_so(r: Rig, upstream: Upstream) -> None:
    upstream.answers.append(answered(b"<x/>", "200 OK", "Connection: close"))
    with r.client() as client:
        assert client.post(FIND)[0] == 200
        assert (b"Connection", b"close") in client.fields
        assert client.is_closed()


def test_tls_is_verified(new_exchange: Callable[..., Exchange], certificate_authority: CertificateAuthority) -> None:
    exchange = new_exchange(certificate=certificate_authority.issue())
    exchange.add_person(ME, PASSWORD)
    with rig(exchange.url, context=certificate_authority.client_context()) as r:
        assert r.post(FIND)[0] == 200
    with rig(exchange.url) as r:
        status, said = r.post(FIND)
        assert (status, b"certificate is not valid" in said) == (502, True)
        status, said = r.post(SEND)
        assert (status, b"certificate is not valid" in said) == (200, True)
    assert exchange.count_of("GetFolder") == 1
    assert exchange.count_of("CreateItem") == 0


def test_thunderbirds_next_try_finds_the_answer_that_came_too_late(r: Rig, upstream: Upstream) -> None:
    """Each try has a Message-ID, a date and boundaries of its own."""

    def attempt(number: int, text: str = "Hello") -> bytes:
        boundary = f"------------{number:020}"
        lines = [f"--{boundary}", "", text, f"--{boundary}--"]
        kind = f"Content-Type: multipart/mixed; boundary={boundary}\r\nSubject:".encode()
        raw = mime(*lines).replace(b"Subject:", kind)
        raw = b"Message-ID: <%d@x>\r\nDate: Wed, 25 Nov 2026 03:34:%02d +0000\r\n" % (number, number) + raw
        return send_only(raw, f"<t:InternetMessageId>&lt;{number}@x&gt;</t:InternetMessageId>")

    r.limits = GateLimits(hold_exchange=0.05)
    assert b"still waiting" in r.post(attempt(1))[1]
    r.answer()
    assert b"still waiting" in r.post(attempt(2, "Goodbye"))[1]
    assert upstream.asked == []
    r.post(attempt(3))
    assert bodies(upstream) == [attempt(3)]


@pytest.mark.parametrize("raw", [b" To: a@x.test\r\nTo: b@x.test\r\n\r\n", b"\r\nTo: big@lists.test\r\n\r\nHello"])
def test_a_message_whose_beginning_is_none_is_asked_about(r: Rig, upstream: Upstream, raw: bytes) -> None:
    r.doing(r.post, send_only(raw))
    assert "unreadable" in {each.code for each in r.guard.asker.question().judgement.verdict.reasons}
    r.answer(Answer.DONT_SEND)


@pytest.mark.parametrize("address", ["<t:Name>All</t:Name>", "<t:EmailAddress>/o=x/cn=all</t:EmailAddress>", ""])
def test_a_recipient_without_an_address_is_asked_about(r: Rig, upstream: Upstream, address: str) -> None:
    to = f"<t:ToRecipients><t:Mailbox>{address}</t:Mailbox></t:ToRecipients>"
    items = f"<m:Items><t:Message><t:Subject>x</t:Subject>{to}</t:Message></m:Items>"
    r.doing(r.post, envelope(f'<m:CreateItem MessageDisposition="SendOnly">{items}</m:CreateItem>'))
    assert "unreadable" in {each.code for each in r.guard.asker.question().judgement.verdict.reasons}
    r.answer(Answer.DONT_SEND)
    r.doing(r.post, send_only(mime(to="ben@practice.test"), to))
    r.guard.asker.question()
    r.answer(Answer.DONT_SEND)
    assert upstream.asked == []


@pytest.mark.logs("too_much CreateItem")
def test_an_address_that_is_cut_short_by_a_limit_is_not_believed(r: Rig, upstream: Upstream) -> None:
    to = (
        f"<t:ToRecipients><t:Mailbox><t:EmailAddress>a@b{'x' * 1_200_000}</t:EmailAddress></t:Mailbox></t:ToRecipients>"
    )
    items = f"<m:Items><t:Message>{to}</t:Message></m:Items>"
    status, _ = r.post(envelope(f'<m:CreateItem MessageDisposition="SendOnly">{items}</m:CreateItem>'))
    assert status == 500
    assert upstream.asked == []


def test_a_connection_that_was_reset_is_gone_before_anybody_was_told() -> None:
    """Its socket's number may be another client's by then."""

    async def look() -> tuple[bool, bool]:
        near, far = socket.socketpair()
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        transport, ends = await loop.create_connection(lambda: Ends(asyncio.StreamReader(), told.set), sock=near)
        line = Line(h11.SERVER, ends, transport)
        was_gone = line.is_gone
        line.abort()
        is_gone = line.is_gone
        await told.wait()
        far.close()
        return was_gone, is_gone

    assert asyncio.run(look()) == (False, True)
