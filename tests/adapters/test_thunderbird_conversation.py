"""What SendGuard says to the add-on, over a door of its own and without a Thunderbird."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sendguard.guard.account import Account
from sendguard.guard.ledger import Outcome, State
from sendguard.guard.ports import ActivityKind, Answer
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.policy.rules import ListRule, Rules
from sendguard.thunderbird.composed import MOST, Composed, NotAMessage
from sendguard.thunderbird.door import LocalDoor
from sendguard.thunderbird.frames import frame, read_frame
from sendguard.thunderbird.gate import MOST_THUNDERBIRDS, AddonGate
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.fakes import Guard
from tests.servers.processes import server_folder, wait_until

SENTENCES = Sentences(Catalogue.for_language("en"))
WORK = Account("work", ("me@x.test",))
MANY = [f"p{number}@x.test" for number in range(150)]
DIGEST = "ab" * 32


def message(*to: str, **more: Any) -> dict[str, Any]:
    """A message of the protocol."""
    return {
        "from": "Me <me@x.test>", "to": list(to), "cc": [], "bcc": [], "reply_to": [], "lists": {}, "kind": "new",
        "own": ["me@x.test", "alias@x.test"], "subject": "Lunch", "parent": {}, "whole": True, "html": None,
        "plain": "Hello", "text": DIGEST, "parts": [],
    } | more  # fmt: skip


class Addon:
    """The other end."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self._number = 0

    def say(self, what: str, **fields: Any) -> int:
        self._number += 1
        self.socket.sendall(frame({"id": self._number, "do": what} | fields))
        return self._number

    def hear(self, number: int) -> dict[str, Any]:
        said = read_frame(self.socket)
        assert said is not None
        assert said.pop("id") == number
        return said

    def talk(self, what: str, **fields: Any) -> dict[str, Any]:
        return self.hear(self.say(what, **fields))

    def is_ended(self) -> bool:
        return read_frame(self.socket) is None


class Desk:
    """SendGuard's end, its guard, and add-ons that talk to it."""

    def __init__(self, folder: Path, guard: Guard) -> None:
        self.guard = guard
        self.path = folder / "a.door"
        self.accounts: tuple[Account, ...] = ()
        self.gate = AddonGate(LocalDoor(self.path), guard.gatekeeper, lambda: self.accounts, lambda: SENTENCES, "1.2.3")
        self.addons: list[Addon] = []

    def addon(self) -> Addon:
        self.addons.append(Addon(self.path))
        return self.addons[-1]

    def states(self) -> list[State]:
        return [row.state for row in self.guard.ledger.rows.values()]  # type: ignore[attr-defined]

    def wait_for(self, *states: State) -> None:
        wait_until(lambda: self.states() == list(states), f"{states}")

    def answer(self, answer: Answer) -> None:
        question = self.guard.asker.question()
        self.guard.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)


@contextmanager
def desk_of(guard: Guard) -> Iterator[Desk]:
    with server_folder("door") as folder:
        desk = Desk(folder, guard)
        desk.gate.start()
        try:
            yield desk
        finally:
            desk.gate.stop()
            for addon in desk.addons:
                addon.socket.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_of(Guard()) as desk:
        yield desk


def test_it_says_which_protocol_it_speaks(desk: Desk) -> None:
    assert desk.addon().talk("hello", protocol=1) == {"protocol": 1, "version": "1.2.3"}


def test_what_nobody_has_to_be_asked_about_goes_and_is_noted_down(desk: Desk) -> None:
    addon, said = desk.addon(), message("a@x.test")
    number = addon.say("ask", message=said)
    assert addon.hear(number) == {"answer": "send", "people": "1 person", "came": "", "go": True}
    assert desk.states() == [State.SENDING]
    assert addon.talk("release", ask=number, message=said) == {"go": False}
    addon.say("sent", ask=number, went=True)
    desk.wait_for(State.SENT)


def test_a_held_message_waits_for_its_person(desk: Desk) -> None:
    addon, said = desk.addon(), message("big@lists.test")
    number = addon.say("ask", message=said)
    asked = desk.guard.asker.question().judgement.submission
    assert (asked.hook, asked.account, asked.kind) == (Hook.THUNDERBIRD, "Thunderbird", Kind.NEW)
    assert addon.talk("release", ask=number, message=said) == {"go": False}
    desk.answer(Answer.SEND)
    assert addon.hear(number) == {
        "answer": "send", "people": "850,112 people", "came": "you let it go", "go": False,
    }  # fmt: skip
    assert addon.talk("release", ask=number, message=said) == {"go": True}
    assert addon.talk("release", ask=number, message=said) == {"go": False}


