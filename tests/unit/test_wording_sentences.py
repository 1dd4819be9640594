"""Every reason, state and refusal has its sentence, in English and German, and none says more than is known."""

import typing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sendguard.audience.audience import AddressKind, Audience, Part
from sendguard.audience.count import Basis, Count
from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome, Record, State
from sendguard.guard.ports import Activity, ActivityKind
from sendguard.mail.header import Problem
from sendguard.mail.kind import Kind
from sendguard.mail.message import Message
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy import reasons as why
from sendguard.policy.action import Action
from sendguard.policy.verdict import Verdict
from sendguard.wording import events, reasons
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences

NOW = datetime(2026, 11, 24, 12, 0).astimezone()
LIST = "croydonpractices@nhs.test"
MANY = Count.exact(850_112, "directory", NOW.replace(hour=7))

EVERY_REASON: tuple[why.Reason, ...] = (
    why.ReplyReachesMany(Count.exact(412), 20),
    why.ReachesMany(MANY, 100),
    why.UnknownSize(LIST, "name_pattern"),
    why.UnknownSize(LIST),
    why.ManyOutside(1, 1),
    why.ManyOutside(14, 10),
    why.Grown(LIST, 14, datetime(2026, 11, 7).astimezone(), 850_112),
    why.Grown(LIST, 14, None, 850_112),
    why.Grown(LIST, 14, NOW - timedelta(days=1), 850_112),
    why.Protected(LIST, "Ask the board first."),
    why.Protected(LIST),
    why.Blocked(LIST, "Closed since today."),
    why.Blocked(LIST),
    why.Blocked(LIST, "Closed.", ("ann@nhs.test", "bo@nhs.test")),
    why.Blocked("", "It has grown too long."),
    why.NeedsCode(LIST, "Ask the service desk."),
    why.NeedsCode("", "", ("ann@nhs.test",)),
    why.MayApprove(LIST, "Closed."),
    why.MayApprove(""),
    why.TooLarge(MANY, 100_000),
    why.SourcesDisagree(LIST, Count.exact(14), MANY),
    why.SourceSilent("directory", "timeout"),
    why.SourceSilent("LDAP", "broken"),
    *(why.Unreadable(problem) for problem in Problem),
    why.NoRecipients(),
    why.VisibleRecipients(40),
    why.NewOutsider("x@elsewhere.test"),
    why.MissingAttachment("attached"),
    why.EmptySubject(),
    *(why.AnswerIsStale(what) for what in ("audience", "policy", "message")),
    why.PossiblySent(NOW),
)


def sentences(language: str = "en") -> Sentences:
    return Sentences(Catalogue.for_language(language, now=lambda: NOW))


def judgement(count: Count = MANY, *found: why.Reason) -> Judgement:
    submission = Submission(
        Hook.SMTP_GATE, "work", Message(subject="secret subject"), Envelope.of("me@nhs.test", (LIST,)), Kind.NEW
    )
    return Judgement(submission, Audience(count, typed=1), Verdict(Action.CONFIRM, found))


def record(state: State = State.SENT) -> Record:
    return Record(
        id="1", hook=Hook.SMTP_GATE, account="work", state=state, kind=Kind.NEW, typed=1, low=412, high=412,
        basis=Basis.EXACT, action=Action.CONFIRM, reasons=(), rules_version="", received_at=NOW, changed_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("count", "english", "german"),
    [
        (Count.exact(1), "1 person", "1 Person"),
        (MANY, "850,112 people", "850.112 Personen"),
        (Count(3, 412, Basis.AT_MOST), "up to 412 people", "bis zu 412 Personen"),
        (Count(412, 412, Basis.ESTIMATE), "about 412 people", "etwa 412 Personen"),
        (Count(12, None, Basis.AT_LEAST), "at least 12 people", "mindestens 12 Personen"),
        (Count.unknown(), "nobody knows how many people", "niemand weiß, wie viele Personen"),
        (
            Count.unknown(at_least=12),
            "at least 12 people, and a list of unknown size",
            "mindestens 12 Personen und eine Liste unbekannter Größe",
        ),
    ],
)
def test_a_count_is_said_as_surely_as_it_is_known(count: Count, english: str, german: str) -> None:
    assert sentences("en").people(count) == english
    assert sentences("de").people(count) == german


def test_the_basis_says_whence_a_number_is_and_how_old() -> None:
    assert sentences().basis(MANY) == "Exact · from the organisation's directory of today, 07:00"
    assert sentences("de").basis(MANY) == "Genau · Quelle: Verzeichnis der Organisation, Stand heute, 07:00"
    assert sentences().basis(Count.exact(3)) == "Exact"
    assert sentences().basis(Count.exact(3, "LDAP")) == "Exact · from LDAP"
    assert sentences().basis(Count(2, 2, Basis.ASSUMED)) == "Assumed: each address is taken for one person"


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_basis_has_its_words_and_its_button(basis: Basis, language: str) -> None:
    high = None if basis.open_ended else 12
    count = Count(12, high, basis)
    assert sentences(language).basis(count)
    assert ("send" if language == "en" else "sende") in sentences(language).send_to(count).lower()
    if basis not in {Basis.EXACT, Basis.ASSUMED}:
        assert sentences(language).people(count) != sentences(language).people(Count.exact(12))


def test_a_part_names_the_lists_it_goes_through() -> None:
    part = Part(LIST, AddressKind.LIST, MANY, (LIST, "all-england@nhs.test"), lists_inside=1204)
    assert sentences().part(part) == f"{LIST} → all-england@nhs.test → 1,204 lists inside · 850,112 people"
    assert sentences().part(Part("ben@nhs.test", AddressKind.PERSON, Count.exact(1))) == "ben@nhs.test"


