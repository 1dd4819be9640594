"""The drafts watch, on a real Dovecot. Dovecot itself waits 0.5 s before it pushes."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from sendguard.audience.audience import Audience
from sendguard.guard.intake import Intake
from sendguard.guard.ports import ActivityKind
from sendguard.imap.drafts import DraftsWatch
from sendguard.mail.submission import Hook
from sendguard.mailbox.watching import WatchState
from tests.adapters.imap_rig import Desk, now
from tests.servers.dovecot import Dovecot, Person
from tests.servers.processes import wait_until

WARNED = ActivityKind.WARNED


@pytest.fixture
def new_desk(new_dovecot: Callable[..., Dovecot]) -> Iterator[Callable[..., Desk]]:
    """A desk at a server of its own; takes the keywords of ``Dovecot``."""
    made: list[Desk] = []

    def make(**keywords: object) -> Desk:
        server = new_dovecot(**keywords)
        made.append(Desk(server, server.new_person()))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def desk(dovecot: Dovecot, me: Person) -> Iterator[Desk]:
    desk = Desk(dovecot, me)
    yield desk
    desk.close()


def test_a_draft_to_850112_people_is_warned_about_when_it_is_saved(desk: Desk) -> None:
    with desk.watch():
        desk.program.save_draft(desk.mail(to="big@lists.test"))
        warned = desk.wait_for(WARNED)[0]
    assert warned.judgement is not None
    assert warned.judgement.audience.count.high == 850_112
    assert warned.account == "work"


def test_a_draft_to_one_person_is_judged_in_silence(desk: Desk) -> None:
    with desk.watch():
        desk.program.save_draft(desk.mail())
        wait_until(lambda: desk.guard.directory.asked, "judgement")
    assert not desk.activities(WARNED)


def test_ten_saves_of_one_composition_are_warned_about_once(desk: Desk) -> None:
    with desk.watch():
        uid = None
        for save in range(10):
            raw = desk.mail(to="big@lists.test", message_id=f"<save-{save}@example.test>", body=f"{save}\r\n")
            uid = desk.program.save_draft(raw, replaces=uid)
        wait_until(lambda: len(desk.guard.directory.asked) >= 1, "judgement")
        last = desk.program.save_draft(desk.mail(to="someone@example.test", subject="last"))
        wait_until(lambda: any("someone" in q.addresses[0] for q in desk.guard.directory.asked), "the last draft")
    assert len(desk.activities(WARNED)) == 1
    assert last


def test_a_composition_that_grows_is_warned_about_again(desk: Desk) -> None:
    with desk.watch():
        uid = desk.program.save_draft(desk.mail(to="middle@lists.test"))
        desk.wait_for(WARNED)
        desk.program.save_draft(desk.mail(to="big@lists.test", message_id="<two@example.test>"), replaces=uid)
        desk.wait_for(WARNED, 2)


def test_watching_never_sets_a_flag(desk: Desk) -> None:
    with desk.watch():
        desk.program.save_draft(desk.mail(to="big@lists.test"))
        desk.wait_for(WARNED)
    flags = [flags for _, flags in desk.program.messages("Drafts").values()]
    assert [set(each) - {b"\\Recent"} for each in flags] == [{b"\\Draft"}]


def test_fresh_drafts_are_judged_at_the_start_and_old_ones_are_not(desk: Desk) -> None:
    old = desk.mail(to="big@lists.test", subject="last week")
    desk.program.client.append("Drafts", old, [b"\\Draft"], now() - timedelta(days=7))
    desk.program.save_draft(desk.mail(to="middle@lists.test", subject="today"))
    with desk.watch():
        desk.wait_for(WARNED)
    assert [each.judgement.submission.message.subject for each in desk.activities(WARNED) if each.judgement] == [
        "today"
    ]


def test_a_reply_is_judged_with_its_original_found_in_the_inbox(desk: Desk) -> None:
    others = ", ".join(f"p{number}@example.test" for number in range(30))
    original = desk.mail(sender="boss@example.test", to=f"{desk.person.address}, {others}", message_id="<first@x.test>")
    desk.program.put(original, "INBOX")
    with desk.watch():
        desk.program.save_draft(desk.mail(to="boss@example.test", cc=others, in_reply_to="<first@x.test>"))
        warned = desk.wait_for(WARNED)[0]
    assert warned.judgement is not None
    assert warned.judgement.submission.original is not None
    assert warned.judgement.submission.kind == "reply_all"


def test_drafts_saved_while_the_server_was_away_are_seen_when_it_is_back(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    with desk.watch() as watch:
        desk.server.kill()
        wait_until(lambda: watch.state is not WatchState.WATCHING, "end of the connection")
        desk.server.start()
        desk.reconnect()
        desk.program.save_draft(desk.mail(to="big@lists.test"))
        desk.wait_for(WARNED)
        wait_until(lambda: watch.state is WatchState.WATCHING, "watch again")


def test_an_outage_is_told_once(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    with desk.watch() as watch:
        desk.server.stop()
        wait_until(lambda: watch.state is WatchState.UNREACHABLE, "outage", 20)
        wait_until(desk.troubles, "word of it")
        desk.server.start()
        wait_until(lambda: watch.state is WatchState.WATCHING, "watch again", 20)
    assert desk.troubles() == ["imap_connection"]


def test_a_refused_login_is_told_and_not_tried_again_soon(desk: Desk) -> None:
    desk.passwords.known = "wrong"
    intake = Intake(desk.account, Hook.IMAP_DRAFTS, desk.originals)
    watch = DraftsWatch(desk.account, desk.passwords, intake, desk.guard.gatekeeper, now)
    watch.start()
    wait_until(lambda: watch.state is WatchState.REFUSED, "refusal")
    wait_until(desk.troubles, "word of it")
    watch.stop()
    assert desk.troubles() == ["imap_login_refused"]


def test_a_folder_that_was_made_anew_is_watched_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendguard.imap.connection.MAX_IDLE", 1.0)  # Dovecot tells it only to the next command
    with desk.watch():
        desk.program.save_draft(desk.mail(to="big@lists.test", subject="before"))
        desk.wait_for(WARNED)
        desk.program.renew("Drafts")
        desk.program.save_draft(desk.mail(to="big@lists.test", subject="after"))
        desk.wait_for(WARNED, 2)


def test_without_idle_the_server_is_asked_now_and_then(
    new_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendguard.imap.connection.POLL_EVERY", 0.1)
    desk = new_desk(idle=False)
    with desk.watch():
        desk.program.save_draft(desk.mail(to="big@lists.test"))
        desk.wait_for(WARNED)


def test_stopping_ends_the_wait_at_once(desk: Desk) -> None:
    with desk.watch() as watch:
        watch.stop()
        assert watch.state is WatchState.STOPPED


def test_a_mailbox_without_drafts_is_told(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(special_use=False)
    intake = Intake(desk.account, Hook.IMAP_DRAFTS, desk.originals)
    watch = DraftsWatch(desk.account, desk.passwords, intake, desk.guard.gatekeeper, now)
    watch.start()
    wait_until(desk.troubles, "word of it")
    desk.program.client.create_folder("Drafts")
    wait_until(lambda: watch.state is WatchState.WATCHING, "watch")
    watch.stop()
    assert desk.troubles() == ["imap_no_drafts_folder"]


@pytest.mark.logs("drafts watch: ZeroDivisionError")
def test_a_watch_that_meets_a_fault_of_ours_says_so_and_goes_on(desk: Desk) -> None:
    working = desk.guard.directory

    def broken(query: object) -> Audience:
        raise ZeroDivisionError

    with desk.watch() as watch:
        desk.guard.directory = broken  # type: ignore[assignment]
        desk.program.save_draft(desk.mail(to="big@lists.test"))
        wait_until(desk.troubles, "word of it")
        desk.guard.directory = working
        wait_until(lambda: watch.state is WatchState.WATCHING, "watch again")
        desk.program.save_draft(desk.mail(to="big@lists.test", subject="after"))
        desk.wait_for(WARNED)
    assert desk.troubles() == ["imap_broken"]
