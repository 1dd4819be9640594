"""The add-on in a real Thunderbird: asked before anything leaves, and what is answered is done."""

from collections.abc import Iterator

import pytest

from sendguard.guard.ledger import State
from sendguard.guard.ports import Answer
from sendguard.mail.kind import Kind
from tests.features.addon_kit import AddonDesk, LongHold, add_list, desk_at, thunderbird_with_addon
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import wait_until
from tests.servers.thunderbird import Thunderbird

FORTY = [f"person-{number}@elsewhere.test" for number in range(1, 41)]


@pytest.fixture(scope="module")
def thunderbird() -> Iterator[Thunderbird]:
    with thunderbird_with_addon() as running:
        yield running


@pytest.fixture
def desk(thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix) -> Iterator[AddonDesk]:
    with desk_at(thunderbird, dovecot, postfix) as desk:
        desk.open_account()
        desk.start_guard()
        yield desk


def test_a_long_hold_begins_whose_end_test_thunderbird_long_hold_sees(long_hold: LongHold) -> None:
    assert not long_hold.desk.thunderbird.is_ready(long_hold.subject)
    assert long_hold.desk.arrived() == []


def test_a_message_nobody_has_to_be_asked_about_goes_out_at_once(desk: AddonDesk) -> None:
    desk.thunderbird.write(desk.colleague.address)
    desk.thunderbird.press_send()
    desk.thunderbird.wait_until_sent()
    assert len(desk.dovecot.wait_for_messages(desk.colleague, 1)) == 1
    desk.wait_for_state(State.SENT)
    assert desk.guard.asker.history == []


def test_a_new_message_to_a_list_that_is_refused_stays_open_with_its_text_and_can_be_edited(desk: AddonDesk) -> None:
    desk.thunderbird.write(desk.big, subject="Test", body="Please keep this")
    desk.thunderbird.press_send("Test")
    asked = desk.question().judgement
    assert (asked.audience.count.low, asked.submission.kind) == (850_112, Kind.NEW)
    assert desk.thunderbird.composed("Test")["locked"]
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready("Test")
    desk.thunderbird.type(window="Test", body="And more. ")
    composed = desk.thunderbird.composed("Test")
    assert "And more. Please keep this" in composed["body"]
    assert (composed["to"], composed["locked"]) == (desk.big, False)
    assert desk.arrived() == []
    assert [row.state for row in desk.rows()] == [State.REFUSED]


def test_a_message_that_is_allowed_is_delivered_once(desk: AddonDesk) -> None:
    desk.guard.directory.sizes[desk.colleague.address] = 850_112
    desk.thunderbird.write(desk.colleague.address, subject="Test")
    desk.thunderbird.press_send("Test")
    desk.answer(Answer.SEND)
    desk.thunderbird.wait_until_sent("Test")
    assert len(desk.dovecot.wait_for_messages(desk.colleague, 1)) == 1
    desk.wait_for_state(State.SENT)
    assert len(desk.arrived()) == 1
    assert len({question.id for question in desk.guard.asker.history}) == 1


def test_a_reply_to_all_with_forty_people_becomes_a_reply_to_the_sender(desk: AddonDesk) -> None:
    parent = desk.receive(f"{desk.me.address}, {', '.join(FORTY[:20])}", "forty@x.test", cc=", ".join(FORTY[20:]))
    desk.thunderbird.reply_all(parent)
    desk.thunderbird.press_send("Re: Lunch")
    asked = desk.question().judgement
    assert (asked.submission.kind, asked.audience.count.low) == (Kind.REPLY_ALL, 41)
    assert asked.submission.own_addresses >= {desk.me.address, desk.alias}
    desk.answer(Answer.REPLY_TO_SENDER)
    desk.thunderbird.wait_until_ready("Re: Lunch")
    composed = desk.thunderbird.composed("Re: Lunch")
    assert (composed["to"], composed["cc"], composed["bcc"]) == (desk.colleague.address, "", "")
    assert desk.arrived() == []
    desk.thunderbird.press_send("Re: Lunch")
    desk.thunderbird.wait_until_sent("Re: Lunch")
    [arrived] = desk.dovecot.wait_for_messages(desk.colleague, 1)
    assert b"In-Reply-To: <forty@x.test>" in arrived
    assert b"elsewhere.test" not in arrived.partition(b"\r\n\r\n")[0]


