"""The steps of story.feature: real clients, real servers, real hooks, and a person who is a test."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from imapclient import IMAPClient
from pytest_bdd import given, parsers, scenarios, then, when

from sendguard.bootstrap.practice import Practice, practice
from sendguard.guard.ports import Activity, ActivityKind, Answer
from sendguard.guard.ticket import WrongWord
from sendguard.policy.reasons import Grown
from sendguard.practice.directory import JO
from sendguard.practice.story import Told
from tests.fakes import FakeAsker
from tests.servers.processes import wait_until

scenarios("story.feature")

ANSWERS = {"don't send": Answer.DONT_SEND, "reply to the sender only": Answer.REPLY_TO_SENDER}


@dataclass
class Morning:
    practice: Practice
    screen: FakeAsker
    worker: ThreadPoolExecutor
    activities: list[Activity]
    client: "Future[Told] | None" = field(default=None)

    def play(self, chapter: str) -> None:
        (scene,) = (each for each in self.practice.story.chapters if each.name == chapter)
        self.client = self.worker.submit(scene.play)

    def folder(self, name: str) -> list[bytes]:
        account = self.practice.program.accounts()[0]
        assert account.imap is not None
        with IMAPClient(account.imap.host, account.imap.port, ssl=False, timeout=10) as client:
            client.login(account.imap.user, self.practice.program.secrets.get(account.name, "imap"))
            client.select_folder(name, readonly=True)
            return [found[b"BODY[]"] for found in client.fetch(client.search(), ["BODY.PEEK[]"]).values()]


@pytest.fixture
def morning() -> Iterator[Morning]:
    screen = FakeAsker()
    with practice(screen) as stage, ThreadPoolExecutor(1) as worker:
        activities: list[Activity] = []
        stage.program.gatekeeper.subscribe(activities.append)
        stage.program.start()
        yield Morning(stage, screen, worker, activities)
        for question in stage.program.gatekeeper.waiting():
            stage.program.gatekeeper.answer(question.id, Answer.DONT_SEND)


@given("a practice mailbox whose CroydonPractices had 14 people last week")
def _mailbox(morning: Morning) -> None:
    assert morning.practice.delivered() == 0


@when('I mail "test" to CroydonPractices')
def _first_mail(morning: Morning) -> None:
    morning.play("first_mail")


@when('I answer "please remove me" to everybody from the guarded outbox')
def _remove_me(morning: Morning) -> None:
    morning.play("remove_me")


@when("I mail a colleague")
def _safe_mail(morning: Morning) -> None:
    morning.play("safe_mail")


@when("I save a draft to CroydonPractices")
def _draft(morning: Morning) -> None:
    morning.practice.servers.deliver(morning.practice.story.draft(), "Drafts")


@when(parsers.parse('I answer "{answer}"'))
def _answer(morning: Morning, answer: str) -> None:
    morning.practice.program.gatekeeper.answer(morning.screen.question().id, ANSWERS[answer])


@when(parsers.parse("I type {number} to send"))
def _type(morning: Morning, number: str) -> None:
    question = morning.screen.question()
    try:
        morning.practice.program.gatekeeper.answer(question.id, Answer.SEND, number)
    except WrongWord:
        assert number != "850112"


@then(parsers.parse("I am asked, and the question says {people:d} people for {typed:d} typed address"))
def _asked(morning: Morning, people: int, typed: int) -> None:
    audience = morning.screen.question().judgement.audience
    assert (audience.count.low, audience.count.high, audience.typed) == (people, people, typed)


@then(parsers.parse("it says that the list had {people:d} people"))
def _grown(morning: Morning, people: int) -> None:
    reasons = morning.screen.question().judgement.verdict.reasons
    assert [reason.before for reason in reasons if isinstance(reason, Grown)] == [people]


@then("it wants the number typed")
def _to_type(morning: Morning) -> None:
    assert morning.screen.question().judgement.verdict.to_type == "850112"


@then(parsers.parse("it is called a {kind}"))
def _kind(morning: Morning, kind: str) -> None:
    assert morning.screen.question().judgement.submission.kind == kind


@then("the question is still there")
def _still(morning: Morning) -> None:
    assert morning.screen.shown is not None


@then(parsers.parse("my mail program was told {code:d}"))
def _told(morning: Morning, code: int) -> None:
    assert morning.client is not None
    assert morning.client.result(20).code == code


@then(parsers.parse("{count:d} messages were really sent"))
def _delivered(morning: Morning, count: int) -> None:
    if count:
        wait_until(lambda: morning.practice.delivered() >= count, "delivered message")
    if morning.client is not None:
        morning.client.result(20)
    assert morning.practice.delivered() == count


@then("it went to Jo alone")
def _to_jo(morning: Morning) -> None:
    (raw,) = wait_until(lambda: morning.folder("Sent"), "message in Sent")
    assert f"To: Jo March <{JO}>".encode() in raw
    assert b"croydonpractices" not in raw.lower()


@then("the guarded outbox is empty")
def _empty(morning: Morning) -> None:
    wait_until(lambda: not morning.folder("Guarded Outbox"), "empty outbox")


@then("the draft is in Drafts")
def _in_drafts(morning: Morning) -> None:
    assert len(wait_until(lambda: morning.folder("Drafts"), "draft")) == 1


@then("I was not asked")
def _not_asked(morning: Morning) -> None:
    assert morning.screen.history == []


@then(parsers.parse("I am warned of {people:d} people"))
def _warned(morning: Morning, people: int) -> None:
    def warnings() -> list[Activity]:
        return [activity for activity in morning.activities if activity.kind is ActivityKind.WARNED]

    (warning, *_) = wait_until(warnings, "warning")
    assert warning.judgement is not None
    assert warning.judgement.audience.count.high == people
