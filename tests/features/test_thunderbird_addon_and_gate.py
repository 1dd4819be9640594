"""The add-on and the SMTP gate in one message's way: its person is asked once, and never less than once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sendguard.exchange.gate.gate import EwsGate
from sendguard.gate.limits import GateLimits
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import State
from sendguard.guard.ports import Answer
from sendguard.mail.submission import Hook
from tests.features.addon_kit import SENTENCES, AddonDesk, add_list, attach, desk_at, thunderbird_with_addon, write_html
from tests.servers.dovecot import Dovecot
from tests.servers.exchange import Exchange
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder
from tests.servers.thunderbird import Thunderbird

FORMATTED = (
    '<p>Hello <b>bold</b> and <i>italic</i> &amp; <a href="https://x.test/?a=1&amp;b=2">a link</a>, www.x.test/a</p>'
    "<ul><li>one</li><li>two 1.5&nbsp;mg</li></ul><table border=1><tr><td>a</td><td>b</td></tr></table>"
    f"<p>{'A long line of words that is wrapped as it is sent, because it is very long indeed. ' * 6}</p>"
    "<p>Emoji 😀 — ümlaut ß 漢字漢字</p>"
)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = f'<img alt="logo" src="data:image/png;base64,{PNG}">'


@pytest.fixture(scope="module")
def thunderbird() -> Iterator[Thunderbird]:
    with thunderbird_with_addon() as running:
        yield running


@pytest.fixture
def desk(thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix) -> Iterator[AddonDesk]:
    with desk_at(thunderbird, dovecot, postfix) as desk:
        desk.open_account(desk.start_smtp_gate())
        desk.start_guard()
        yield desk


@pytest.fixture
def files() -> Iterator[list[Path]]:
    with server_folder("files") as folder:
        (folder / "a.txt").write_text("line one\nline two ü\n" * 10)
        (folder / "b.bin").write_bytes(bytes(range(256)) * 100)
        (folder / "c.eml").write_bytes(b"From: a@b.test\r\nSubject: =?utf-8?Q?=C3=BC?=\r\n\r\nHello\r\n")
        yield sorted(folder.iterdir())


def is_asked_once(desk: AddonDesk, subject: str) -> None:
    desk.thunderbird.press_send(subject)
    desk.answer(Answer.SEND)
    desk.thunderbird.wait_until_sent(subject)
    desk.wait_for_state(State.SENT, Hook.SMTP_GATE)
    desk.wait_for_state(State.SENT, Hook.THUNDERBIRD)
    assert len({question.id for question in desk.guard.asker.history}) == 1


@pytest.mark.parametrize(
    "body",
    [
        "Two\nlines — ümlaut 1.5 mg",
        f"> a quoted line\n> another {'very long ' * 20}\n\nFrom here\n indented\n-- \nsignature\n",
        "漢字" * 100,
    ],
)
def test_plain_text_is_asked_about_once(desk: AddonDesk, body: str) -> None:
    desk.thunderbird.write(desk.big, desk.colleague.address, subject="Once", body=body, bcc=["hidden@elsewhere.test"])
    is_asked_once(desk, "Once")
    assert len(desk.dovecot.wait_for_messages(desk.colleague, 1)) == 1


@pytest.mark.parametrize(
    "body", [FORMATTED, f"{FORMATTED}{PICTURE}", "<p>just words, me@x.test and http://z.test/</p>"]
)
def test_formatted_text_is_asked_about_once(desk: AddonDesk, body: str) -> None:
    write_html(desk.thunderbird, desk.big, "Once", body)
    is_asked_once(desk, "Once")


def test_with_attachments_it_is_asked_about_once(desk: AddonDesk, files: list[Path]) -> None:
    write_html(desk.thunderbird, desk.big, "Once", FORMATTED)
    attach(desk.thunderbird, "Once", files)
    is_asked_once(desk, "Once")


@pytest.mark.parametrize(
    ("how", "subject"),
    [("ReplyAll", "Re: Lunch"), ("ForwardInline", "Fwd: Lunch"), ("ForwardAsAttachment", "Fwd: Lunch"),
     ("Redirect", "Lunch")],
)  # fmt: skip
def test_what_answers_or_passes_on_another_is_asked_about_once(desk: AddonDesk, how: str, subject: str) -> None:
    parent = desk.receive(f"{desk.me.address}, {desk.big}", f"{how.lower()}@y.test")
    desk.thunderbird.answer(parent, how)
    if how == "ReplyAll":
        desk.thunderbird.type(window=subject, body="My own words")
    else:
        desk.thunderbird.type(window=subject, to=[desk.big])
    is_asked_once(desk, subject)


def test_an_edited_draft_is_asked_about_once(desk: AddonDesk) -> None:
    parent = desk.receive(f"{desk.me.address}, {desk.big}", "draft@y.test")
    desk.thunderbird.reply_all(parent)
    desk.thunderbird.save_draft("Re: Lunch")
    desk.thunderbird.close_composers()
    desk.thunderbird.edit_draft("Re: Lunch")
    desk.thunderbird.type(window="Re: Lunch", body="Changed. ")
    is_asked_once(desk, "Re: Lunch")


def test_a_list_of_the_address_book_is_asked_about_once(desk: AddonDesk) -> None:
    members = [f"member-{number}@elsewhere.test" for number in range(150)]
    entry = add_list(desk.thunderbird, "Once", "the whole team", members)
    subject = " ".join(['Ümläut "quoted"'] * 10)
    desk.thunderbird.write(entry, subject=subject)
    is_asked_once(desk, subject)


@pytest.mark.parametrize("body", ["Plain words, 1.5 mg", FORMATTED])
def test_through_the_exchange_gate_it_is_asked_about_once(
    thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix, new_exchange: Callable[..., Exchange], body: str
) -> None:
    server = new_exchange()
    me = server.new_person("me")
    with desk_at(thunderbird, dovecot, postfix) as desk:
        upstream = ExchangeServer(server.url, Login.BASIC, me.address)
        account = Account("exchange", (me.address,), exchange=upstream, ews_gate_port=choose_port())
        gate = EwsGate(account, desk.guard.gatekeeper, Intake(account, Hook.EWS_GATE), SENTENCES, GateLimits)
        gate.start()
        desk.closing.callback(gate.stop)
        desk.accounts = (account,)
        desk.start_guard()
        thunderbird.add_exchange(f"http://127.0.0.1:{gate.port}/EWS/Exchange.asmx", me)
        write_html(thunderbird, desk.big, "Once", body)
        thunderbird.press_send("Once")
        desk.answer(Answer.SEND)
        thunderbird.wait_until_sent("Once")
        desk.wait_for_state(State.SENT, Hook.EWS_GATE)
        assert len({question.id for question in desk.guard.asker.history}) == 1
        assert [each.recipients for each in server.submitted] == [(desk.big,)]


def test_what_was_approved_in_one_window_covers_no_other(desk: AddonDesk) -> None:
    desk.thunderbird.write(desk.big, subject="One", body="The approved text")
    desk.thunderbird.press_send("One")
    desk.answer(Answer.SEND)
    desk.thunderbird.wait_until_sent("One")
    desk.wait_for_state(State.SENT, Hook.SMTP_GATE)
    desk.thunderbird.write(desk.big, subject="One", body="The approved text")
    desk.thunderbird.press_send("One")
    assert desk.question().judgement.submission.hook is Hook.THUNDERBIRD
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready("One")


def test_a_server_that_refuses_for_now_costs_no_second_answer(desk: AddonDesk) -> None:
    later = f"later-{desk.me.address}"
    desk.guard.directory.sizes[later] = 850_112
    desk.thunderbird.write(later, subject="Later")
    desk.thunderbird.press_send("Later")
    desk.answer(Answer.SEND)
    assert "Try again in a while" in desk.thunderbird.alert("Later")
    desk.wait_for_state(State.REFUSED)
    desk.thunderbird.press_send("Later")
    desk.thunderbird.alert("Later")
    assert len({question.id for question in desk.guard.asker.history}) == 1
    desk.thunderbird.type(window="Later", body="Another text. ")
    desk.thunderbird.press_send("Later")
    desk.question()
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready("Later")
