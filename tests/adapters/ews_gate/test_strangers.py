"""Who and what may not come in: web pages, other users, other paths, and requests that can be read in two ways."""

import contextlib
import socket

import pytest

from sendguard.exchange.gate.gate import EwsGate
from sendguard.gate.loopback import GateNotStarted
from sendguard.gate.serving import GateState
from sendguard.guard.intake import Intake
from sendguard.mail.submission import Hook
from tests.adapters.ews_gate_kit import FIND, PATH, SENTENCES, Rig, Upstream, answered, mime, send_only
from tests.adapters.strangers import needs_another_user, told_to_another_user


@needs_another_user
def test_another_user_of_this_computer_is_refused(r: Rig, upstream: Upstream) -> None:
    asks = b"GET /EWS/Services.wsdl HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % r.gate.port
    said = told_to_another_user(r.gate.port, asks)
    assert said.startswith(b"HTTP/1.1 403")
    assert b"serves the user who started it" in said
    assert upstream.connections == []


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("Host: evil.test", 403),
        ("Host: 127.0.0.1", 403),
        ("Host: exchange.practice.test:443", 403),
        ("Origin: https://evil.test", 403),
        ("Origin: null", 403),
        ("Sec-Fetch-Site: cross-site", 403),
        ("Sec-Fetch-Dest: document", 403),
        ("Upgrade: websocket", 405),
        ("Content-Encoding: gzip", 415),
        ("Content-Type: text/plain", 415),
        ("Content-Type: text/xml; charset=utf-16", 415),
        ("Content-Type: multipart/related; type=text/xml", 415),
        ("Authorization: Basic c2Vjb25k", 400),
        ("Transfer-Encoding: chunked", 400),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Content-Length: 3", 400),
        ("Host: 127.0.0.1:{port}\r\nHost: evil.test", 400),
        ("X: " + "a" * 70_000, 431),
        ("X y: z", 400),
        ("X: a\r\n Content-Length: 0\x00", 400),
    ],
)
def test_a_request_of_a_page_or_of_two_meanings_gets_nowhere(
    r: Rig, upstream: Upstream, field: str, status: int
) -> None:
    said, _ = r.post(FIND, field.replace("{port}", str(r.gate.port)))
    assert said == status
    assert upstream.asked == []


@pytest.mark.parametrize(
    "field",
    [
        "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty",
        "Content-Type: application/soap+xml; charset=UTF-8",
        'Content-Type: text/xml; charset="utf-8"',
        "X: folded\r\n over two lines",
    ],
)
def test_what_thunderbird_and_others_say_besides_is_no_hindrance(r: Rig, upstream: Upstream, field: str) -> None:
    assert r.post(FIND, field)[0] == 200
    assert upstream.asked[0].body == FIND


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("POST /mapi/emsmdb HTTP/1.1", 404),
        ("POST /owa/service.svc HTTP/1.1", 404),
        ("POST /Microsoft-Server-ActiveSync HTTP/1.1", 404),
        ("POST /api/v2.0/me/sendmail HTTP/1.1", 404),
        ("POST /EWS/Exchange.asmx/../../owa/ HTTP/1.1", 404),
        ("POST /EWS/Exchange.asmx?x HTTP/1.1", 404),
        ("POST /EWS/%45xchange.asmx HTTP/1.1", 404),
        ("POST http://127.0.0.1/EWS/Exchange.asmx HTTP/1.1", 404),
        ("POST /EWS/Services.wsdl HTTP/1.1", 404),
        ("PUT /EWS/Exchange.asmx HTTP/1.1", 405),
        ("OPTIONS /EWS/Exchange.asmx HTTP/1.1", 405),
        ("TRACE /EWS/Exchange.asmx HTTP/1.1", 405),
        ("CONNECT exchange.test:443 HTTP/1.1", 405),
    ],
)
def test_everything_beside_the_accounts_endpoint_is_not_there(
    r: Rig, upstream: Upstream, start: str, status: int
) -> None:
    with r.client() as client:
        client.socket.sendall(client.head(len(FIND), start=start) + FIND)
        assert client.answer()[0] == status
        assert client.is_closed()
    assert upstream.asked == []


def test_the_description_next_to_the_endpoint_can_be_read(r: Rig, upstream: Upstream) -> None:
    upstream.answers.append(answered(b"<definitions/>"))
    with r.client() as client:
        client.socket.sendall(client.head(None, start="GET /ews/services.wsdl HTTP/1.1"))
        assert client.answer() == (200, b"<definitions/>")
    assert upstream.asked[0].head.target == b"/EWS/services.wsdl"


def test_the_endpoint_is_found_whatever_the_case_and_by_every_name_of_this_computer(r: Rig, upstream: Upstream) -> None:
    for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
        with r.client() as client:
            head = client.head(len(FIND), f"Host: {name}:{r.gate.port}", start=f"POST {PATH.lower()} HTTP/1.1")
            client.socket.sendall(head + FIND)
            assert client.answer()[0] == 200
    assert {each.head.target for each in upstream.asked} == {PATH.encode()}
    assert {each.first("host") for each in upstream.asked} == {upstream.url.split("/")[2]}