@pytest.mark.parametrize(
    "other",
    [
        message("big@lists.test", "one.more@x.test"),
        message("big@lists.test", text="cd" * 32),
        message("big@lists.test", subject="Dinner"),
        message("big@lists.test", parts=[DIGEST]),
        message("big@lists.test", bcc=["hidden@x.test"]),
        message("big@lists.test", **{"from": "alias@x.test"}),
        message("big@lists.test", reply_to=["else@x.test"]),
    ],
)
def test_what_changed_after_the_answer_does_not_go(desk: Desk, other: dict[str, Any]) -> None:
    addon = desk.addon()
    number = addon.say("ask", message=message("big@lists.test"))
    desk.answer(Answer.SEND)
    addon.hear(number)
    assert addon.talk("release", ask=number, message=other) == {"go": False}
    desk.wait_for(State.CANCELLED)
    assert addon.talk("release", ask=number, message=message("big@lists.test")) == {"go": False}


def test_a_refusal_stops_and_needs_no_more_words(desk: Desk) -> None:
    addon = desk.addon()
    number = addon.say("ask", message=message("big@lists.test"))
    desk.answer(Answer.DONT_SEND)
    said = addon.hear(number)
    assert (said["answer"], said["words"]) == ("stop", "")


def test_what_a_rule_refuses_is_said_in_words(desk: Desk) -> None:
    desk.guard.rules = Rules(blocked=(ListRule("big", "Write to the news desk."),))
    said = desk.addon().talk("ask", message=message("big@lists.test"))
    assert said["answer"] == "stop"
    assert "Write to the news desk." in said["words"]


def test_where_nobody_can_be_asked_it_stops_and_says_so() -> None:
    with desk_of(Guard(can_ask=False)) as desk:
        said = desk.addon().talk("ask", message=message("big@lists.test"))
        assert (said["answer"], "cannot show its question" in said["words"]) == ("stop", True)


PARENT = {
    "from": ["Boss <boss@x.test>"], "to": ["me@x.test", *MANY[:75]], "cc": MANY[75:], "message-id": ["<1@x.test>"],
}  # fmt: skip


def test_a_reply_to_all_can_be_narrowed_to_its_sender(desk: Desk) -> None:
    addon = desk.addon()
    said = message("Boss <boss@x.test>", *MANY[:75], cc=MANY[75:], kind="reply", parent=PARENT)
    number = addon.say("ask", message=said)
    asked = desk.guard.asker.question().judgement.submission
    assert (asked.kind, asked.can_reply_to_sender, asked.can_move_to_bcc) == (Kind.REPLY_ALL, True, True)
    desk.answer(Answer.REPLY_TO_SENDER)
    answer = addon.hear(number)
    assert answer["answer"] == "change"
    assert (answer["to"], answer["cc"], answer["bcc"]) == (["boss@x.test"], [], [])
    desk.wait_for(State.REFUSED)


def test_those_who_see_each_other_are_moved_to_bcc_but_for_whom_is_answered(desk: Desk) -> None:
    addon = desk.addon()
    said = message(
        "Boss <boss@x.test>", "Crew <Crew>", cc=MANY, bcc=["hidden@x.test"], kind="reply", parent=PARENT,
        lists={"Crew <Crew>": ["a@x.test", "b@x.test"]},
    )  # fmt: skip
    number = addon.say("ask", message=said)
    desk.answer(Answer.MOVE_TO_BCC)
    answer = addon.hear(number)
    assert (answer["to"], answer["cc"]) == (["Boss <boss@x.test>"], [])
    assert answer["bcc"] == ["hidden@x.test", "Crew <Crew>", *MANY]
    [row] = desk.guard.ledger.rows.values()  # type: ignore[attr-defined]
    assert row.outcome is Outcome.MOVE_TO_BCC


def test_one_who_sees_nobody_is_not_offered_bcc(desk: Desk) -> None:
    for said in (message("big@lists.test"), message(bcc=MANY), message("boss@x.test", cc=["big@lists.test"])):
        desk.addon().say("ask", message=said)
    wait_until(lambda: len(desk.guard.gatekeeper.waiting()) == 3, "three questions")
    offered = [question.judgement.submission.can_move_to_bcc for question in desk.guard.gatekeeper.waiting()]
    assert sorted(offered) == [False, False, True]


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("forward", {"parent": PARENT}, Kind.FORWARD),
        ("redirect", {"parent": PARENT, "subject": "Re: Lunch"}, Kind.REDIRECT),
        ("draft", {"parent": {"message-id": ["<unread@thunderbird.invalid>"]}, "cc": ["b@x.test"]}, Kind.REPLY_ALL),
        ("new", {}, Kind.NEW),
    ],
)
def test_what_it_is_is_known_from_thunderbird(desk: Desk, kind: str, more: dict[str, Any], expected: Kind) -> None:
    desk.addon().say("ask", message=message("big@lists.test", kind=kind, **more))
    assert desk.guard.asker.question().judgement.submission.kind is expected