def test_a_part_says_what_only_it_brings_and_the_overlap_is_said_once() -> None:
    def listed(name: str, people: int, only: int | None) -> Part:
        return Part(f"{name}@x.test", AddressKind.LIST, Count.exact(people), only=only)

    both = Audience(Count.exact(60), 2, parts=(listed("one", 40, 20), listed("two", 40, 20)))
    assert sentences().part(both.parts[0]) == "one@x.test · 40 people · 20 only through it"
    assert sentences().overlap(both) == "20 people are reached more than once, and counted once"
    assert sentences("de").overlap(both) == "20 Personen werden mehrfach erreicht und einmal gezählt"
    apart = Audience(Count.exact(80), 2, parts=(listed("one", 40, 40), listed("two", 40, 40)))
    assert (sentences().part(apart.parts[0]), sentences().overlap(apart)) == ("one@x.test · 40 people", "")
    assert sentences().overlap(replace(both, parts=(listed("one", 40, None),))) == ""
    assert sentences().overlap(replace(both, count=Count(40, 80, Basis.AT_MOST))) == ""


def test_growth_is_said_with_the_earlier_size() -> None:
    grown = why.Grown(LIST, 14, datetime(2026, 11, 7).astimezone(), 850_112)
    assert sentences().reason(grown) == f"{LIST} had 14 people on 7 November, it has 850,112 today."
    assert sentences("de").reason(grown) == f"{LIST} hatte am 7. November 14 Personen, heute sind es 850.112."


def test_every_class_of_reason_is_in_this_test() -> None:
    assert {type(reason) for reason in EVERY_REASON} == set(typing.get_args(why.Reason))


@pytest.mark.parametrize("reason", EVERY_REASON, ids=lambda reason: reason.code)
def test_every_reason_has_a_sentence_in_both_languages(reason: why.Reason) -> None:
    english, german = sentences("en").reason(reason), sentences("de").reason(reason)
    assert english != german
    for said in (english, german):
        assert said.endswith(".")
        assert not said[0].islower() or said.startswith((LIST, "x@"))
        assert "{" not in said


def test_nothing_claims_to_know_which_button_was_pressed() -> None:
    for kind in Kind:
        assert "press" not in sentences().kind(kind)
        assert "drück" not in sentences("de").kind(kind)


def test_every_enum_has_its_words() -> None:
    assert set(events.KINDS) == set(Kind)
    assert set(events.STATES) == set(State)
    assert set(events.OUTCOMES) == set(Outcome)
    assert set(events.HOOKS) == set(Hook)
    assert set(reasons._PROBLEMS) == set(Problem)
    say = sentences("de")
    assert say.state(State.SENT) == "gesendet"
    assert say.outcome(Outcome.DONT_SEND) == "Sie haben es sich anders überlegt"
    assert say.hook(Hook.SMTP_GATE) == "SMTP-Tor"
    assert say.hint("list_post") == "Die Nachricht, auf die Sie antworten, nennt sie als Mailingliste."
    assert say.hint("what nobody knows") == ""


def replies(language: str) -> list[str]:
    say = sentences(language)
    held = judgement(MANY, why.Protected(LIST), why.Blocked(LIST, "Closed: ask the board. " * 20))
    return [
        *(say.refusal(outcome, held) for outcome in Outcome if outcome is not Outcome.SEND),
        say.refusal(Outcome.BLOCKED, judgement(MANY, why.Blocked(LIST))),
        say.refusal(Outcome.BLOCKED, judgement(MANY, why.TooLarge(MANY, 100_000))),
        say.refusal(Outcome.BLOCKED, judgement(MANY)),
        say.refusal(Outcome.DONT_SEND, judgement(Count.exact(0))),
        say.refusal(Outcome.DONT_SEND, judgement(Count.unknown(at_least=12))),
        say.try_again(held),
        say.cannot_ask(),
        say.fault(),
    ]


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_reply_to_the_mail_client_is_three_short_lines_that_name_nobody(language: str) -> None:
    for reply in replies(language):
        lines = reply.split("\n")
        assert len(lines) == 3
        assert all(0 < len(line) <= 200 for line in lines)
        assert "@" not in reply
        assert "secret subject" not in reply
        assert "{" not in reply


def test_an_english_reply_to_the_mail_client_is_ascii() -> None:
    for reply in replies("en"):
        assert reply.isascii()


def test_what_may_be_sent_is_refused_with_no_words() -> None:
    assert sentences().refusal(Outcome.SEND, judgement()) == ""


def test_the_organisations_own_words_reach_the_mail_client() -> None:
    reply = sentences().refusal(Outcome.BLOCKED, judgement(MANY, why.Blocked(LIST, "Closed since today.")))
    assert reply.startswith("SendGuard did not send this message: Closed since today.")


@pytest.mark.parametrize("kind", ActivityKind)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_activity_is_said_without_an_address(kind: ActivityKind, language: str) -> None:
    known = Activity(kind, NOW, judgement=judgement(), detail="login")
    for activity in (known, replace(known, judgement=None, record=record()), replace(known, judgement=None)):
        said = sentences(language).activity(activity)
        assert said.endswith((".", "?"))
        assert "@" not in said


def test_a_row_of_the_history_says_how_many_people() -> None:
    assert sentences().record_people(record()) == "412 people"


@pytest.mark.parametrize("code", [*events.TROUBLES, "what nobody knows"])
def test_every_trouble_is_said_in_both_languages(code: str) -> None:
    assert sentences("en").trouble(code) != sentences("de").trouble(code)
