"""The rule: what must happen before a submission may leave."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sendguard.audience.audience import AddressKind, Audience, Disagreement, Missed, Part, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.patterns import local_part, matches
from sendguard.mail.address import Mailbox
from sendguard.mail.body import Body
from sendguard.mail.header import Problem
from sendguard.mail.kind import Kind
from sendguard.mail.message import Message
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.action import Action
from sendguard.policy.reasons import (
    Blocked,
    EmptySubject,
    Grown,
    ManyOutside,
    MissingAttachment,
    NewOutsider,
    NoRecipients,
    Protected,
    ReachesMany,
    ReplyReachesMany,
    SourcesDisagree,
    SourceSilent,
    TooLarge,
    UnknownSize,
    Unreadable,
    VisibleRecipients,
)
from sendguard.policy.rules import Check, ListRule, Rules
from sendguard.policy.verdict import Verdict, verdict

DAY = datetime(2026, 11, 3, tzinfo=UTC)
QUIET = Message(originators=(Mailbox("", "me@x.test"),), subject="hello", body=Body("hello", 0))


def submission(kind: Kind = Kind.NEW, message: Message = QUIET, original: Message | None = None) -> Submission:
    return Submission(Hook.COMMAND_LINE, "", message, Envelope("me@x.test", ("a@x.test",)), kind, original=original)


def reaching(count: Count | int, *parts: Part, external: int = 0) -> Audience:
    return Audience(Count.exact(count) if isinstance(count, int) else count, max(1, len(parts)), external, parts=parts)


def a_list(address: str = "team@x.test", count: Count | int = 14, seen: Seen | None = None) -> Part:
    return Part(address, AddressKind.LIST, Count.exact(count) if isinstance(count, int) else count, seen=seen)


def judge(audience: Audience, kind: Kind = Kind.NEW, **rules: object) -> Verdict:
    return verdict(submission(kind), audience, replace(Rules(), **rules))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("people", "kind", "action"),
    [
        (19, Kind.REPLY_ALL, Action.SEND),
        (20, Kind.REPLY_ALL, Action.CONFIRM),
        (20, Kind.REPLY, Action.CONFIRM),
        (20, Kind.REPLY_LIST, Action.CONFIRM),
        (20, Kind.NEW, Action.SEND),
        (99, Kind.FORWARD, Action.SEND),
        (100, Kind.NEW, Action.CONFIRM),
        (100, Kind.REDIRECT, Action.CONFIRM),
        (499, Kind.NEW, Action.CONFIRM),
        (500, Kind.NEW, Action.CONFIRM_TYPED),
        (850_112, Kind.REPLY, Action.CONFIRM_TYPED),
    ],
)
def test_the_tiers(people: int, kind: Kind, action: Action) -> None:
    assert judge(reaching(people), kind).action is action
    assert action.asks == (action in {Action.CONFIRM, Action.CONFIRM_TYPED})


def test_only_the_highest_tier_is_given_as_the_reason() -> None:
    count = Count.exact(600)
    assert judge(reaching(600), Kind.REPLY_ALL).reasons == (ReachesMany(count, 500),)
    assert judge(reaching(100), Kind.REPLY_ALL).reasons == (ReachesMany(Count.exact(100), 100),)
    assert judge(reaching(30), Kind.REPLY_ALL).reasons == (ReplyReachesMany(Count.exact(30), 20),)


def test_a_tier_of_zero_is_off() -> None:
    off = {"ask_reply_from": 0, "ask_any_from": 0, "type_from": 0, "ask_outside_from": 0, "growth_factor": 0}
    audience = reaching(10_000, a_list(count=10_000, seen=Seen(1)), external=10_000)
    assert judge(audience, Kind.REPLY_ALL, **off).action is Action.SEND


def test_an_unknown_list_has_its_name_typed() -> None:
    found = judge(reaching(Count.unknown(), a_list("All-Staff@x.test", Count.unknown())))
    assert found.action is Action.CONFIRM_TYPED
    assert found.reasons == (UnknownSize("All-Staff@x.test"),)
    assert found.accepts("all-staff")
    assert found.accepts(" all-staff@x.test ")
    assert not found.accepts("")
    assert not found.accepts("staff")


def test_what_is_known_beside_an_unknown_list_is_a_reason_of_its_own() -> None:
    found = judge(reaching(Count.unknown("", 600), a_list(count=Count.unknown())))
    assert [type(reason) for reason in found.reasons] == [UnknownSize, ReachesMany]


def test_an_open_count_is_larger_than_every_threshold() -> None:
    found = judge(reaching(Count(3, None, Basis.AT_LEAST), a_list(count=Count(3, None, Basis.AT_LEAST))))
    assert found.action is Action.CONFIRM_TYPED
    assert found.accepts("3")


@pytest.mark.parametrize("typed", ["850112", "850,112", "850.112", "850 112", "850\u202f112", "850’112"])
def test_the_number_may_be_typed_with_any_grouping(typed: str) -> None:
    assert judge(reaching(850_112)).accepts(typed)
    assert not judge(reaching(850_112)).accepts("850113")


def test_nothing_has_to_be_typed_below_and_nothing_helps_above() -> None:
    assert judge(reaching(100)).accepts("")
    assert not judge(reaching(100), block_from=100).accepts("100")


def test_ten_outsiders_are_asked_about() -> None:
    assert judge(reaching(10, external=9)).action is Action.SEND
    assert judge(reaching(10, external=10)).reasons == (ManyOutside(10, 10),)


def test_a_block_at_a_size_refuses() -> None:
    found = judge(reaching(1000), block_from=1000)
    assert found.action is Action.BLOCK
    assert found.reasons[0] == TooLarge(Count.exact(1000), 1000)
    assert judge(reaching(Count.unknown(), a_list(count=Count.unknown())), block_from=1000).action.asks


def test_protected_lists_ask_and_blocked_lists_refuse_with_their_own_message() -> None:
    rules = {"protected": (ListRule("team*", "Ask Ann."),), "blocked": (ListRule("*@x.test", "Not today."),)}
    assert judge(reaching(3, a_list()), protected=rules["protected"]).reasons == (Protected("team@x.test", "Ask Ann."),)
    assert judge(reaching(3, a_list()), protected=rules["protected"]).action is Action.CONFIRM
    assert judge(reaching(3, a_list()), **rules).reasons == (Blocked("team@x.test", "Not today."),)
    assert judge(reaching(3, a_list()), blocked=(ListRule("other"),)).action is Action.SEND


def test_a_list_inside_a_typed_one_is_protected_too() -> None:
    part = replace(a_list("croydon@x.test"), path=("croydon@x.test", "england@x.test"))
    assert judge(reaching(3, part), blocked=(ListRule("england"),)).action is Action.BLOCK


@pytest.mark.parametrize(
    ("before", "now", "grown"),
    [(14, 114, True), (14, 113, False), (60, 179, False), (60, 180, True), (200, 100, False)],
)
def test_threefold_growth_by_a_hundred_is_asked_about(before: int, now: int, grown: bool) -> None:
    found = judge(reaching(1, a_list(count=now, seen=Seen(before, DAY))))
    assert (Grown("team@x.test", before, DAY, now) in found.reasons) is grown
    assert found.action is (Action.CONFIRM if grown else Action.SEND)


def test_growth_is_seen_in_a_lower_bound_and_not_in_an_unknown_size() -> None:
    at_least = a_list(count=Count(900, None, Basis.AT_LEAST), seen=Seen(14, DAY))
    assert Grown("team@x.test", 14, DAY, 900) in judge(reaching(1, at_least)).reasons
    assert judge(reaching(1, a_list(count=Count.unknown(), seen=Seen(1)))).reasons == (UnknownSize("team@x.test"),)


def test_doubts_are_asked_about() -> None:
    one, other = Count.exact(3), Count.exact(300)
    audience = replace(
        reaching(3), missed=(Missed("ldap", "timeout"),), disagreements=(Disagreement("a@x.test", one, other),)
    )
    message = replace(QUIET, problems=frozenset({Problem.HEADER_TOO_LARGE}))
    found = verdict(submission(message=message), audience, Rules())
    assert found.action is Action.CONFIRM
    assert found.reasons == (
        SourceSilent("ldap", "timeout"),
        SourcesDisagree("a@x.test", one, other),
        Unreadable(Problem.HEADER_TOO_LARGE),
    )


def test_a_message_to_nobody_is_asked_about() -> None:
    assert judge(Audience()).reasons == (NoRecipients(),)


def test_a_verdict_names_the_version_of_its_rules() -> None:
    assert judge(reaching(1)).rules_version == Rules().version
    assert Rules().version != Rules(type_from=400).version


def boxes(count: int, domain: str = "x.test") -> tuple[Mailbox, ...]:
    return tuple(Mailbox("", f"p{n}@{domain}") for n in range(count))


@pytest.mark.parametrize(
    ("message", "switch", "reason"),
    [
        (replace(QUIET, to=boxes(10), cc=boxes(15)), "check_visible", VisibleRecipients(15)),
        (replace(QUIET, body=Body("See the Attachment.", 0)), "check_attachment", MissingAttachment("attachment")),
        (replace(QUIET, subject="Datei im Anhang"), "check_attachment", MissingAttachment("anhang")),
        (replace(QUIET, subject="  "), "check_subject", EmptySubject()),
    ],
)
def test_small_checks_are_said_and_ask_only_where_they_are_told_to(
    message: Message, switch: str, reason: object
) -> None:
    for check, action in ((Check.NOTICE, Action.NOTICE), (Check.ASK, Action.CONFIRM)):
        found = verdict(submission(message=message), reaching(1), Rules(**{switch: check}))  # type: ignore[arg-type]
        assert (found.action, found.reasons) == (action, (reason,))
    assert verdict(submission(message=message), reaching(1), Rules(**{switch: Check.OFF})).reasons == ()  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [Body("attached", 1), Body("attached", None), Body("unattachedly", 0)])
def test_an_attachment_that_is_there_or_not_spoken_of_is_not_missed(body: Body) -> None:
    assert verdict(submission(message=replace(QUIET, body=body)), reaching(1), Rules()).reasons == ()


def test_an_outsider_who_was_not_in_the_conversation_is_told() -> None:
    original = Message(originators=boxes(1, "y.test"), to=(Mailbox("", "me@x.test"),))
    audience = replace(reaching(2), outside_addresses=("p0@y.test", "stranger@z.test"))
    found = verdict(submission(Kind.REPLY, original=original), audience, Rules())
    assert found.reasons == (NewOutsider("stranger@z.test"),)
    assert verdict(submission(Kind.REPLY), audience, Rules()).reasons == ()
    assert verdict(submission(Kind.FORWARD, original=original), audience, Rules()).reasons == ()


def test_what_was_noticed_stands_behind_what_was_asked_about() -> None:
    found = verdict(submission(message=replace(QUIET, subject="")), reaching(100), Rules())
    assert [type(reason) for reason in found.reasons] == [ReachesMany, EmptySubject]
    assert found.action is Action.CONFIRM


def test_patterns_without_an_at_fit_the_local_part() -> None:
    assert matches("all-staff@x.test", "ALL-*")
    assert matches("x@lists.y.test", "*@lists.*")
    assert not matches("tall-x@y.test", "all-*")
    assert local_part("@x.test") == "@x.test"
    assert local_part("team") == "team"