def test_a_list_of_the_address_book_counts_its_members_and_one_typed_entry(desk: Desk) -> None:
    said = message('Team <"the team">', lists={'Team <"the team">': [*MANY, MANY[0].upper()]})
    desk.addon().say("ask", message=said)
    audience = desk.guard.asker.question().judgement.audience
    assert (audience.typed, audience.count.low) == (1, 150)


@pytest.mark.parametrize("entry", ['Team <"the team">', "no address", "a@x.test, b@x.test <c@x.test"])
def test_an_entry_nobody_can_read_is_asked_about(desk: Desk, entry: str) -> None:
    desk.addon().say("ask", message=message(entry))
    question = desk.guard.asker.question()
    assert "unreadable" in {reason.code for reason in question.judgement.verdict.reasons}


def test_the_account_is_the_one_with_that_address(desk: Desk) -> None:
    desk.accounts = (WORK,)
    desk.addon().say("ask", message=message("big@lists.test"))
    submission = desk.guard.asker.question().judgement.submission
    assert submission.account == "work"
    assert submission.own_addresses == {"me@x.test", "alias@x.test"}


def test_the_count_of_a_draft_is_said_and_nothing_is_held(desk: Desk) -> None:
    addon = desk.addon()
    said = addon.talk("count", message=message("big@lists.test", whole=False))
    assert (said["label"], said["level"]) == ("reaches 850,112 people", "ask")
    assert "Exact · from test" in said["lines"]
    assert addon.talk("count", message=message("all@lists.test"))["label"] == "nobody knows how many people"
    assert addon.talk("count", message=message("a@x.test"))["level"] == "quiet"
    assert addon.talk("count", message=message())["label"] == ""
    desk.guard.rules = Rules(blocked=(ListRule("big"),))
    assert addon.talk("count", message=message("big@lists.test"))["level"] == "block"
    assert (desk.states(), desk.guard.asker.history) == ([], [])


