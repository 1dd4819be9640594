"""The guarded outbox, on a real Dovecot; the upstream is a fake but for the last tests."""

from collections.abc import Callable, Iterator

import pytest

from sendguard.guard.ledger import State
from sendguard.guard.ports import ActivityKind, Answer, ReplyLost, SubmissionRefused, UpstreamUnreachable
from tests.adapters.imap_rig import OUTBOX, Desk, FakeSubmitter, MailProgram
from tests.fakes import Guard
from tests.servers.dovecot import Dovecot, Person
from tests.servers.processes import wait_until

BIG = "big@lists.test"


@pytest.fixture
def desk(dovecot: Dovecot, me: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("sendguard.mailbox.sending.FILED_BY_SERVER_AFTER", 0.1)
    monkeypatch.setattr("sendguard.mailbox.sending.LOOK_AGAIN_AFTER", 0.1)
    monkeypatch.setattr("sendguard.mailbox.held.PAUSES", (0.1,))
    monkeypatch.setattr("sendguard.mailbox.outbox.LOOK_EVERY", 0.3)
    desk = Desk(dovecot, me)
    yield desk
    desk.close()


def is_empty(desk: Desk) -> None:
    wait_until(lambda: not desk.program.messages(OUTBOX), "empty outbox")


def files_in_sent(desk: Desk) -> Callable[[bytes], None]:
    """As some servers do with what they send."""

    def file(raw: bytes) -> None:
        program = MailProgram(desk.server, desk.person)
        program.put(raw, "Sent", (b"\\Seen",))
        program.close()

    return file


def test_a_message_to_one_person_is_sent_filed_and_taken_out(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(bcc="hidden@example.test", more="X-Mozilla-Draft-Info: internal/draft\r\n"))
        is_empty(desk)
    [(raw, originator, recipients)] = desk.submitter.taken
    assert b"Bcc" not in raw
    assert b"X-Mozilla-Draft-Info" not in raw
    assert originator == desk.person.address
    assert recipients == ("someone@example.test", "hidden@example.test")
    [(filed, flags)] = desk.program.messages("Sent").values()
    assert b"Bcc: hidden@example.test" in filed
    assert b"X-Mozilla-Draft-Info" not in filed
    assert b"\\Seen" in flags
    assert [row.state for row in desk.guard.ledger.history()] == [State.SENT]


def test_the_folder_is_made_and_subscribed(desk: Desk) -> None:
    with desk.outbox():
        subscribed = [name for _, _, name in desk.program.client.list_sub_folders()]
    assert OUTBOX in subscribed


def test_a_message_to_850112_people_is_held_until_the_number_is_typed(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        question = desk.guard.asker.question()
        assert not desk.submitter.taken
        desk.guard.gatekeeper.answer(question.id, Answer.SEND, "850112")
        is_empty(desk)
    assert len(desk.submitter.taken) == 1
    assert len(desk.program.messages("Sent")) == 1


def test_dont_send_moves_it_back_to_drafts(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.gatekeeper.answer(desk.guard.asker.question().id, Answer.DONT_SEND)
        is_empty(desk)
    [(raw, flags)] = desk.program.messages("Drafts").values()
    assert raw == desk.mail(to=BIG)
    assert b"\\Draft" in flags
    assert not desk.submitter.taken


def test_what_was_moved_back_is_not_warned_about_as_a_new_draft(desk: Desk) -> None:
    with desk.watch(), desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.gatekeeper.answer(desk.guard.asker.question().id, Answer.DONT_SEND)
        is_empty(desk)
        judged = len(desk.guard.directory.asked)
        wait_until(lambda: len(desk.guard.directory.asked) > judged or desk.activities(ActivityKind.WARNED), "watch")
    assert not desk.activities(ActivityKind.WARNED)


def test_reply_to_the_sender_only_takes_everybody_else_out(desk: Desk) -> None:
    original = desk.mail(sender="Boss <boss@example.test>", to=f"{desk.person.address}, {BIG}", message_id="<q@x.test>")
    desk.program.put(original, "INBOX")
    with desk.outbox():
        desk.program.put(desk.mail(to="boss@example.test", cc=BIG, bcc="third@x.test", in_reply_to="<q@x.test>"))
        question = desk.guard.asker.question()
        assert question.judgement.submission.can_reply_to_sender
        desk.guard.gatekeeper.answer(question.id, Answer.REPLY_TO_SENDER)
        is_empty(desk)
    [(raw, _, recipients)] = desk.submitter.taken
    assert recipients == ("boss@example.test",)
    assert b"big@lists" not in raw
    assert b"third@x.test" not in raw
    [(_, flags)] = desk.program.messages("INBOX").values()
    assert b"\\Answered" in flags


def test_an_open_question_keeps_no_other_message_waiting(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        desk.program.put(desk.mail(to=BIG, subject="Second", message_id="<two@example.test>"))
        desk.guard.asker.wait_for(lambda screen: screen.waiting == 1)
        desk.program.put(desk.mail(subject="Small", message_id="<three@example.test>"))
        wait_until(lambda: desk.submitter.taken, "the small one")
        assert len(desk.guard.gatekeeper.waiting()) == 2


def test_taking_a_held_message_out_withdraws_its_question(desk: Desk) -> None:
    with desk.outbox():
        uid = desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        desk.program.delete(uid)
        wait_until(lambda: desk.guard.asker.shown is None, "withdrawn question")
    assert desk.guard.ledger.history()[0].state is State.CANCELLED


def test_marking_a_held_message_deleted_withdraws_its_question_too(desk: Desk) -> None:
    with desk.outbox():
        uid = desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        desk.program.client.select_folder(OUTBOX)
        desk.program.client.add_flags([uid], [b"\\Deleted"])
        desk.program.put(desk.mail(message_id="<other@example.test>"))
        wait_until(lambda: desk.guard.asker.shown is None, "withdrawn question")


def test_an_edited_message_is_asked_about_anew_and_only_the_new_text_is_sent(desk: Desk) -> None:
    with desk.outbox():
        uid = desk.program.put(desk.mail(to=BIG, body="first\r\n"))
        first = desk.guard.asker.question()
        desk.program.save_draft(desk.mail(to=BIG, message_id="<b@x.test>", body="second\r\n"), uid, OUTBOX)
        second = desk.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
        desk.guard.gatekeeper.answer(second.id, Answer.SEND, "850112")
        is_empty(desk)
    [(raw, _, _)] = desk.submitter.taken
    assert raw.endswith(b"second\r\n")


def test_a_message_from_somebody_else_goes_back_to_drafts_unsent(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(sender="stranger@example.test"))
        is_empty(desk)
    assert desk.troubles() == ["outbox_foreign_sender"]
    assert len(desk.program.messages("Drafts")) == 1
    assert not desk.submitter.taken


def test_a_message_that_is_too_large_goes_back_to_drafts(desk: Desk) -> None:
    with desk.outbox(max_size=2000):
        desk.program.put(desk.mail(body="x" * 3000))
        is_empty(desk)
    assert desk.troubles() == ["outbox_too_large"]
    assert len(desk.program.messages("Drafts")) == 1


def test_what_upstream_refuses_for_good_goes_back_to_drafts(desk: Desk) -> None:
    desk.submitter.fails = [SubmissionRefused(550, "no such user")]
    with desk.outbox():
        desk.program.put(desk.mail())
        is_empty(desk)
    assert len(desk.program.messages("Drafts")) == 1
    [record] = desk.guard.ledger.history()
    assert (record.state, record.detail) == (State.REFUSED, "upstream_550")
    assert desk.activities(ActivityKind.REFUSED)


def test_what_upstream_puts_off_is_tried_again_without_another_question(desk: Desk) -> None:
    desk.submitter.fails = [SubmissionRefused(451, "later"), SubmissionRefused(451, "later")]
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.gatekeeper.answer(desk.guard.asker.question().id, Answer.SEND, "850112")
        is_empty(desk)
    assert len(desk.submitter.taken) == 1
    assert len({question.id for question in desk.guard.asker.history}) == 1
    assert desk.troubles() == ["outbox_waits"]


def test_an_unreachable_upstream_is_tried_again(desk: Desk) -> None:
    desk.submitter.unbegun = [UpstreamUnreachable("unreachable")] * 3
    with desk.outbox():
        desk.program.put(desk.mail())
        is_empty(desk)
    assert len(desk.submitter.taken) == 1


def test_an_approval_older_than_ten_minutes_is_asked_for_again(desk: Desk) -> None:
    desk.submitter.unbegun = [UpstreamUnreachable("unreachable")]
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        first = desk.guard.asker.question()
        desk.guard.gatekeeper.answer(first.id, Answer.SEND, "850112")
        desk.guard.clock.move(minutes=11)
        again = desk.guard.asker.wait_for(lambda screen: screen.shown is not None and screen.shown.id != first.id)
        assert not desk.submitter.taken
        desk.guard.gatekeeper.answer(again.id, Answer.SEND, "850112")
        is_empty(desk)
    assert len(desk.submitter.taken) == 1


def test_a_lost_reply_leaves_the_message_there_and_is_never_sent_again_by_itself(desk: Desk) -> None:
    desk.submitter.fails = [ReplyLost()]
    with desk.outbox():
        desk.program.put(desk.mail())
        desk.wait_for(ActivityKind.UNKNOWN)
        desk.program.put(desk.mail(message_id="<another@example.test>", subject="Another"))
        wait_until(lambda: len(desk.submitter.taken) == 1, "the other one")
        wait_until(lambda: len(desk.program.messages(OUTBOX)) == 1, "one left")
    assert b"Another" in desk.submitter.taken[0][0]
    assert [row.state for row in desk.guard.ledger.in_states(State.UNKNOWN)] == [State.UNKNOWN]


def test_after_a_restart_a_message_that_may_have_been_sent_is_asked_about(desk: Desk) -> None:
    desk.submitter.fails = [ReplyLost()]
    with desk.outbox():
        desk.program.put(desk.mail())
        desk.wait_for(ActivityKind.UNKNOWN)
    desk.guard.gatekeeper.recover()
    with desk.outbox():
        question = desk.guard.asker.question()
        assert "possibly_sent" in [reason.code for reason in question.judgement.verdict.reasons]
        desk.guard.gatekeeper.answer(question.id, Answer.DONT_SEND)
        is_empty(desk)
    assert not desk.submitter.taken


def test_a_lost_reply_is_settled_when_the_server_has_filed_the_message_itself(desk: Desk) -> None:
    desk.submitter.meanwhile = files_in_sent(desk)
    desk.submitter.fails = [ReplyLost()]
    with desk.outbox():
        desk.program.put(desk.mail())
        is_empty(desk)
    assert desk.guard.ledger.history()[0].state is State.SENT
    assert len(desk.program.messages("Sent")) == 1


def test_a_copy_sent_earlier_does_not_prove_that_a_lost_one_was_sent(desk: Desk) -> None:
    desk.program.put(desk.mail(), "Sent", (b"\\Seen",))
    desk.submitter.fails = [ReplyLost()]
    with desk.outbox():
        desk.program.put(desk.mail())
        desk.wait_for(ActivityKind.UNKNOWN)
        desk.program.put(desk.mail(sender="stranger@example.test"))
        wait_until(lambda: desk.troubles() and len(desk.program.messages(OUTBOX)) == 1, "another round")
    assert desk.guard.ledger.in_states(State.UNKNOWN)


def test_what_a_person_says_of_a_lost_message_is_obeyed(desk: Desk) -> None:
    desk.submitter.fails = [ReplyLost()]
    with desk.outbox():
        desk.program.put(desk.mail())
        record = desk.wait_for(ActivityKind.UNKNOWN)[0].record
        assert record is not None
        desk.guard.gatekeeper.settle(record.id, was_sent=False, detail="person")
        is_empty(desk)
    assert len(desk.submitter.taken) == 1


def test_a_server_that_files_what_it_sends_gets_no_second_copy(desk: Desk) -> None:
    desk.submitter.meanwhile = files_in_sent(desk)
    with desk.outbox():
        desk.program.put(desk.mail())
        is_empty(desk)
    assert len(desk.program.messages("Sent")) == 1


def test_the_same_bytes_put_there_twice_are_sent_once(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail())
        desk.program.put(desk.mail())
        is_empty(desk)
    assert len(desk.submitter.taken) == 1
    assert len(desk.program.messages("Sent")) == 1


def test_the_same_large_message_put_there_twice_is_sent_once(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.wait_for(lambda screen: screen.waiting == 1)
        for _ in range(2):
            desk.guard.gatekeeper.answer(desk.guard.asker.question().id, Answer.SEND, "850112")
        is_empty(desk)
    assert len(desk.submitter.taken) == 1


def test_a_message_without_id_and_date_gets_both(desk: Desk) -> None:
    raw = f"From: {desk.person.address}\nTo: someone@example.test\nSubject: bare\n\nHello\n".encode()
    with desk.outbox():
        desk.program.put(raw)
        is_empty(desk)
    [(sent, _, _)] = desk.submitter.taken
    assert b"\r\nMessage-ID: <" in sent
    assert b"\r\nDate: " in sent
    [(filed, _)] = desk.program.messages("Sent").values()
    assert filed == sent


def test_a_message_to_nobody_is_asked_about_and_given_back(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=""))
        desk.guard.gatekeeper.answer(desk.guard.asker.question().id, Answer.SEND)
        is_empty(desk)
    assert desk.troubles() == ["outbox_no_recipients"]
    assert not desk.submitter.taken


def test_a_full_ledger_lets_nothing_out(desk: Desk) -> None:
    desk.guard.ledger.full = True  # type: ignore[union-attr]
    with desk.outbox():
        desk.program.put(desk.mail())
        wait_until(lambda: "ledger_failed" in desk.troubles(), "word of it")
        assert not desk.submitter.taken
        desk.guard.ledger.full = False  # type: ignore[union-attr]
        is_empty(desk)
    assert len(desk.submitter.taken) == 1


def test_a_ledger_that_fills_up_while_sending_never_sends_twice(desk: Desk) -> None:
    def fill(raw: bytes) -> None:
        desk.guard.ledger.full = True  # type: ignore[union-attr]

    desk.submitter.meanwhile = fill
    with desk.outbox():
        desk.program.put(desk.mail())
        is_empty(desk)
    assert len(desk.submitter.taken) == 1
    assert len(desk.program.messages("Sent")) == 1


def test_when_nobody_can_be_asked_the_message_stays(dovecot: Dovecot, me: Person) -> None:
    desk = Desk(dovecot, me, Guard(can_ask=False))
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.wait_for(ActivityKind.CANCELLED)
        assert len(desk.program.messages(OUTBOX)) == 1
    assert not desk.submitter.taken
    desk.close()


def test_what_cannot_go_back_to_drafts_stays_until_there_are_drafts(
    new_dovecot: Callable[..., Dovecot], desk: Desk
) -> None:
    server = new_dovecot(special_use=False)
    poor = Desk(server, server.new_person())
    with poor.outbox():
        poor.program.put(poor.mail(to=BIG))
        poor.guard.gatekeeper.answer(poor.guard.asker.question().id, Answer.DONT_SEND)
        wait_until(lambda: "imap_no_drafts_folder" in poor.troubles(), "word of it")
        assert len(poor.program.messages(OUTBOX)) == 1
        poor.program.client.create_folder("Entwürfe")
        is_empty(poor)
    assert len(poor.program.messages("Entwürfe")) == 1
    poor.close()


def test_a_large_message_that_cannot_go_back_is_left_alone(new_dovecot: Callable[..., Dovecot], desk: Desk) -> None:
    server = new_dovecot(special_use=False)
    poor = Desk(server, server.new_person())
    with poor.outbox(max_size=2000):
        poor.program.put(poor.mail(body="x" * 3000))
        wait_until(lambda: "imap_no_drafts_folder" in poor.troubles(), "word of it")
        poor.program.put(poor.mail(message_id="<two@example.test>"))
        wait_until(lambda: poor.submitter.taken, "the next one")
    assert poor.troubles() == ["outbox_too_large", "imap_no_drafts_folder"]
    poor.close()


def test_after_a_restart_a_lost_message_found_in_sent_is_only_taken_out(desk: Desk) -> None:
    desk.submitter.fails = [ReplyLost()]
    with desk.outbox():
        desk.program.put(desk.mail())
        desk.wait_for(ActivityKind.UNKNOWN)
    desk.program.put(desk.mail(), "Sent")
    desk.guard.gatekeeper.recover()
    with desk.outbox():
        is_empty(desk)
    assert desk.guard.ledger.history()[0].state is State.SENT
    assert not desk.guard.asker.history
    assert not desk.submitter.taken
    assert len(desk.program.messages("Sent")) == 1


def test_what_was_refused_before_sending_began_goes_back_and_says_why(desk: Desk) -> None:
    desk.submitter.unbegun = [SubmissionRefused(554, "bad content")]
    with desk.outbox():
        desk.program.put(desk.mail())
        is_empty(desk)
    assert desk.troubles() == ["upstream_554"]
    assert len(desk.program.messages("Drafts")) == 1


def test_a_message_taken_out_between_answer_and_sending_is_not_sent(desk: Desk) -> None:
    class Removed(FakeSubmitter):
        def submit(self, *arguments: object) -> str:  # type: ignore[override]
            raise AssertionError("it was taken out")

    desk.submitter = Removed()
    with desk.outbox():
        uid = desk.program.put(desk.mail(to=BIG))
        question = desk.guard.asker.question()
        desk.program.delete(uid)
        desk.guard.gatekeeper.answer(question.id, Answer.SEND, "850112")
        wait_until(lambda: desk.guard.ledger.history()[0].state is State.CANCELLED, "cancelled row")


@pytest.mark.logs("outbox: RuntimeError")
def test_a_broken_submitter_stops_nothing_and_sends_nothing_twice(desk: Desk) -> None:
    desk.submitter.fails = [RuntimeError("bug")]
    with desk.outbox():
        desk.program.put(desk.mail())
        wait_until(lambda: "outbox_broken" in desk.troubles(), "word of it")
        desk.program.put(desk.mail(message_id="<two@example.test>"))
        wait_until(lambda: desk.submitter.taken, "the other one")
        wait_until(lambda: len(desk.program.messages(OUTBOX)) == 1, "one left")
    assert b"<two@" in desk.submitter.taken[0][0]


def test_stopping_withdraws_the_questions_and_leaves_the_mail(desk: Desk) -> None:
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
    assert desk.guard.asker.shown is None
    assert len(desk.program.messages(OUTBOX)) == 1


def test_a_folder_made_anew_is_sent_from_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.imap.connection.MAX_IDLE", 1.0)
    with desk.outbox():
        desk.program.put(desk.mail(to=BIG))
        desk.guard.asker.question()
        desk.program.renew(OUTBOX)
        desk.program.put(desk.mail(message_id="<two@example.test>"))
        wait_until(lambda: desk.submitter.taken, "message in the new folder", 20)
        wait_until(lambda: desk.guard.asker.shown is None, "withdrawn question")


@pytest.mark.parametrize("name", ["Wartende Post für später", "Bücher & Co/Geprüft"])
def test_the_name_of_the_folder_may_be_any(dovecot: Dovecot, me: Person, name: str) -> None:
    desk = Desk(dovecot, me, outbox=name)
    with desk.outbox():
        desk.program.put(desk.mail(), name)
        wait_until(lambda: desk.submitter.taken, "message")
    desk.close()
