"""Connections: security, logins, folders, the traps of IDLE. Real servers, and a scripted one for what none does."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from sendguard.guard.account import Security, Server
from sendguard.imap.check import Checked, check_connection
from sendguard.imap.client import Pushed
from sendguard.imap.connection import Connection, Listed, since
from sendguard.imap.folders import Folders, full_name
from sendguard.mailbox.errors import CommandRefused, LoginRefused, MailboxUnreachable
from sendguard.mailbox.watching import PAUSES, pauses
from tests.adapters.imap_rig import Desk, mail
from tests.servers.certificates import CertificateAuthority
from tests.servers.dovecot import Dovecot, Person
from tests.servers.processes import free_port, wait_until


def plain(server: Dovecot, person: Person) -> Server:
    return Server("127.0.0.1", server.port, Security.PLAIN, person.address)


@pytest.fixture
def connection(dovecot: Dovecot, me: Person) -> Iterator[Connection]:
    with Connection.open(plain(dovecot, me), me.password) as connection:
        yield connection


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_verified_server_is_logged_in_to(
    dovecot: Dovecot, me: Person, certificate_authority: CertificateAuthority, security: Security
) -> None:
    port = dovecot.tls_port if security is Security.TLS else dovecot.port
    server = Server("localhost", port, security, me.address)
    with Connection.open(server, me.password, certificate_authority.client_context()) as connection:
        assert connection.can("IDLE")


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_server_nobody_vouches_for_never_sees_the_password(dovecot: Dovecot, me: Person, security: Security) -> None:
    port = dovecot.tls_port if security is Security.TLS else dovecot.port
    assert check_connection(Server("localhost", port, security, me.address), me.password).trouble == "certificate"


def test_a_server_without_starttls_is_not_spoken_to_in_plain(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot()
    person = server.new_person()
    account = Server("127.0.0.1", server.port, Security.STARTTLS, person.address)
    assert check_connection(account, person.password).trouble == "starttls_missing"


def test_a_wrong_password_and_a_closed_port_are_told_apart(dovecot: Dovecot, me: Person) -> None:
    assert check_connection(plain(dovecot, me), "wrong").trouble == "login_refused"
    nobody = Server("127.0.0.1", free_port(), Security.PLAIN, me.address)
    assert check_connection(nobody, "any").trouble == "connection"


def test_a_password_with_other_letters_is_logged_in_with(dovecot: Dovecot) -> None:
    person = dovecot.add_person("umlaut@example.test", "gehört sich so")
    assert check_connection(plain(dovecot, person), person.password).works


def test_what_a_good_server_can_is_not_missed(dovecot: Dovecot, me: Person) -> None:
    assert check_connection(plain(dovecot, me), me.password) == Checked()


def test_a_poor_server_works_too_and_says_what_it_lacks(new_dovecot: Callable[..., Dovecot]) -> None:
    server = new_dovecot(special_use=False, extra="protocol imap {\n  imap_capability = IMAP4rev1 LITERAL+\n}")
    person = server.new_person()
    found = check_connection(plain(server, person), person.password)
    assert found.works
    assert found.missing == ("IDLE", "MOVE", "UIDPLUS", "SPECIAL-USE")
    assert (found.no_drafts, found.no_sent) == (True, True)


def test_a_refused_command_has_a_code_and_no_words(connection: Connection) -> None:
    with pytest.raises(CommandRefused, match=r"^trycreate$"):
        connection.append("no such folder", mail())
    with pytest.raises(CommandRefused, match=r"^refused$"):
        connection.select("no such folder")
    assert connection.select("INBOX").uidvalidity


def test_a_message_that_has_gone_is_none(connection: Connection) -> None:
    connection.select("INBOX")
    assert connection.message(4711) is None
    assert connection.headers([4711]) == {}
    assert connection.sizes([4711]) == {}


def test_a_header_larger_than_the_cap_is_cut_off(connection: Connection) -> None:
    connection.append("INBOX", mail(more="X-Large: " + "x" * 900 + "\r\n" + " more\r\n" * 60_000))
    connection.select("INBOX")
    [header] = connection.headers(connection.uids()).values()
    assert len(header) == 256 * 1024 + 1


@pytest.mark.parametrize("capabilities", [{"UIDPLUS"}, set()])
def test_moving_without_move_keeps_other_deleted_messages(connection: Connection, capabilities: set[str]) -> None:
    for number in range(2):
        connection.append("INBOX", mail(subject=str(number)))
    connection.select("INBOX")
    mine, others = connection.uids()
    connection.add_flag(others, "Deleted")
    connection.capabilities = frozenset(capabilities)
    connection.move(mine, "Drafts")
    assert others in connection.uids()
    assert mine not in connection.uids("UNDELETED")
    connection.select("Drafts")
    assert len(connection.uids()) == 1


def test_without_uidplus_the_only_deleted_message_goes_at_once(connection: Connection) -> None:
    connection.append("INBOX", mail())
    connection.select("INBOX")
    connection.capabilities = frozenset()
    connection.remove(connection.uids()[0])
    assert not connection.uids()


def test_a_change_during_another_command_is_not_missed(dovecot: Dovecot, me: Person, connection: Connection) -> None:
    connection.select("INBOX")
    with Connection.open(plain(dovecot, me), me.password) as other:
        other.append("INBOX", mail())
    connection.uids()  # the answer to this carries the EXISTS, and IDLE will not say it again
    assert connection.wait() == Pushed(arrived=True)


def test_hanging_up_ends_a_wait(connection: Connection) -> None:
    connection.select("INBOX")
    raised: list[Exception] = []

    def wait() -> None:
        try:
            connection.wait()
        except MailboxUnreachable as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: connection._client._idle_tag, "IDLE")
    connection.hang_up()
    thread.join(5)
    assert raised


def test_folders_are_known_by_use_and_by_name(new_dovecot: Callable[..., Dovecot], connection: Connection) -> None:
    known = Folders.of(connection)
    assert (known.drafts, known.sent) == ("Drafts", "Sent")
    server = new_dovecot(special_use=False)
    person = server.new_person()
    with Connection.open(plain(server, person), person.password) as german:
        for name in ("Entwürfe", "Gesendete Elemente", "Archiv", "Projekt/Archiv", "Spam", "Verein"):
            german.create(name)
        found = Folders.of(german)
    assert (found.drafts, found.sent, found.archive) == ("Entwürfe", "Gesendete Elemente", "Archiv")
    assert set(found.others) >= {"Verein", "Projekt/Archiv"}
    assert "Spam" not in found.to_search()


@pytest.mark.parametrize(
    ("name", "prefix", "separator", "whole"),
    [
        ("Guarded Outbox", "", "/", "Guarded Outbox"),
        ("Guarded Outbox", "INBOX.", ".", "INBOX.Guarded Outbox"),
        ("INBOX.Guarded Outbox", "INBOX.", ".", "INBOX.INBOX_Guarded Outbox"),
        ("Post/Dr. Who", "INBOX.", ".", "INBOX.Post.Dr_ Who"),
    ],
)
def test_our_folder_has_the_servers_prefix_and_separator(name: str, prefix: str, separator: str, whole: str) -> None:
    assert full_name(name, prefix, separator) == whole


def test_an_outbox_under_the_prefix_of_its_server_is_sent_from(new_dovecot: Callable[..., Dovecot]) -> None:
    extra = "namespace inbox {\n  prefix = INBOX.\n  separator = .\n}"
    server = new_dovecot(special_use=False, extra=extra)
    server_separator = server.folder / "dovecot.conf"
    server.stop()
    text = server_separator.read_text().replace("  separator = /\n", "")
    server_separator.write_text(text)
    server.start()
    desk = Desk(server, server.new_person())
    with desk.outbox():
        desk.program.put(desk.mail(), "INBOX.Guarded Outbox")
        wait_until(lambda: desk.submitter.taken, "message")
        wait_until(lambda: desk.program.messages("INBOX.Sent"), "copy in a Sent folder made for it")
    desk.close()


def test_pauses_grow_to_five_minutes_and_stay_near() -> None:
    waits = pauses(lambda: 0.5)
    assert [next(waits) for _ in range(len(PAUSES) + 1)] == [*PAUSES, PAUSES[-1]]
    assert next(pauses(lambda: 1.0)) == pytest.approx(1.2)


def test_months_are_english_in_a_search() -> None:
    assert since(2026, 3, 9) == "SINCE 9-Mar-2026"


def test_a_folder_listed_without_a_separator_has_a_name() -> None:
    class One:
        def folders(self) -> tuple[Listed, ...]:
            return (Listed("INBOX", frozenset(), ""), Listed("Drafts", frozenset(), ""))

    assert Folders.of(One()).drafts == "Drafts"  # type: ignore[arg-type]


Script = Callable[[socket.socket], None]


@contextlib.contextmanager
def scripted(*answers: bytes, greeting: bytes = b"* OK ready\r\n") -> Iterator[Server]:
    """A server that greets, tells its capabilities, and answers each line it gets with the next of ``answers``.

    ``TAG`` becomes the client's tag.
    """
    replies = (b"* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK done\r\n", *answers)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                with peer, peer.makefile("rb") as lines:
                    peer.sendall(greeting)
                    if not greeting.startswith(b"* OK"):
                        return
                    tag = b""
                    for answer, line in zip(replies, lines, strict=False):
                        tag = tag if line.strip() == b"DONE" else line.split()[0]
                        peer.sendall(answer.replace(b"TAG", tag))

        thread = threading.Thread(target=serve)
        thread.start()
        yield Server("127.0.0.1", listener.getsockname()[1], Security.PLAIN, "me")
        thread.join(5)


LOGIN = b"TAG OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"
SELECT = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT 2]\r\nTAG OK [READ-ONLY] open\r\n"


def test_a_push_in_one_packet_with_the_answer_to_idle_is_seen_at_once() -> None:
    with (
        scripted(LOGIN, SELECT, b"+ idling\r\n* 2 EXISTS\r\n", b"TAG OK done\r\n", b"* BYE\r\nTAG OK\r\n") as server,
        Connection.open(server, "x") as connection,
    ):
        connection.select("INBOX", readonly=True)
        assert connection.wait() == Pushed(arrived=True)


@pytest.mark.parametrize("ending", [b"+ idling\r\n", b"+ idling\r\n* BYE shutting down\r\n"])
def test_a_server_that_ends_an_idle_has_ended_the_connection(ending: bytes) -> None:
    with scripted(LOGIN, SELECT, ending) as server, contextlib.closing(Connection.open(server, "x")) as connection:
        connection.select("INBOX", readonly=True)
        with pytest.raises(MailboxUnreachable) as ended:
            connection.wait()
    assert ended.value.why == "connection"


def test_after_a_sleep_of_the_computer_the_connection_is_not_believed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    walls = iter([0.0, 3600.0])
    clocks = SimpleNamespace(monotonic=time.monotonic, time=lambda: next(walls))
    monkeypatch.setattr("sendguard.imap.client.time", clocks)
    monkeypatch.setattr("sendguard.imap.client.LOOK_UP_EVERY", 0.1)
    with (
        scripted(LOGIN, SELECT, b"+ idling\r\n", b"") as server,
        contextlib.closing(Connection.open(server, "x")) as connection,
    ):
        connection.select("INBOX", readonly=True)
        with pytest.raises(MailboxUnreachable):
            connection.wait()
        connection.hang_up()


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (b"TAG NO [AUTHENTICATIONFAILED] me@x.test is unknown\r\n", LoginRefused, "authenticationfailed"),
        (b"TAG NO wrong\r\n", LoginRefused, "refused"),
        (b"TAG NO [UNAVAILABLE] later\r\n", MailboxUnreachable, "unavailable"),
        (b"* BYE overloaded\r\n", MailboxUnreachable, "closed"),
        (b"\x00garbage\r\n", MailboxUnreachable, "closed"),
    ],
)
def test_a_login_that_fails_says_whether_a_person_has_to_do_something(
    answer: bytes, error: type[Exception], why: str
) -> None:
    with scripted(answer) as server, pytest.raises(error) as raised:
        Connection.open(server, "x")
    assert str(raised.value) == why


def test_an_answer_the_library_cannot_read_ends_the_connection() -> None:
    fetch = b"* 1 FETCH (UID (\r\nTAG OK done\r\n"
    with scripted(LOGIN, SELECT, fetch) as server, contextlib.closing(Connection.open(server, "x")) as connection:
        connection.select("INBOX", readonly=True)
        with pytest.raises(MailboxUnreachable) as raised:
            connection.headers([1])
    assert raised.value.why in {"protocol", "closed"}


@pytest.mark.parametrize("greeting", [b"* BYE too many connections\r\n", b"220 smtp.example.test ESMTP\r\n", b""])
def test_a_server_that_does_not_greet_as_it_should_is_unreachable(greeting: bytes) -> None:
    with scripted(greeting=greeting) as server, pytest.raises(MailboxUnreachable):
        Connection.open(server, "x")