@pytest.mark.logs("no count for a draft: TypeError")
def test_a_count_that_fails_is_said_so(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.guard.directory = None  # type: ignore[assignment]
    assert desk.addon().talk("count", message=message("big@lists.test")) == {"error": "fault"}
    assert "big@lists.test" not in caplog.text


@pytest.mark.logs("a conversation with Thunderbird ended by TypeError")
def test_a_fault_of_ours_ends_the_conversation_so_that_the_add_on_cancels(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.guard.directory = None  # type: ignore[assignment]
    addon = desk.addon()
    addon.say("ask", message=message("big@lists.test"))
    assert addon.is_ended()
    assert "big@lists.test" not in caplog.text
    assert [activity.detail for activity in desk.guard.activities] == ["thunderbird_failed"]


@pytest.mark.parametrize(
    "more", [{"whole": False}, {"parts": ["unread 5 plan.pdf"]}, {"parts": ["abcd"]}, {"plain": None}, {"parts": [""]}]
)
def test_what_the_add_on_could_not_see_is_like_nothing_a_gate_sees(desk: Desk, more: dict[str, Any]) -> None:
    composed = Composed.of(message("big@lists.test", **more))
    desk.addon().say("ask", message=message("big@lists.test"))
    submission = desk.guard.asker.question().judgement.submission
    assert composed.likenesses(submission) == frozenset()
    assert len(Composed.of(message("big@lists.test", html="<p>Hello</p>")).likenesses(submission)) == 3


def test_an_answer_that_no_longer_fits_the_rules_does_not_release(desk: Desk) -> None:
    addon = desk.addon()
    number = addon.say("ask", message=message("big@lists.test"))
    desk.answer(Answer.SEND)
    addon.hear(number)
    desk.guard.rules = Rules(ask_any_from=50)
    assert addon.talk("release", ask=number, message=message("big@lists.test")) == {"go": False}


def test_a_thunderbird_that_goes_withdraws_what_it_asked(desk: Desk) -> None:
    addon = desk.addon()
    addon.say("ask", message=message("big@lists.test"))
    desk.guard.asker.question()
    addon.socket.close()
    desk.wait_for(State.CANCELLED)
    assert desk.guard.asker.shown is None


def test_a_window_that_is_closed_withdraws_its_own_question_only(desk: Desk) -> None:
    addon = desk.addon()
    one = addon.say("ask", message=message("big@lists.test"))
    addon.say("ask", message=message("big@lists.test", subject="Two"))
    wait_until(lambda: len(desk.guard.gatekeeper.waiting()) == 2, "two questions")
    addon.say("withdraw", ask=one)
    desk.wait_for(State.CANCELLED, State.HELD)
    addon.say("withdraw", ask=one)
    addon.say("sent", ask=77, went=True)
    assert addon.hear(one)["answer"] == "stop"
    assert addon.talk("hello")["protocol"] == 1


def test_what_was_let_go_and_never_heard_of_again_may_have_been_sent(desk: Desk) -> None:
    addon, said = desk.addon(), message("big@lists.test")
    number = addon.say("ask", message=said)
    desk.answer(Answer.SEND)
    addon.hear(number)
    addon.talk("release", ask=number, message=said)
    addon.socket.close()
    desk.wait_for(State.UNKNOWN)
    desk.addon().say("ask", message=said)
    reasons = desk.guard.asker.question().judgement.verdict.reasons
    assert "possibly_sent" in {reason.code for reason in reasons}


def test_a_send_that_failed_is_not_asked_about_again_when_it_is_the_same(desk: Desk) -> None:
    addon, said = desk.addon(), message("big@lists.test")
    number = addon.say("ask", message=said)
    desk.answer(Answer.SEND)
    addon.hear(number)
    addon.talk("release", ask=number, message=said)
    addon.say("sent", ask=number, went=False)
    desk.wait_for(State.REFUSED)
    other = addon.say("ask", message=message("big@lists.test", text="cd" * 32))
    desk.guard.asker.question()
    desk.answer(Answer.DONT_SEND)
    addon.hear(other)
    assert addon.talk("ask", message=said)["answer"] == "send"


def test_a_ledger_that_cannot_be_written_sends_nothing(desk: Desk) -> None:
    addon, said = desk.addon(), message("a@x.test")
    desk.guard.ledger.full = True  # type: ignore[attr-defined]
    assert addon.talk("ask", message=message("big@lists.test")) == {"error": "ledger"}
    assert addon.talk("ask", message=said) == {"error": "ledger"}
    desk.guard.ledger.full = False  # type: ignore[attr-defined]
    number = addon.say("ask", message=message("big@lists.test"))
    desk.answer(Answer.SEND)
    addon.hear(number)
    desk.guard.ledger.full = True  # type: ignore[attr-defined]
    assert addon.talk("release", ask=number, message=message("big@lists.test")) == {"error": "ledger"}
    assert ActivityKind.TROUBLE in {activity.kind for activity in desk.guard.activities}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"id": 1},
        {"id": 1, "do": "open"},
        {"id": "1", "do": "hello"},
        {"id": 1, "do": "ask"},
        {"id": 1, "do": "ask", "message": []},
        {"id": 1, "do": "ask", "message": {"to": "a@x.test"}},
        {"id": 1, "do": "ask", "message": {"to": [1]}},
        {"id": 1, "do": "ask", "message": {"lists": []}},
        {"id": 1, "do": "ask", "message": {"subject": None}},
        {"id": 1, "do": "release", "message": {}},
        {"id": 1, "do": "sent", "ask": "1"},
    ],
)
def test_what_is_not_in_the_protocol_ends_the_conversation_and_no_other(desk: Desk, said: dict[str, Any]) -> None:
    good, bad = desk.addon(), desk.addon()
    assert good.talk("hello")["protocol"] == 1
    bad.socket.sendall(frame(said))
    assert bad.is_ended()
    assert good.talk("count", message=message("a@x.test"))["label"] == "reaches 1 person"


def test_a_question_asked_twice_under_one_number_ends_the_conversation(desk: Desk) -> None:
    addon = desk.addon()
    number = addon.say("ask", message=message("big@lists.test"))
    desk.guard.asker.question()
    addon.socket.sendall(frame({"id": number, "do": "ask", "message": message("big@lists.test")}))
    desk.wait_for(State.CANCELLED)


def test_more_entries_than_can_be_counted_are_no_message() -> None:
    with pytest.raises(NotAMessage):
        Composed.of(message(*["a@x.test"] * (MOST + 1)))


def test_more_thunderbirds_than_a_person_has_are_turned_away(desk: Desk) -> None:
    for _ in range(MOST_THUNDERBIRDS):
        assert desk.addon().talk("hello")["protocol"] == 1
    assert desk.addon().is_ended()
    assert desk.gate.thunderbirds == MOST_THUNDERBIRDS


def test_a_gate_that_stops_withdraws_every_question_and_ends_every_conversation() -> None:
    with desk_of(Guard()) as desk:
        addon = desk.addon()
        addon.say("ask", message=message("big@lists.test"))
        desk.guard.asker.question()
        desk.gate.stop()
        desk.wait_for(State.CANCELLED)
        assert desk.gate.state == "stopped"
        assert not desk.path.exists()
