"""Servers that answer what nobody asked for, too much of it, or without an end: never a hang, never believed."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from sendguard.exchange import stream
from sendguard.exchange.autodiscover import find_server
from sendguard.exchange.check import check_connection
from sendguard.exchange.session import Mailboxes
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.mailbox.errors import MailboxUnreachable
from sendguard.storage.secret import SessionSecrets
from tests.adapters.imap_rig import Passwords
from tests.servers.exchange import Exchange

ME = "me@example.test"
SOAP = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n"
DEEP = b"<a>" * 500_000
BOMB = b"<!DOCTYPE l [<!ENTITY a '" + b"a" * 50_000 + b"'>]><l>" + b"&a;" * 50_000 + b"</l>"
OUTSIDE = b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>'


class Talker:
    """A server that says the same to everybody, piece by piece, until the other end has had enough."""

    def __init__(self, pieces: Callable[[], Iterable[bytes]]) -> None:
        self._pieces = pieces
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/EWS/Exchange.asmx"
        self.asked = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Talker":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.asked += 1
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(65_536)
            for piece in self._pieces():
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65_536):  # else the rest of the request makes it a reset
                pass


def whole(body: bytes) -> Callable[[], list[bytes]]:
    return lambda: [SOAP + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body]


def endless() -> Iterator[bytes]:
    yield SOAP + b"\r\n<s:Envelope>"
    yield from itertools.repeat(b"x" * 65_536)


def one_by_one() -> Iterator[bytes]:
    yield SOAP + b"\r\n"
    for _ in range(3_000):
        time.sleep(0.01)  # an octet now and then: no silence is ever long
        yield b" "


def account(url: str) -> Account:
    return Account("work", (ME,), exchange=ExchangeServer(url, Login.BASIC, ME))


@pytest.mark.parametrize("body", [b"", b"<", b"<html><p>Hello", b"\0\xff", DEEP, BOMB, OUTSIDE, b"<a/>" * 9])
def test_what_is_no_answer_of_exchange_is_told_and_taken_for_none(body: bytes) -> None:
    with Talker(whole(body)) as talker:
        assert check_connection(account(talker.url), Passwords("x")) == "ews_protocol"


def test_an_answer_without_end_is_left_at_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.exchange.wire.MOST_OCTETS", 1_000_000)
    with Talker(endless) as talker:
        assert check_connection(account(talker.url), Passwords("x")) == "ews_connection"


def test_an_answer_that_comes_octet_by_octet_is_left_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.exchange.wire.LONGEST_SECONDS", 0.3)
    monkeypatch.setattr("requests.models.CONTENT_CHUNK_SIZE", 4)
    began = time.monotonic()
    with Talker(one_by_one) as talker:
        assert check_connection(account(talker.url), Passwords("x")) == "ews_timeout"
    assert time.monotonic() - began < 10


def test_the_search_for_a_server_has_an_end_whatever_the_servers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the proxy's head has one here."""
    monkeypatch.setattr("sendguard.exchange.autodiscover.SEARCH_SECONDS", 0.3)
    approved = frozenset({"autodiscover.example.test", "example.test"})
    began = time.monotonic()
    with Talker(lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.islice(one_by_one(), 1, None))) as talker:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{talker.port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(MailboxUnreachable, match="not_found"):
            find_server(Account("work", (ME,)), Login.BASIC, "", SessionSecrets(work="x"), approved)
        assert talker.asked
    assert time.monotonic() - began < 10


def test_what_is_not_encrypted_goes_past_every_proxy(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for this computer only, and a proxy elsewhere would see the password."""
    me = exchange.new_person()
    ours = Account("work", (me.address,), exchange=ExchangeServer(exchange.url, Login.BASIC, me.address))
    with Talker(whole(b"")) as proxy:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert check_connection(ours, Passwords(me.password)) == ""
        assert proxy.asked == 0


def test_news_without_end_is_left_at_a_limit_and_soon() -> None:
    pieces = iter(lambda: b"x", b"")
    began = time.monotonic()
    with pytest.raises(MailboxUnreachable, match="protocol"):
        list(stream._envelopes(pieces))
    assert time.monotonic() - began < 30


def test_news_are_told_apart_wherever_they_are_cut() -> None:
    said = b"<s:Envelope>1</s:Envelope>\r\n<Envelope>2</Envelope >  <a:Envelope>3</a:Envelope>"
    for size in (1, 2, 7, 19, len(said)):
        pieces = [said[start : start + size] for start in range(0, len(said), size)]
        assert [each.count(b"Envelope") for each in stream._envelopes(pieces)] == [2, 2, 2]


def test_a_stream_of_other_things_is_no_news() -> None:
    with (
        Talker(whole(b"<s:Envelope>&a;</s:Envelope>")) as talker,
        Mailboxes(account(talker.url), Passwords("x")).open() as s,
    ):
        heard = stream.hear(s, "subscription")
        assert next(heard).begins
        with pytest.raises(MailboxUnreachable, match="protocol"):
            next(heard)
