"""The guarded outbox over Exchange: what was approved is what leaves, once, and nothing else does."""

import time
from collections.abc import Callable, Iterator

import pytest

from sendguard.exchange.outbox_folder import EwsOutboxFolder
from sendguard.guard.gatekeeper import ANSWER_LIFETIME
from sendguard.guard.intake import Intake
from sendguard.guard.ledger import State
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.guard.ticket import NotApproved
from sendguard.mail.submission import Hook
from sendguard.mailbox.held import Held
from tests.adapters.ews_rig import ExchangeDesk, boxes
from tests.adapters.imap_rig import OUTBOX
from tests.fakes import FakeLedger
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person
from tests.servers.processes import wait_until

BIG = "big@lists.test"
UNTOLD = (State.SENT, "")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.mailbox.watching.PAUSES", (0.05,))
    monkeypatch.setattr("sendguard.mailbox.held.PAUSES", (0.1,))
    monkeypatch.setattr("sendguard.mailbox.sending.FILED_BY_SERVER_AFTER", 0.1)
    monkeypatch.setattr("sendguard.mailbox.sending.LOOK_AGAIN_AFTER", 0.2)
    monkeypatch.setattr("sendguard.mailbox.outbox.LOOK_EVERY", 0.3)


@pytest.fixture
def server(new_exchange: Callable[..., Exchange]) -> Exchange:
    return new_exchange()


@pytest.fixture
def desk(server: Exchange) -> Iterator[ExchangeDesk]:
    desk = ExchangeDesk(server, server.new_person())
    yield desk
    desk.close()


@pytest.fixture
def colleague(server: Exchange) -> Person:
    return server.new_person("colleague")


def answered(desk: ExchangeDesk, answer: Answer) -> None:
    question = desk.guard.asker.question()
    desk.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)


def states(desk: ExchangeDesk) -> list[tuple[State, str]]:
    assert isinstance(desk.guard.ledger, FakeLedger)
    return [(row.state, row.detail) for row in desk.guard.ledger.rows.values()]


def test_a_message_to_one_person_is_sent_and_lies_in_sent(desk: ExchangeDesk, colleague: Person) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=colleague.address))
        wait_until(lambda: desk.server.messages(colleague), "arrival")
        wait_until(lambda: desk.server.messages(desk.person, "sentitems"), "copy in Sent")
        wait_until(lambda: states(desk) == [UNTOLD], "entry in the ledger")
    assert desk.waiting() == []
    assert desk.troubles() == []


def test_the_folder_is_made_even_on_two_levels(server: Exchange) -> None:
    desk = ExchangeDesk(server, server.new_person(), outbox="Post/Guarded")
    with desk.outbox():
        desk.program.put(desk.mail(to="a@x.test"), "Post/Guarded")
        wait_until(lambda: server.submitted, "sending")
    desk.close()


def test_a_message_to_850112_people_is_held_until_the_number_is_typed(desk: ExchangeDesk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        assert not desk.server.submitted
        answered(desk, Answer.SEND)
        wait_until(lambda: desk.server.submitted, "sending")
    assert desk.server.submitted[0].recipients == (BIG,)


def test_blind_recipients_are_counted_and_reached(desk: ExchangeDesk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to="a@x.test", bcc=BIG))
        assert BIG in desk.guard.asker.question().judgement.submission.envelope.recipients
        answered(desk, Answer.SEND)
        wait_until(lambda: desk.server.submitted, "sending")
    assert set(desk.server.submitted[0].recipients) == {"a@x.test", BIG}
    assert b"big@" not in desk.server.submitted[0].mime


def test_dont_send_moves_it_back_to_drafts_and_is_not_warned_of(desk: ExchangeDesk) -> None:
    with desk.outbox(), desk.watch():
        desk.program.put(desk.mail(to=BIG))
        answered(desk, Answer.DONT_SEND)
        wait_until(lambda: desk.server.messages(desk.person, "drafts"), "draft")
        desk.program.save_draft(subject="After", to_recipients=boxes(BIG))
        warned = desk.wait_for(ActivityKind.WARNED)
    assert [each.judgement.submission.message.subject for each in warned if each.judgement] == ["After"]
    assert desk.waiting() == []
    assert not desk.server.submitted