def test_a_redirect_that_would_lead_around_the_gate_is_not_passed_on(r: Rig, upstream: Upstream) -> None:
    upstream.answers.append(answered(b"", "302 Found", "Location: https://elsewhere.test/EWS/Exchange.asmx"))
    with r.client() as client:
        assert client.post(FIND)[0] == 502
        assert not any(name.lower() == b"location" for name, _ in client.fields)


@pytest.mark.parametrize(
    "first", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"EHLO x\r\n\r\n", b"GET / HTTP/1.1\nX\n\n"]
)
def test_what_is_no_http_gets_400_and_is_closed(r: Rig, upstream: Upstream, first: bytes) -> None:
    with r.client() as client:
        client.socket.sendall(first)
        assert client.answer()[0] == 400
        assert client.is_closed()
    assert upstream.connections == []


def test_a_second_request_hidden_in_a_body_stays_a_body(r: Rig, upstream: Upstream) -> None:
    hidden = FIND + b"<!--\r\n\r\nPOST /owa HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n-->"
    assert r.post(hidden)[0] == 200
    assert [each.body for each in upstream.asked] == [hidden]


def test_chunks_are_taken_apart_and_put_together_anew(r: Rig, upstream: Upstream) -> None:
    with r.client() as client:
        head = client.head(None, "Content-Type: text/xml", "Transfer-Encoding: chunked")
        pieces = [FIND[:10], FIND[10:11], FIND[11:]]
        chunks = b"".join(b"%x;x=y\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        client.socket.sendall(head + chunks + b"0\r\nTrailer: x\r\n\r\n")
        assert client.answer()[0] == 200
    assert upstream.asked[0].body == FIND
    assert upstream.asked[0].first("transfer-encoding") == "chunked"
    assert upstream.asked[0].first("trailer") == ""


def test_who_waits_to_be_told_to_go_on_is_told_so(r: Rig, upstream: Upstream) -> None:
    with r.client() as client:
        client.socket.sendall(client.head(len(FIND), "Expect: 100-continue"))
        assert client.socket.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.socket.sendall(FIND)
        assert client.answer()[0] == 200
    assert upstream.asked[0].first("expect") == ""


def test_one_client_too_many_is_told_so(r: Rig, upstream: Upstream) -> None:
    with contextlib.ExitStack() as open_:
        for _ in range(16):
            assert open_.enter_context(r.client()).post(FIND)[0] == 200
        with r.client() as client:
            client.socket.sendall(client.head(len(FIND)))
            assert client.answer()[0] == 503
    assert len(upstream.connections) == 16


def test_a_body_without_end_and_a_head_without_end_are_not_kept(r: Rig, upstream: Upstream) -> None:
    r.limits = type(r.limits)(message_octets=1_000_000)
    large = send_only(mime("x" * 3_000_000))
    status, said = r.post(large)
    assert status == 200
    assert b"larger than 1 MB" in said
    assert [each.detail for each in r.guard.activities] == ["gate_too_large"]
    assert b"CreateItemResponseMessage" in said
    assert upstream.asked == []


def test_a_port_that_is_taken_is_an_error_that_names_the_holder_and_never_another_port(r: Rig) -> None:
    second = EwsGate(r.account, r.guard.gatekeeper, Intake(r.account, Hook.EWS_GATE), SENTENCES)
    with pytest.raises(GateNotStarted) as raised:
        second.start()
    assert (raised.value.code, raised.value.port) == ("port_taken", r.gate.port)
    second.stop()
    assert r.gate.state is GateState.RUNNING


def test_a_gate_that_was_stopped_leaves_its_port_to_the_next(r: Rig) -> None:
    r.gate.stop()
    assert r.gate.state is GateState.STOPPED
    again = EwsGate(r.account, r.guard.gatekeeper, Intake(r.account, Hook.EWS_GATE), SENTENCES)
    again.start()
    assert r.post(FIND)[0] == 200
    again.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", r.gate.port), timeout=5)


@pytest.mark.logs("gate ended by ZeroDivisionError")
def test_a_gate_that_cannot_run_says_so_and_lets_nothing_pass(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    r.gate.stop()
    again = EwsGate(r.account, r.guard.gatekeeper, Intake(r.account, Hook.EWS_GATE), SENTENCES)
    monkeypatch.setattr(again, "_serve", fails)
    with pytest.raises(GateNotStarted) as raised:
        again.start()
    assert raised.value.code == "gate_failed"
    assert again.state is GateState.FAILED
    assert r.guard.activities[-1].detail == "gate_failed"
    again.stop()


def test_an_account_without_a_server_or_a_port_has_no_gate(r: Rig) -> None:
    import dataclasses

    for account in (dataclasses.replace(r.account, exchange=None), dataclasses.replace(r.account, ews_gate_port=0)):
        with pytest.raises(ValueError, match="needs"):
            EwsGate(account, r.guard.gatekeeper, Intake(account, Hook.EWS_GATE), SENTENCES)
