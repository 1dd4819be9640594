"""Every form of sending that EWS has, by exchangelib through the gate to the test Exchange."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from exchangelib import NTLM, Account, Attendee, CalendarItem, FileAttachment, HTMLBody, Mailbox, Message
from exchangelib.errors import ErrorAccessDenied, ErrorStaleObject
from exchangelib.items import SEND_AND_SAVE_COPY, SEND_ONLY_TO_ALL, SEND_TO_ALL_AND_SAVE_COPY

from sendguard.audience.count import Basis
from sendguard.guard.ports import Answer, Question
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from tests.adapters.ews_gate_kit import FIND, ME, PASSWORD, Rig, boxes, message, mime, program, rig, send_only
from tests.servers.exchange import Exchange
from tests.servers.processes import wait_until

BEN = "ben@practice.test"
BIG = "big@lists.test"


@pytest.fixture
def exchange(new_exchange: Callable[..., Exchange]) -> Exchange:
    server = new_exchange()
    for address in (ME, BEN):
        server.add_person(address, PASSWORD)
    return server


@pytest.fixture
def r(exchange: Exchange) -> Iterator[Rig]:
    with rig(exchange.url) as made:
        yield made


@pytest.fixture
def ben(exchange: Exchange, box: Account) -> Iterator[Account]:
    """Ben writes past the gate."""
    with program(exchange.url, BEN) as made:
        yield made


def received(box: Account, ben: Account, *to: str, **fields: Any) -> Message:
    """A message of Ben's, as it lies in one's inbox."""
    message(ben, ME, *to, **fields).send()
    wait_until(lambda: box.inbox.all().count() > 0, seconds=10, what="mail")
    return box.inbox.all().order_by("-datetime_received")[0]


def approve(r: Rig, act: Callable[..., Any], *arguments: Any, **keywords: Any) -> Question:
    """Do it, see what is asked, and say yes."""
    doing = r.doing(act, *arguments, **keywords)
    question = r.guard.asker.question()
    r.answer()
    doing.result(10)
    return question


def recipients(question: Question) -> set[str]:
    return set(question.judgement.submission.envelope.recipients)


def test_a_question_knows_what_a_message_of_fields_says(r: Rig, box: Account, exchange: Exchange) -> None:
    new = message(
        box, BIG, subject="Grüße", body=HTMLBody("<p>see attached</p>"), cc_recipients=boxes(BEN),
        bcc_recipients=boxes("hidden@x.test"),
    )  # fmt: skip
    new.attach(FileAttachment(name="a.txt", content=b"x" * 100))
    question = approve(r, new.send)
    submission = question.judgement.submission
    assert recipients(question) == {BIG, BEN, "hidden@x.test"}
    assert submission.message.subject == "Grüße"
    assert [box.address for box in submission.message.bcc] == ["hidden@x.test"]
    assert submission.hook is Hook.EWS_GATE
    assert submission.envelope.originator == ME
    assert submission.kind is Kind.NEW
    assert len(exchange.submitted) == 1


def test_a_draft_is_saved_without_a_question_and_asked_about_when_it_is_sent(
    r: Rig, box: Account, exchange: Exchange
) -> None:
    draft = message(box, BIG, subject="later", body="Hello all", folder=box.drafts).save()
    assert r.states() == []
    question = approve(r, draft.send)
    assert recipients(question) == {BIG}
    assert question.judgement.submission.message.subject == "later"
    assert question.judgement.submission.message.body.own_words.strip() == "Hello all"
    assert len(exchange.submitted) == 1
    assert r.states() == ["sent"]


def test_a_draft_that_was_changed_meanwhile_is_not_sent(r: Rig, box: Account, exchange: Exchange) -> None:
    draft = message(box, BIG, folder=box.drafts).save()
    stale = draft.changekey
    draft.subject = "changed"
    draft.save(update_fields=["subject"])
    draft.changekey = stale
    with pytest.raises(ErrorStaleObject):
        draft.send()
    assert exchange.submitted == []
    assert r.states() == []


def test_a_draft_that_cannot_be_seen_is_asked_about_without_a_number(r: Rig, box: Account, exchange: Exchange) -> None:
    draft = message(box, BEN, folder=box.drafts).save()
    exchange.faults.error("GetItem", "ErrorAccessDenied")
    question = approve(r, draft.send)
    codes = {reason.code for reason in question.judgement.verdict.reasons}
    assert {"no_recipients", "unreadable"} <= codes
    assert len(exchange.submitted) == 1


def test_a_draft_whose_look_up_is_cut_off_is_asked_about_without_a_number_and_sent_once(
    r: Rig, box: Account, exchange: Exchange
) -> None:
    draft = message(box, BEN, folder=box.drafts).save()
    exchange.faults.cut_before("GetItem")
    question = approve(r, draft.send)
    assert recipients(question) == set()
    assert len(exchange.submitted) == 1


def test_an_ambiguous_send_is_unknown_and_not_sent_again(r: Rig, box: Account, exchange: Exchange) -> None:
    draft = message(box, BEN, folder=box.drafts).save()
    exchange.faults.ambiguous("SendItem", how="reset")
    with pytest.raises(ErrorAccessDenied, match="may have been sent, and may not"):
        draft.send()
    assert len(exchange.submitted) == 1
    assert r.states() == ["unknown"]


def test_a_reply_to_all_is_known_as_one_with_everybody_it_reaches(
    r: Rig, box: Account, ben: Account, exchange: Exchange
) -> None:
    original = received(box, ben, BIG, subject="news", cc_recipients=boxes("carl@x.test"))
    before = len(exchange.submitted)
    question = approve(r, original.reply_all, subject="Re: news", body="take me off")
    assert recipients(question) >= {BEN, BIG, "carl@x.test"}
    assert question.judgement.submission.kind is Kind.REPLY_ALL
    assert question.judgement.submission.original is not None
    assert len(exchange.submitted) == before + 1


def test_a_reply_to_the_sender_alone_needs_no_question(r: Rig, box: Account, ben: Account, exchange: Exchange) -> None:
    original = received(box, ben, BIG)
    original.reply(subject="Re: test", body="thanks")
    assert r.guard.asker.history == []
    assert exchange.submitted[-1].recipients == (BEN,)
    assert r.states() == ["sent"]


def test_a_reply_that_names_nobody_goes_where_its_original_says(
    r: Rig, box: Account, ben: Account, exchange: Exchange
) -> None:
    """What the server fills in, the gate fills in before it asks."""
    original = received(box, ben, BIG)
    before = len(exchange.submitted)
    reply = original.create_reply_all(subject="Re: test", body="me too", author=None)
    reply.to_recipients = reply.cc_recipients = reply.bcc_recipients = None
    question = approve(r, reply.send)
    assert recipients(question) >= {BEN, BIG}
    assert len(exchange.submitted) == before + 1


def test_a_forward_is_one(r: Rig, box: Account, ben: Account, exchange: Exchange) -> None:
    original = received(box, ben)
    question = approve(r, original.forward, subject="Fw: test", body="fyi", to_recipients=boxes(BIG))
    assert recipients(question) == {BIG}
    assert question.judgement.submission.kind is Kind.FORWARD


def meeting(box: Account, *people: str) -> CalendarItem:
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    return CalendarItem(
        account=box,
        folder=box.calendar,
        subject="meeting",
        start=start,
        end=start.replace(hour=10),
        required_attendees=[Attendee(mailbox=Mailbox(email_address=each), response_type="Unknown") for each in people]
        or None,
    )


def test_an_invitation_reaches_its_attendees(r: Rig, box: Account, exchange: Exchange) -> None:
    question = approve(r, meeting(box, BIG, BEN).save, send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    assert recipients(question) == {BIG, BEN}
    assert question.judgement.audience.count.basis is Basis.EXACT
    assert len(exchange.submitted) == 1


def test_an_appointment_of_ones_own_is_nobodys_business(r: Rig, box: Account, exchange: Exchange) -> None:
    meeting(box).save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    meeting(box, BIG).save()
    assert r.states() == []


def test_a_meeting_that_is_called_off_tells_its_attendees(r: Rig, box: Account, exchange: Exchange) -> None:
    planned = meeting(box, BIG).save()
    question = approve(r, planned.delete, send_meeting_cancellations=SEND_ONLY_TO_ALL)
    assert recipients(question) == {BIG}
    assert r.states() == ["sent"]


def test_a_changed_meeting_tells_those_it_had_and_those_it_has(r: Rig, box: Account, exchange: Exchange) -> None:
    planned = meeting(box, BIG).save()
    planned.required_attendees = [Attendee(mailbox=Mailbox(email_address=BEN), response_type="Unknown")]
    question = approve(
        r,
        planned.save,
        update_fields=["required_attendees"],
        send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY,
    )
    assert recipients(question) == {BIG, BEN}


def test_a_message_deleted_with_an_eye_on_meetings_asks_nothing(r: Rig, box: Account, exchange: Exchange) -> None:
    draft = message(box, BIG, folder=box.drafts).save()
    draft.delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)
    assert r.states() == []
    assert box.drafts.all().count() == 0


def test_several_messages_in_one_call_are_asked_about_one_by_one_and_go_together(
    r: Rig, box: Account, exchange: Exchange
) -> None:
    both = [message(box, BIG, subject="one"), message(box, "middle@lists.test", subject="two"), message(box, BEN)]
    sending = r.doing(box.bulk_create, box.sent, both, message_disposition=SEND_AND_SAVE_COPY)
    first = r.guard.asker.question()
    r.answer()
    r.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
    assert exchange.submitted == []
    r.answer()
    assert len(sending.result(10)) == 3
    assert len(exchange.submitted) == 3
    assert r.states() == ["sent", "sent", "sent"]


def test_one_message_refused_keeps_back_all_of_its_call(r: Rig, box: Account, exchange: Exchange) -> None:
    both = [message(box, BEN, subject="one"), message(box, BIG, subject="two")]
    sending = r.doing(box.bulk_create, box.sent, both, message_disposition=SEND_AND_SAVE_COPY)
    r.guard.asker.question()
    r.answer(Answer.DONT_SEND)
    with pytest.raises(ErrorAccessDenied, match="you chose so"):
        sending.result(10)
    assert exchange.submitted == []
    assert r.states() == ["refused"]


def test_the_octets_of_a_message_are_read_for_whom_it_reaches(r: Rig, box: Account, exchange: Exchange) -> None:
    raw = mime("Hello", to=BIG).replace(b"Subject:", b"Cc: carl@x.test\r\nSubject:")
    new = Message(account=box, mime_content=raw, bcc_recipients=boxes("hidden@x.test"))
    question = approve(r, new.send)
    assert recipients(question) == {BIG, "carl@x.test", "hidden@x.test"}


def test_events_stream_through_the_gate_as_they_happen(r: Rig, box: Account, ben: Account) -> None:
    subscription = box.inbox.subscribe_to_streaming()
    events = box.inbox.get_streaming_events(subscription, connection_timeout=1, max_notifications_returned=1)
    heard = r.doing(lambda: [event for note in events for event in note.events])
    wait_until(lambda: r.gate.clients > 0, seconds=10, what="a stream")
    message(ben, ME).send()
    assert heard.result(20)
    box.inbox.unsubscribe(subscription)


def test_the_answer_to_an_invitation_goes_to_its_organizer(
    r: Rig, box: Account, ben: Account, exchange: Exchange
) -> None:
    r.guard.directory.sizes[BEN] = 850_112
    meeting(ben, ME).save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    wait_until(lambda: box.inbox.all().count() > 0, seconds=10, what="an invitation")
    (invitation,) = box.inbox.all()
    for act in (invitation.accept, invitation.tentatively_accept, invitation.decline):
        question = approve(r, act, message_disposition=SEND_AND_SAVE_COPY)
        assert recipients(question) == {BEN}
        assert question.judgement.submission.kind is Kind.REPLY


def test_a_meeting_cancelled_with_a_message_tells_its_attendees(r: Rig, box: Account, exchange: Exchange) -> None:
    planned = meeting(box, BIG).save()
    question = approve(r, planned.cancel, new_body="no meeting")
    assert recipients(question) == {BIG}
    assert r.states() == ["sent"]


def test_a_draft_sent_by_an_update_is_asked_about_with_old_and_new_recipients(
    r: Rig, box: Account, exchange: Exchange
) -> None:
    draft = message(box, BIG, folder=box.drafts).save()
    draft.cc_recipients = boxes(BEN)
    items = [(draft, ["cc_recipients"])]
    question = approve(r, box.bulk_update, items, message_disposition=SEND_AND_SAVE_COPY)
    assert recipients(question) == {BIG, BEN}
    assert len(exchange.submitted) == 1


def test_ntlm_passes_through_and_logs_its_one_connection_in(new_exchange: Callable[..., Exchange]) -> None:
    exchange = new_exchange(schemes=("NTLM",))
    exchange.add_person(ME, PASSWORD)
    with rig(exchange.url) as r, program(r.url, auth_type=NTLM) as box:
        message(box, BEN).send()
        assert r.guard.asker.history == []
        question = approve(r, message(box, BIG).send)
        assert recipients(question) == {BIG}
        draft = message(box, BIG, folder=box.drafts, subject="draft").save()
        question = approve(r, draft.send)
        assert question.judgement.submission.message.subject == "draft"
        sending = r.doing(message(box, BIG).send)
        r.answer(Answer.DONT_SEND)
        with pytest.raises(ErrorAccessDenied, match="you chose so"):
            sending.result(10)
    assert len(exchange.submitted) == 3
    assert r.states() == ["sent", "sent", "sent", "refused"]


def test_a_bearer_token_passes_through_and_one_that_was_renewed_meanwhile_is_asked_for(
    new_exchange: Callable[..., Exchange],
) -> None:
    """As a program has it that logs in by OAuth: the token is said in every request."""
    exchange = new_exchange(schemes=("Bearer",))
    me = exchange.add_person(ME, PASSWORD)
    exchange.add_person(BEN, PASSWORD)
    with rig(exchange.url) as r, r.client() as client:
        login = f"Bearer {me.token}"
        assert client.post(FIND, login=login)[0] == 200
        assert client.post(send_only(mime(to=BEN)), login=login)[0] == 200
        sending = r.doing(client.post, send_only(mime(to=BIG)), login=login)
        assert recipients(r.guard.asker.question()) == {BIG}
        exchange.revoke_tokens()
        r.answer()
        assert sending.result(10)[0] == 401
        assert [each.recipients for each in exchange.submitted] == [(BEN,)]
        assert client.post(send_only(mime(to=BIG)), login=f"Bearer {exchange.new_token(me)}")[0] == 200
    assert [each.recipients for each in exchange.submitted] == [(BEN,), (BIG,)]
    assert len(r.guard.asker.history) == 1
