"""The drafts watch over Exchange, against the test Exchange and exchangelib as the person's own program."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from exchangelib import UTC, EWSDateTime, Message

from sendguard.guard.ports import ActivityKind
from sendguard.mail.kind import Kind
from sendguard.mail.message import read_message
from sendguard.mailbox.errors import CommandRefused
from sendguard.mailbox.watching import WatchState
from tests.adapters.ews_rig import ExchangeDesk, boxes
from tests.adapters.imap_rig import mail, now
from tests.servers.exchange import Exchange
from tests.servers.processes import wait_until

BIG = "big@lists.test"


@pytest.fixture
def new_desk(new_exchange: Callable[..., Exchange]) -> Iterator[Callable[..., ExchangeDesk]]:
    desks: list[ExchangeDesk] = []

    def make(**keywords: object) -> ExchangeDesk:
        server = new_exchange(**keywords)
        desks.append(ExchangeDesk(server, server.new_person()))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(exchange: Exchange) -> Iterator[ExchangeDesk]:
    desk = ExchangeDesk(exchange, exchange.new_person())
    yield desk
    desk.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.mailbox.watching.PAUSES", (0.05,))


def test_a_draft_to_850112_people_is_warned_about_when_it_is_saved(desk: ExchangeDesk) -> None:
    with desk.watch():
        desk.program.save_draft(subject="Lunch", body="Hi", to_recipients=boxes(BIG))
        [warned] = desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    assert warned.judgement.submission.envelope.recipients == (BIG,)
    assert warned.judgement.submission.raw == b""


def test_blind_recipients_of_a_draft_are_counted(desk: ExchangeDesk) -> None:
    with desk.watch():
        desk.program.save_draft(subject="Lunch", to_recipients=boxes("one@x.test"), bcc_recipients=boxes(BIG))
        [warned] = desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    assert warned.judgement.submission.envelope.recipients == ("one@x.test", BIG)


def test_the_body_of_a_draft_is_never_asked_for(new_desk: Callable[..., ExchangeDesk]) -> None:
    desk = new_desk()
    with desk.watch():
        desk.server.record = True
        desk.program.save_draft(subject="Lunch", body="private", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)
    asked = b"".join(request for request in desk.server.requests if b"GetItem" in request)
    assert b"item:Body" not in asked
    assert b"<t:IncludeMimeContent>true" not in asked


def test_ten_saves_of_one_composition_are_warned_about_once(desk: ExchangeDesk) -> None:
    with desk.watch():
        draft = desk.program.save_draft(subject="Lunch", body="0", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)
        for number in range(9):
            draft.body = f"{number}"
            draft.save(update_fields=["body"])
        draft.to_recipients = boxes(BIG, "team@lists.test")
        draft.save(update_fields=["to_recipients"])
        warned = desk.wait_for(ActivityKind.WARNED, 2)
    assert len(warned) == 2


def test_fresh_drafts_are_judged_at_the_start(desk: ExchangeDesk) -> None:
    desk.program.save_draft(subject="Lunch", body="Hi", to_recipients=boxes(BIG))
    with desk.watch():
        desk.wait_for(ActivityKind.WARNED)


def test_a_reply_is_judged_with_its_original_found_in_the_inbox(desk: ExchangeDesk) -> None:
    lunch = mail(sender="boss@x.test", to="a@x.test, b@x.test, team@lists.test", cc=desk.person.address)
    desk.server.deliver(desk.person, lunch)
    with desk.watch():
        desk.program.save_draft(
            subject="Re: Lunch",
            to_recipients=boxes("boss@x.test", "a@x.test", "b@x.test", "team@lists.test"),
            in_reply_to="<one@example.test>",
        )
        [warned] = desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    assert warned.judgement.submission.kind is Kind.REPLY_ALL
    assert warned.judgement.submission.original is not None


def test_a_draft_that_bears_only_its_place_in_a_conversation_is_a_reply(desk: ExchangeDesk) -> None:
    index = b64encode(bytes(27)).decode()
    raw = desk.mail(to=f"boss@x.test, {BIG}", subject="Re: Lunch", more=f"Thread-Index: {index}\r\n")
    with desk.watch():
        desk.program.put(raw, "Drafts")
        [warned] = desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    assert warned.judgement.submission.kind is Kind.REPLY_ALL


def test_the_signs_of_a_mailing_list_in_the_original_are_seen(desk: ExchangeDesk) -> None:
    post = mail(sender="boss@x.test", to="news@x.test", more="List-Post: <mailto:news@x.test>\r\n")
    desk.server.deliver(desk.person, post)
    with desk.watch():
        reply = boxes("news@x.test", BIG)
        desk.program.save_draft(subject="Re: Lunch", to_recipients=reply, in_reply_to="<one@example.test>")
        [warned] = desk.wait_for(ActivityKind.WARNED)
    assert warned.judgement is not None
    original = warned.judgement.submission.original
    assert original is not None
    assert "news@x.test" in original.list_signs.addresses


def test_a_stream_that_ends_in_any_way_loses_no_draft(new_desk: Callable[..., ExchangeDesk]) -> None:
    desk = new_desk()
    streams = desk.server.notifications
    with desk.watch():
        wait_until(lambda: desk.notifications.streams, "stream")
        for number, end in enumerate((streams.end_streams, streams.drop_streams, streams.forget_subscriptions)):
            before = desk.notifications.streams
            end()
            desk.program.save_draft(subject=f"Lunch {number}", to_recipients=boxes(BIG))
            desk.wait_for(ActivityKind.WARNED, number + 1)
            streams.drop_streams()
            wait_until(lambda before=before: desk.notifications.streams > before, "next stream")  # type: ignore[misc]
    assert desk.troubles() == []


def test_without_a_stream_the_folder_is_looked_at_now_and_then(
    new_desk: Callable[..., ExchangeDesk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.exchange.sight.LOOK_EVERY", 0.1)
    desk = new_desk()
    desk.server.faults.error("Subscribe", "ErrorExceededSubscriptionCount", times=None)
    with desk.watch():
        desk.program.save_draft(subject="Lunch", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)
    assert desk.troubles() == []


def test_a_server_that_forgot_the_state_of_the_folder_is_asked_for_everything(
    new_desk: Callable[..., ExchangeDesk],
) -> None:
    desk = new_desk()
    with desk.watch() as watch:
        desk.server.expire_sync_states()
        desk.program.save_draft(subject="Lunch", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)
        assert watch.state is WatchState.WATCHING
    assert desk.troubles() == []


def test_a_mailbox_that_is_being_moved_is_told_once_and_watched_again_afterwards(
    new_desk: Callable[..., ExchangeDesk],
) -> None:
    desk = new_desk()
    with desk.watch() as watch:
        wait_until(lambda: desk.notifications.streams, "stream")
        desk.server.faults.fault("SyncFolderItems", "ErrorMailboxMoveInProgress", times=4)
        desk.server.notifications.drop_streams()
        wait_until(lambda: desk.troubles(), "word of it")
        wait_until(lambda: watch.state is WatchState.WATCHING, "watch again")
        desk.program.save_draft(subject="Lunch", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)
    assert desk.troubles() == ["ews_unavailable"]


def test_a_busy_server_is_left_alone_and_asked_again(new_desk: Callable[..., ExchangeDesk]) -> None:
    desk = new_desk()
    with desk.watch():
        desk.server.faults.busy("SyncFolderItems", back_off_ms=50, times=2)
        desk.program.save_draft(subject="Lunch", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)


def test_a_refused_login_is_told_and_not_tried_again_soon(desk: ExchangeDesk) -> None:
    desk.passwords.known = "wrong"
    with pytest.raises(TimeoutError), desk.watch():
        pass
    assert desk.troubles() == ["ews_login_refused"]


def test_an_exchange_that_lets_no_program_in_says_so(new_desk: Callable[..., ExchangeDesk]) -> None:
    desk = new_desk()
    desk.server.faults.ews_disabled()
    with pytest.raises(TimeoutError), desk.watch():
        pass
    assert desk.troubles() == ["ews_ews_forbidden"]


def test_stopping_ends_the_stream_at_once(new_desk: Callable[..., ExchangeDesk]) -> None:
    desk = new_desk()
    with desk.watch() as watch:
        wait_until(lambda: desk.notifications.streams, "stream")
    assert watch.state is WatchState.STOPPED
    desk.notifications.stop()
    desk.program.close()
    wait_until(lambda: not desk.server.connections, "end of every connection")


def scheduled_in(desk: ExchangeDesk, hours: float, to: str = BIG) -> Message:
    """As a program does that lets the server wait (Microsoft's "How to: Send email messages by using EWS")."""
    due = EWSDateTime.now(tz=UTC).replace(microsecond=0) + timedelta(hours=hours)
    message = Message(account=desk.program.box, subject="Later", to_recipients=boxes(to), deferred_send=due)
    message.send_and_save()
    return message


def test_a_message_that_waits_on_the_server_for_its_time_is_shown_and_judged(desk: ExchangeDesk) -> None:
    with desk.watch() as watch:
        scheduled_in(desk, hours=2)
        [warned] = desk.wait_for(ActivityKind.WARNED)
        [waiting] = wait_until(watch.scheduled, "message that waits")
        assert warned.judgement == waiting.judgement
        assert waiting.judgement.audience.count.low == 850_112
        assert waiting.due > now()
        desk.server.release_due(waiting.due)
        wait_until(lambda: not watch.scheduled(), "end of the wait")


def test_what_waited_before_the_start_is_shown_however_old_it_is(desk: ExchangeDesk) -> None:
    scheduled_in(desk, hours=200)
    with desk.watch() as watch:
        wait_until(watch.scheduled, "message that waits")


def test_what_waits_on_the_server_can_be_pulled_back_to_drafts(desk: ExchangeDesk) -> None:
    with desk.watch() as watch:
        scheduled_in(desk, hours=2)
        [waiting] = wait_until(watch.scheduled, "message that waits")
        watch.pull_back(waiting.id)
        wait_until(lambda: not watch.scheduled(), "end of the wait")
    assert len(desk.server.messages(desk.person, "drafts")) == 1
    desk.server.release_due(waiting.due)
    assert not [each for each in desk.server.submitted if each.originator == desk.person.address]


def test_what_was_sent_meanwhile_cannot_be_pulled_back(desk: ExchangeDesk) -> None:
    with desk.watch() as watch:
        scheduled_in(desk, hours=2)
        [waiting] = wait_until(watch.scheduled, "message that waits")
        desk.server.release_due(waiting.due)
        with pytest.raises(CommandRefused):
            watch.pull_back(waiting.id)


def test_a_draft_that_could_not_be_fetched_is_judged_once_the_server_is_there_again(
    new_desk: Callable[..., ExchangeDesk],
) -> None:
    desk = new_desk()
    with desk.watch():
        desk.server.faults.cut_before("GetItem", times=2)
        desk.program.save_draft(subject="Lunch", to_recipients=boxes(BIG))
        desk.wait_for(ActivityKind.WARNED)


def test_a_wrong_password_is_tried_once_by_the_watch_and_once_by_the_stream(
    new_desk: Callable[..., ExchangeDesk],
) -> None:
    """Servers lock accounts whose password is tried too often."""
    desk = new_desk()
    desk.passwords.known = "wrong"
    with pytest.raises(TimeoutError), desk.watch():
        pass
    reply = read_message(desk.mail(in_reply_to="<lunch@x.test>"), with_body=False)
    for _ in range(3):
        assert desk.originals.find("work", reply) is None
    assert desk.server.turned_away == 3  # and once where an original was looked for


def test_a_server_that_ends_every_stream_with_an_error_is_asked_less_and_less(
    new_desk: Callable[..., ExchangeDesk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.mailbox.watching.PAUSES", (0.02, 0.02, 60))
    desk = new_desk()
    desk.server.faults.error("GetStreamingEvents", "ErrorExceededConnectionCount", times=None)
    with desk.watch(), pytest.raises(TimeoutError):
        wait_until(lambda: desk.server.count_of("GetStreamingEvents") > 3, "fourth try", seconds=0.5)
    assert desk.server.count_of("GetStreamingEvents") == 3