def test_a_reply_to_all_moves_those_who_see_each_other_to_bcc_and_keeps_whom_it_answers(desk: AddonDesk) -> None:
    parent = desk.receive(f"{desk.me.address}, {', '.join(FORTY[:20])}", "blind@x.test", cc=", ".join(FORTY[20:]))
    desk.thunderbird.reply_all(parent)
    desk.thunderbird.press_send("Re: Lunch")
    desk.answer(Answer.MOVE_TO_BCC)
    desk.thunderbird.wait_until_ready("Re: Lunch")
    composed = desk.thunderbird.composed("Re: Lunch")
    assert (desk.colleague.address in composed["to"], composed["cc"]) == (True, "")
    assert [address for address in FORTY if address not in composed["bcc"]] == []
    assert not any(address in composed["to"] for address in FORTY)
    desk.thunderbird.press_send("Re: Lunch")
    asked = desk.question().judgement
    assert asked.audience.count.low == 41
    assert not asked.submission.can_move_to_bcc
    desk.answer(Answer.SEND)
    desk.thunderbird.wait_until_sent("Re: Lunch")
    [arrived] = desk.dovecot.wait_for_messages(desk.colleague, 1)
    assert b"elsewhere.test" not in arrived.partition(b"\r\n\r\n")[0]


def test_a_reply_to_a_list_with_one_visible_address_is_counted_as_the_list(desk: AddonDesk) -> None:
    signs = f"List-Id: <big.lists.test>\r\nList-Post: <mailto:{desk.big}>\r\n"
    parent = desk.receive(desk.big, "list@x.test", more=signs)
    desk.thunderbird.answer(parent, "ReplyToList")
    desk.thunderbird.press_send("Re: Lunch")
    asked = desk.question().judgement
    assert (asked.submission.kind, asked.audience.typed) == (Kind.REPLY_LIST, 1)
    assert asked.submission.original is not None
    assert asked.submission.original.list_signs.list_id == "big.lists.test"
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready("Re: Lunch")
    assert desk.thunderbird.composed("Re: Lunch")["to"] == desk.big


@pytest.mark.parametrize(
    ("how", "subject", "kind"),
    [
        ("ForwardInline", "Fwd: Lunch", Kind.FORWARD),
        ("ForwardAsAttachment", "Fwd: Lunch", Kind.FORWARD),
        ("Redirect", "Lunch", Kind.REDIRECT),
    ],
)
def test_what_is_passed_on_is_held_as_what_it_is(desk: AddonDesk, how: str, subject: str, kind: Kind) -> None:
    parent = desk.receive(desk.me.address, f"{how.lower()}@x.test")
    desk.thunderbird.answer(parent, how)
    desk.thunderbird.type(window=subject, to=[desk.big])
    desk.thunderbird.press_send(subject)
    asked = desk.question().judgement
    assert (asked.submission.kind, asked.audience.count.low) == (kind, 850_112)
    assert not asked.submission.can_reply_to_sender
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready(subject)
    assert desk.thunderbird.composed(subject)["to"] == desk.big


def test_an_edited_draft_of_a_reply_is_still_a_reply(desk: AddonDesk) -> None:
    parent = desk.receive(f"{desk.me.address}, {', '.join(FORTY)}", "draft@x.test")
    desk.thunderbird.reply_all(parent)
    desk.thunderbird.save_draft("Re: Lunch")
    desk.thunderbird.close_composers()
    desk.thunderbird.edit_draft("Re: Lunch")
    desk.thunderbird.type(window="Re: Lunch", body="Changed. ")
    desk.thunderbird.press_send("Re: Lunch")
    asked = desk.question().judgement
    assert (asked.submission.kind, asked.audience.count.low) == (Kind.REPLY_ALL, 41)
    assert asked.submission.message.in_reply_to == "<draft@x.test>"
    desk.answer(Answer.REPLY_TO_SENDER)
    desk.thunderbird.wait_until_ready("Re: Lunch")
    composed = desk.thunderbird.composed("Re: Lunch")
    assert composed["to"] == desk.colleague.address
    assert "Changed." in composed["body"]


@pytest.mark.parametrize("description", ["", "the whole team"])
def test_a_list_of_the_address_book_is_opened(desk: AddonDesk, description: str) -> None:
    name = f"Crew{len(description)}"
    members = [desk.colleague.address, *(f"{name.lower()}-{number}@elsewhere.test" for number in range(150))]
    entry = add_list(desk.thunderbird, name, description, members)
    desk.thunderbird.write(entry, subject="Crew")
    desk.wait_for_line("reaches 151 people", "Crew")
    desk.thunderbird.press_send("Crew")
    asked = desk.question().judgement
    assert set(asked.submission.envelope.recipients) == set(members)
    assert (asked.audience.typed, asked.audience.count.low) == (1, 151)
    desk.answer(Answer.MOVE_TO_BCC)
    desk.thunderbird.wait_until_ready("Crew")
    composed = desk.thunderbird.composed("Crew")
    assert (composed["to"], name in composed["bcc"]) == ("", True)
    desk.thunderbird.press_send("Crew")
    desk.answer(Answer.SEND)
    desk.thunderbird.wait_until_sent("Crew")
    assert len(desk.dovecot.wait_for_messages(desk.colleague, 1)) == 1
    assert not desk.postfix.log_text().count(f"to=<{name}@")  # to the members, never to the name of the list