def test_reply_to_the_sender_only_takes_everybody_else_out(desk: ExchangeDesk, colleague: Person) -> None:
    original = desk.mail(sender=colleague.address, to=desk.person.address, cc=BIG, message_id="<lunch@x.test>")
    desk.server.deliver(desk.person, original)
    with desk.outbox():
        reply = desk.mail(to=colleague.address, cc=BIG, subject="Re: Lunch", in_reply_to="<lunch@x.test>")
        desk.program.put(reply)
        assert desk.guard.asker.question().judgement.submission.can_reply_to_sender
        answered(desk, Answer.REPLY_TO_SENDER)
        wait_until(lambda: desk.server.submitted, "sending")
        wait_until(lambda: not desk.waiting(), "end")
    assert [each.recipients for each in desk.server.submitted] == [(colleague.address,)]


def test_an_open_question_keeps_no_other_message_waiting(desk: ExchangeDesk, colleague: Person) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        desk.program.put(desk.mail(to=colleague.address, message_id="<two@example.test>"))
        wait_until(lambda: desk.server.messages(colleague), "arrival")
    assert len(desk.waiting()) == 1


def test_taking_a_held_message_out_withdraws_its_question(desk: ExchangeDesk) -> None:
    with desk.outbox():
        held = desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        held.move(desk.program.box.drafts)
        wait_until(lambda: desk.guard.asker.shown is None, "end of the question")
    assert not desk.server.submitted


def test_an_edited_message_is_asked_about_anew_and_only_the_new_state_is_sent(desk: ExchangeDesk) -> None:
    with desk.outbox():
        held = desk.program.put(desk.mail(to=BIG))
        first = desk.guard.asker.question()
        held.subject = "Dinner"
        held.save(update_fields=["subject"])
        desk.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
        answered(desk, Answer.SEND)
        wait_until(lambda: desk.server.submitted, "sending")
    assert [b"Dinner" in each.mime for each in desk.server.submitted] == [True]


def test_a_change_between_answer_and_sending_is_refused_by_exchange_and_asked_about(desk: ExchangeDesk) -> None:
    with desk.outbox():
        held = desk.program.put(desk.mail(to=BIG))
        first = desk.guard.asker.question()
        desk.server.faults.error("SendItem", "ErrorStaleObject")
        held.subject = "Dinner"
        answered(desk, Answer.SEND)
        wait_until(lambda: desk.server.count_of("SendItem"), "try to send")
        held.save(update_fields=["subject"])
        second = desk.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
    assert second.judgement.submission.message.subject == "Dinner"
    assert not desk.server.submitted


