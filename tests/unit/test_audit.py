"""What the audit puts down of what the gatekeeper does, and what it never does."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.audience.count import Basis
from sendguard.guard.account import Account
from sendguard.guard.audit import MOST_LISTS, AuditLine, By, Line, band, end_of, from_json, line_of, to_json
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Activity, ActivityKind, Answer
from sendguard.guard.ticket import Ticket
from sendguard.mail.submission import Envelope, Hook
from sendguard.policy.lifting import digest_of
from sendguard.policy.rules import ListRule, Rules
from tests.fakes import Guard

CODE = "7QK2-M9XD-4TFW-8HNB"
RAW = (
    b"From: Canary Name <me@x.test>\r\nTo: x@x.test\r\nSubject: canary-subject\r\nMessage-ID: <canary-%d@x>\r\n\r\n"
    b"canary-body\r\n"
)


@pytest.fixture
def guard() -> Guard:
    return Guard()


def received(guard: Guard, *recipients: str, number: int = 1) -> Ticket:
    intake = Intake(Account("canary-account", ("me@x.test",)), Hook.SMTP_GATE)
    envelope = Envelope.of("me@x.test", recipients or ("middle@lists.test",))
    return guard.gatekeeper.receive(intake.submission(RAW % number, envelope))


def lines(guard: Guard) -> list[AuditLine]:
    return [line for activity in guard.activities if (line := line_of(activity, lambda address: f"id({address})"))]


def go(guard: Guard, ticket: Ticket) -> None:
    guard.gatekeeper.begin(ticket, ticket.judgement.submission.raw)


def test_a_decision_says_what_was_demanded_what_was_decided_by_whom_and_how_long_it_took(guard: Guard) -> None:
    ticket = received(guard)
    guard.clock.move(seconds=4.25)
    guard.gatekeeper.answer(ticket.id, Answer.DONT_SEND)
    (line,) = lines(guard)
    assert line == AuditLine(
        Line.DECISION, guard.clock.now, ticket.id, "smtp_gate", "new", "50-199", "exact", guard.rules.version,
        "confirm", asked=True, decision="dont_send", by=By.PERSON, seconds=4.2, state="refused",
        reasons=("reaches_many",),
        lists=("id(middle@lists.test)",),
    )  # fmt: skip


def test_what_is_sent_has_a_line_for_the_decision_and_one_for_its_end(guard: Guard) -> None:
    ticket = received(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    go(guard, ticket)
    guard.gatekeeper.sent(ticket)
    decided, ended = lines(guard)
    assert (decided.kind, decided.decision, decided.state) == (Line.DECISION, "send", "approved")
    assert (ended.kind, ended.decision, ended.state, ended.asked) == (Line.END, "send", "sent", True)
    assert decided.id == ended.id == ticket.id
    assert ended.by == ""


def test_what_nobody_had_to_be_asked_about_has_its_end_only(guard: Guard) -> None:
    ticket = received(guard, "a@x.test")
    go(guard, ticket)
    guard.gatekeeper.sent(ticket)
    (line,) = lines(guard)
    assert (line.kind, line.verdict, line.decision, line.asked) == (Line.END, "send", "send", False)
    assert (line.people, line.basis, line.lists) == ("1", "assumed", ())


@pytest.mark.parametrize("how", ["lost", "refused", "deferred"])
def test_every_other_end_is_a_line_as_well(guard: Guard, how: str) -> None:
    ticket = received(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    go(guard, ticket)
    getattr(guard.gatekeeper, how)(ticket, "upstream_451")
    assert (lines(guard)[-1].kind, lines(guard)[-1].detail) == (Line.END, "upstream_451")
    assert lines(guard)[-1].state == ("unknown" if how == "lost" else "refused")


def test_a_withdrawn_question_was_decided_by_nobody(guard: Guard) -> None:
    ticket = received(guard)
    guard.gatekeeper.cancel(ticket)
    (line,) = lines(guard)
    assert (line.kind, line.decision, line.state, line.detail) == (Line.END, "cancelled", "cancelled", "client_gone")


def test_a_refusal_by_the_rules_and_one_because_nobody_could_be_asked_say_so(guard: Guard) -> None:
    guard.rules = Rules(blocked=(ListRule("middle", "Closed."),))
    received(guard)
    guard.rules = Rules()
    guard.asker.can_ask = False
    received(guard, number=2)
    blocked, nobody = lines(guard)
    assert (blocked.verdict, blocked.decision, blocked.by, blocked.asked) == ("block", "blocked", By.RULES, False)
    assert (nobody.verdict, nobody.decision, nobody.by, nobody.seconds) == ("confirm", "cannot_ask", By.NOBODY, None)


def test_seconds_run_from_when_the_question_was_on_the_screen(guard: Guard) -> None:
    first, second = received(guard, number=1), received(guard, number=2)
    guard.clock.move(seconds=60)
    guard.gatekeeper.answer(first.id, Answer.DONT_SEND)
    guard.clock.move(seconds=3)
    guard.gatekeeper.answer(second.id, Answer.DONT_SEND)
    assert [line.seconds for line in lines(guard)] == [60, 3]


def test_a_stricter_question_is_timed_anew(guard: Guard) -> None:
    received(guard)
    guard.clock.move(seconds=60)
    guard.rules = Rules(type_from=120)
    guard.gatekeeper.policy_changed()
    guard.clock.move(seconds=5)
    guard.gatekeeper.answer(guard.asker.question().id, Answer.DONT_SEND)
    (line,) = lines(guard)
    assert (line.seconds, line.verdict) == (5, "typed")


def test_an_override_names_its_code_by_a_digest_also_when_the_answer_is_kept_for_the_next_try(guard: Guard) -> None:
    guard.rules = Rules(blocked=(ListRule("middle", "Closed.", (digest_of(CODE),)),))
    ticket = received(guard)
    guard.gatekeeper.let_go(ticket)
    guard.gatekeeper.answer(ticket.id, Answer.SEND, CODE)
    again = received(guard, number=2)
    go(guard, again)
    guard.gatekeeper.sent(again)
    answered, tried, ended = lines(guard)
    assert (answered.verdict, answered.code) == ("code", digest_of(CODE)[:8])
    assert (answered.by, answered.detail) == (By.PERSON, "answered_for_next_try")
    assert (tried.by, tried.decision, tried.seconds) == (By.EARLIER, "send", None)
    assert ended.state == "sent"
    assert CODE not in repr(lines(guard))


def test_an_approver_is_named_by_a_pseudonym_and_nobody_else_who_sends(guard: Guard) -> None:
    guard.rules = Rules(blocked=(ListRule("middle", "Closed.", approvers=("me@x.test",)),))
    ticket = received(guard)
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    guard.rules = Rules()
    other = received(guard, number=2)
    guard.gatekeeper.answer(other.id, Answer.SEND)
    assert [line.approver for line in lines(guard)] == ["id(me@x.test)", ""]


def test_an_approver_whose_message_has_no_from_is_named_by_the_envelope(guard: Guard) -> None:
    guard.rules = Rules(blocked=(ListRule("middle", "Closed.", approvers=("me@x.test",)),))
    intake = Intake(Account("work", ("me@x.test",)), Hook.SMTP_GATE)
    submission = intake.submission(b"Subject: x\r\n\r\nx\r\n", Envelope.of("me@x.test", ("middle@lists.test",)))
    ticket = guard.gatekeeper.receive(submission)
    guard.gatekeeper.cancel(ticket)
    assert lines(guard)[0].approver == "id(me@x.test)"


def test_what_was_only_monitored_says_what_it_would_have_been(guard: Guard) -> None:
    guard.rules = Rules(monitor_only=True, block_from=100)
    ticket = received(guard)
    go(guard, ticket)
    guard.gatekeeper.sent(ticket, unheard=True)
    (line,) = lines(guard)
    assert (line.verdict, line.monitored, line.decision, line.asked) == ("block", True, "send", False)
    assert line.detail == "unheard"


def test_what_a_crash_left_has_an_end_without_lists(guard: Guard) -> None:
    ticket = received(guard)
    guard.gatekeeper.recover()
    row = guard.ledger.get(ticket.id)  # type: ignore[attr-defined]
    line = end_of(row, guard.clock.now)
    assert (line.kind, line.state, line.detail, line.lists) == (Line.END, "cancelled", "restart", ())


def test_a_row_settled_by_a_person_is_a_line_and_a_warning_is_none(guard: Guard) -> None:
    ticket = received(guard, "a@x.test")
    go(guard, ticket)
    guard.gatekeeper.lost(ticket)
    guard.gatekeeper.settle(ticket.id, was_sent=True, detail="person")
    intake = Intake(Account("work", ("me@x.test",)), Hook.IMAP_DRAFTS)
    guard.gatekeeper.warn(intake.submission(RAW % 3, Envelope.of("me@x.test", ("big@lists.test",))))
    guard.gatekeeper.trouble("ledger")
    assert [(line.kind, line.state) for line in lines(guard)] == [(Line.END, "unknown"), (Line.END, "sent")]
    assert lines(guard)[-1].detail == "person"


def test_a_held_message_is_no_line_before_somebody_has_decided(guard: Guard) -> None:
    ticket = received(guard)
    held = Activity(ActivityKind.HELD, guard.clock.now, guard.ledger.get(ticket.id))  # type: ignore[attr-defined]
    assert line_of(held, str) is None
    assert lines(guard) == []


def test_a_detail_that_is_no_code_is_not_repeated(guard: Guard) -> None:
    ticket = received(guard, "a@x.test")
    go(guard, ticket)
    guard.gatekeeper.refused(ticket, "550 <canary@x.test> unknown")
    assert lines(guard)[0].detail == "other"


def test_the_lists_of_a_line_are_those_typed_and_those_they_lead_through_and_not_more_than_a_receiver_takes(
    guard: Guard,
) -> None:
    guard.directory.sizes |= {f"l{n}@lists.test": 5 for n in range(MOST_LISTS + 5)}
    ticket = received(guard, *(f"l{n}@lists.test" for n in range(MOST_LISTS + 5)), "person@x.test")
    guard.gatekeeper.cancel(ticket)
    activity = guard.activities[-1]
    (line,) = lines(guard)
    assert (len(line.lists), line.lists_left_out) == (MOST_LISTS, 5)
    assert "id(person@x.test)" not in line.lists
    assert len(to_json(replace(line, lists=tuple("0123456789abcdef" for _ in line.lists)))) < 2048
    judgement = activity.judgement
    assert judgement is not None
    parts = judgement.audience.lists[:1]
    nested = replace(parts[0], path=(parts[0].address, "inner@lists.test", "inner@lists.test"))
    through = replace(judgement, audience=replace(judgement.audience, parts=(nested,)))
    found = line_of(replace(activity, judgement=through), lambda address: address)
    assert found is not None
    assert (found.lists, found.through) == (("l0@lists.test",), ("inner@lists.test",))


def test_no_line_holds_an_address_a_subject_a_text_a_message_id_or_an_account(guard: Guard) -> None:
    ticket = received(guard, "middle@lists.test", "canary@x.test")
    guard.gatekeeper.answer(ticket.id, Answer.SEND)
    go(guard, ticket)
    guard.gatekeeper.sent(ticket)
    said = b"".join(to_json(found) for a in guard.activities if (found := line_of(a, lambda _: "0f")))
    assert said
    assert b"canary" not in said.lower()
    assert b"@" not in said


# Bands


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 0, "0"), (1, 1, "1"), (2, 2, "2-9"), (9, 9, "2-9"), (10, 10, "10-49"), (49, 49, "10-49"),
        (50, 50, "50-199"),
        (100, 199, "50-199"), (200, 200, "200-999"), (999, 999, "200-999"), (1000, 1000, "1000-9999"),
        (5, 10_000, "10000-99999"), (850_112, 850_112, "100000+"),
    ],
)  # fmt: skip
def test_a_number_is_put_down_as_its_band(low: int, high: int, said: str) -> None:
    assert band(low, high, Basis.AT_MOST) == said


def test_an_open_count_has_no_upper_bound_in_its_band() -> None:
    assert band(2, None, Basis.UNKNOWN) == "unknown"
    assert band(12, None, Basis.UNKNOWN) == "10-49 or more"
    assert band(2, None, Basis.AT_LEAST) == "2-9 or more"
    assert band(200_000, None, Basis.AT_LEAST) == "100000+ or more"


# JSON

WHEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FULL = AuditLine(
    Line.DECISION, WHEN, "a1", "smtp_gate", "reply", "10-49", "exact", "v", "code", monitored=True, asked=True,
    decision="send", by="person", seconds=0.0, state="approved", detail="code_0123abcd", reasons=("needs_code",),
    lists=("0f",), through=("1e",), lists_left_out=3, code="0123abcd", approver="2d", lost=4,
)  # fmt: skip


def test_a_line_is_one_line_of_ascii_and_is_read_as_it_was_written() -> None:
    octets = to_json(FULL)
    assert b"\n" not in octets
    assert octets.isascii()
    assert json.loads(octets)["v"] == 1
    assert from_json(octets) == FULL
    assert set(json.loads(to_json(AuditLine(Line.STARTED, WHEN)))) == {"v", "kind", "time"}
    assert from_json(to_json(AuditLine(Line.STARTED, WHEN))) == AuditLine(Line.STARTED, WHEN)


@pytest.mark.parametrize(
    "octets",
    [b"", b"{", b"[]", b"null", b"{}", b'{"kind":"decision"}', b'{"kind":"x","time":"2026-11-24T09:00:00+00:00"}',
     b'{"kind":"end","time":"soon"}', b'{"kind":"end","time":7}', b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_line_is_none(octets: bytes) -> None:
    assert from_json(octets) is None


def test_fields_of_another_type_are_left_empty() -> None:
    said = {"kind": "end", "time": WHEN.isoformat(), "id": 7, "asked": "yes", "lists": "abc", "reasons": [1, "grown"],
            "seconds": "long", "lost": True, "people": None}  # fmt: skip
    assert from_json(json.dumps(said).encode()) == AuditLine(Line.END, WHEN, reasons=("grown",))


@given(st.binary(max_size=200))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    from_json(octets)