def test_each_identity_is_asked_for_by_its_own_name(desk: AddonDesk) -> None:
    for sender in (desk.me.address, desk.alias):
        subject = f"From {sender}"
        desk.thunderbird.write(desk.big, subject=subject, sender=sender)
        desk.thunderbird.press_send(subject)
        asked = desk.question().judgement.submission
        assert asked.envelope.originator == sender
        assert {desk.me.address, desk.alias} <= asked.originators
        desk.answer(Answer.DONT_SEND)
        desk.thunderbird.wait_until_ready(subject)


def test_three_windows_that_send_at_once_are_asked_about_one_after_the_other(desk: AddonDesk) -> None:
    for number in (1, 2, 3):
        desk.thunderbird.write(desk.big, desk.colleague.address, subject=f"Number {number}")
    for number in (1, 2, 3):
        desk.thunderbird.press_send(f"Number {number}")
    desk.guard.asker.wait_for(lambda screen: screen.waiting == 2, 20)
    for answer in (Answer.SEND, Answer.DONT_SEND, Answer.SEND):
        desk.answer(answer)
    desk.thunderbird.wait_until_sent("Number 1")
    desk.thunderbird.wait_until_ready("Number 2")
    desk.thunderbird.wait_until_sent("Number 3")
    arrived = desk.dovecot.wait_for_messages(desk.colleague, 2)
    assert sorted(b"Number 1" in each for each in arrived) == [False, True]


def test_the_line_follows_what_is_typed(desk: AddonDesk) -> None:
    desk.thunderbird.write(desk.colleague.address, subject="Line")
    desk.wait_for_line("reaches 1 person", "Line")
    desk.thunderbird.type(window="Line", cc=[desk.big])
    desk.wait_for_line("reaches 850,113 people", "Line")
    assert desk.guard.asker.history == []
    assert desk.rows() == []


def test_a_message_whose_window_is_closed_is_asked_about_no_more(desk: AddonDesk) -> None:
    desk.thunderbird.write(desk.big, subject="Gone")
    desk.thunderbird.press_send("Gone")
    desk.question()
    desk.thunderbird.close_composers()
    desk.wait_for_state(State.CANCELLED)
    assert desk.guard.asker.shown is None
    assert desk.arrived() == []


def test_a_send_its_person_breaks_off_at_thunderbirds_own_question_was_not_sent(desk: AddonDesk) -> None:
    desk.thunderbird.write(desk.big, subject="")
    desk.press_send("")
    desk.answer(Answer.SEND)
    desk.thunderbird.run(
        "const shown = () => dialog()?.document.getElementById('infoBody')?.textContent && dialog();"
        "const reminder = await until(shown, 'subject reminder');"
        "reminder.document.querySelector('dialog').cancelDialog(); await until(() => !dialog(), 'end of it');"
    )
    desk.wait_for_state(State.REFUSED)
    desk.thunderbird.wait_until_ready()
    desk.thunderbird.type(to=["one.more@elsewhere.test"])
    desk.wait_for_line("reaches 850,113 people")


def test_where_sendguard_does_not_run_the_message_stays_and_a_page_says_why(
    thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix
) -> None:
    with desk_at(thunderbird, dovecot, postfix) as desk:
        desk.open_account()
        desk.thunderbird.write(desk.colleague.address, subject="Alone")
        desk.wait_for_line("SendGuard is not running", "Alone")
        desk.thunderbird.press_send("Alone")
        said = desk.page()
        assert "not sent" in said
        assert "SendGuard is not running" in said
        assert "Start SendGuard" in said
        desk.thunderbird.wait_until_ready("Alone")
        desk.start_guard()
        desk.wait_for_line("reaches 1 person", "Alone")
        desk.thunderbird.press_send("Alone")
        desk.thunderbird.wait_until_sent("Alone")
        assert len(desk.dovecot.wait_for_messages(desk.colleague, 1)) == 1


def test_a_send_whose_guard_ends_while_it_asks_is_cancelled(
    thunderbird: Thunderbird, dovecot: Dovecot, postfix: Postfix
) -> None:
    with desk_at(thunderbird, dovecot, postfix) as desk:
        desk.open_account()
        gate = desk.start_guard()
        desk.thunderbird.write(desk.big, subject="Ended")
        desk.thunderbird.press_send("Ended")
        desk.question()
        gate.stop()
        assert "ended before it had an answer" in desk.page()
        desk.thunderbird.wait_until_ready("Ended")
        wait_until(lambda: desk.rows()[-1].state is State.CANCELLED, "cancelled row")