def test_a_server_that_keeps_calling_a_message_stale_is_asked_now_and_then(
    desk: ExchangeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.mailbox.held.PAUSES", (0.3,))
    desk.server.faults.error("SendItem", "ErrorStaleObject", times=3)
    with desk.outbox():
        began = time.monotonic()
        desk.program.put(desk.mail(to="a@x.test"))
        wait_until(lambda: desk.server.submitted, "sending")
    assert time.monotonic() - began >= 0.9
    assert desk.server.count_of("SendItem") == 4


@pytest.mark.parametrize("how", ["no_answer", "reset", "wrong_element"])
def test_an_ambiguous_send_is_looked_up_and_never_sent_again_by_itself(
    desk: ExchangeDesk, colleague: Person, how: str
) -> None:
    desk.server.faults.ambiguous("SendItem", how=how)  # type: ignore[arg-type]
    with desk.outbox():
        desk.program.put(desk.mail(to=colleague.address))
        wait_until(lambda: states(desk) == [(State.SENT, "found_in_sent")], "finding it in Sent")
    assert len(desk.server.messages(colleague)) == 1
    assert desk.server.count_of("SendItem") == 1


def test_a_send_cut_before_it_was_heard_stays_unknown_until_its_person_says(
    desk: ExchangeDesk, colleague: Person
) -> None:
    desk.server.faults.cut_before("SendItem")
    with desk.outbox():
        desk.program.put(desk.mail(to=colleague.address))
        [unknown] = desk.wait_for(ActivityKind.UNKNOWN)
        assert unknown.record is not None
        assert len(desk.waiting()) == 1
        desk.guard.gatekeeper.settle(unknown.record.id, was_sent=False, detail="person")
        wait_until(lambda: desk.server.messages(colleague), "arrival")
        wait_until(lambda: not desk.waiting(), "end")
    assert len(desk.server.messages(colleague)) == 1


def test_what_exchange_refuses_for_good_goes_back_to_drafts(desk: ExchangeDesk) -> None:
    desk.server.faults.error("SendItem", "ErrorSendAsDenied")
    with desk.outbox():
        desk.program.put(desk.mail(to="a@x.test"))
        wait_until(lambda: desk.server.messages(desk.person, "drafts"), "draft")
    assert states(desk) == [(State.REFUSED, "upstream_550")]
    assert desk.waiting() == []


def test_a_busy_server_is_tried_again_without_another_question(desk: ExchangeDesk) -> None:
    desk.server.faults.busy("SendItem", back_off_ms=50)
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        answered(desk, Answer.SEND)
        wait_until(lambda: desk.server.submitted, "sending")
    assert len({question.id for question in desk.guard.asker.history}) == 1


def test_an_approval_older_than_ten_minutes_is_asked_for_again(desk: ExchangeDesk) -> None:
    with desk.outbox():
        desk.server.faults.busy("FindItem", times=3)
        desk.program.put(desk.mail(to=BIG))
        first = desk.guard.asker.question()
        desk.server.faults.busy("GetFolder", times=6)
        answered(desk, Answer.SEND)
        desk.guard.clock.move(seconds=ANSWER_LIFETIME.total_seconds() + 1)
        second = desk.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
    assert second.judgement.submission.envelope.recipients == (BIG,)
    assert not desk.server.submitted


def test_a_message_from_somebody_else_goes_back_to_drafts_unsent(desk: ExchangeDesk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(sender="boss@x.test", to="a@x.test"))
        wait_until(lambda: desk.server.messages(desk.person, "drafts"), "draft")
    assert desk.troubles() == ["outbox_foreign_sender"]
    assert not desk.server.submitted


def test_a_message_that_is_too_large_goes_back_to_drafts(desk: ExchangeDesk) -> None:
    with desk.outbox(max_size=1000):
        desk.program.put(desk.mail(to="a@x.test", body="x" * 5000))
        wait_until(lambda: desk.server.messages(desk.person, "drafts"), "draft")
    assert desk.troubles() == ["outbox_too_large"]


def test_a_full_ledger_lets_nothing_out(desk: ExchangeDesk) -> None:
    assert isinstance(desk.guard.ledger, FakeLedger)
    desk.guard.ledger.full = True
    with desk.outbox():
        desk.program.put(desk.mail(to="a@x.test"))
        wait_until(lambda: "ledger_failed" in desk.troubles(), "word of it")
        assert not desk.server.submitted
        desk.guard.ledger.full = False
        wait_until(lambda: desk.server.submitted, "sending")


def test_a_message_written_in_fields_is_sent_as_it_is(desk: ExchangeDesk, colleague: Person) -> None:
    with desk.outbox():
        draft = desk.program.save_draft(subject="Lunch", body="Hi", to_recipients=boxes(colleague.address))
        draft.move(desk.program.folder(OUTBOX))
        wait_until(lambda: desk.server.messages(colleague), "arrival")
    assert len(desk.server.messages(colleague)) == 1


def test_stopping_withdraws_the_questions_and_leaves_the_mail(desk: ExchangeDesk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
    assert desk.guard.asker.shown is None
    assert len(desk.waiting()) == 1


def test_a_password_that_has_changed_is_tried_once_though_a_message_is_held(desk: ExchangeDesk) -> None:
    """Servers lock accounts whose password is tried too often; the other two tries are the watch's and the stream's."""
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        desk.passwords.known = "wrong"
        desk.server.notifications.drop_streams()
        answered(desk, Answer.SEND)
        with pytest.raises(TimeoutError):
            wait_until(lambda: desk.server.turned_away > 3, "more tries", seconds=2)
    assert not desk.server.submitted


def test_only_the_state_that_was_read_can_be_sent(desk: ExchangeDesk) -> None:
    held = desk.program.put(desk.mail(to="a@x.test"))
    began: list[bool] = []
    with desk.mailboxes.open() as session:
        folder = EwsOutboxFolder(session, OUTBOX)
        [key] = folder.keys()
        stored = folder.read(key)
        assert stored is not None
        held.subject = "Dinner"
        held.save(update_fields=["subject"])
        assert folder.read(key) is None
        submission = Intake(desk.account, Hook.EWS_OUTBOX).submission(stored.raw, token=stored.token)
        with pytest.raises(NotApproved):
            folder.send(Held(key, submission), stored, lambda: began.append(True))
        assert began == [True]
        assert not desk.server.submitted
        [newer] = folder.keys()
        assert folder.read(newer) is not None
