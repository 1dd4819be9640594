"""Rules about single lists and conversations: who is stopped, who can go on, and what monitoring leaves in force."""

from dataclasses import replace

import pytest

from sendguard.audience.audience import AddressKind, Audience, Part
from sendguard.audience.count import Count
from sendguard.mail.address import Mailbox
from sendguard.mail.kind import Kind
from sendguard.mail.message import Message
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy.action import Action
from sendguard.policy.lifting import digest_of
from sendguard.policy.reasons import Blocked, MayApprove, NeedsCode, Protected, TooLarge
from sendguard.policy.rules import ListRule, Rules
from sendguard.policy.verdict import Verdict, verdict

ALL, STAFF, ME, BOSS = "all@x.test", "staff@x.test", "me@x.test", "boss@x.test"
CODE, OTHER = "7QK2-M9XD-4TFW-8HNB", "AAAA-BBBB-CCCC-DDDD"
ASK, STOP = ListRule(ALL, "Ask first."), ListRule(ALL, "Closed.")


def mail(sender: str = ME, envelope: str | None = None, **message: object) -> Submission:
    read = replace(Message(originators=(Mailbox("", sender),), subject="s"), **message)  # type: ignore[arg-type]
    return Submission(
        Hook.COMMAND_LINE, "", read, Envelope(sender if envelope is None else envelope, (ALL,)), Kind.REPLY
    )


def judged(rules: Rules, submission: Submission | None = None, *lists: str, people: int = 3) -> Verdict:
    parts = tuple(Part(each, AddressKind.LIST, Count.exact(people)) for each in lists or (ALL,))
    return verdict(submission or mail(), Audience(Count.exact(people), 1, parts=parts), rules)


def with_code(rule: ListRule, *codes: str) -> ListRule:
    return replace(rule, codes=tuple(map(digest_of, codes or (CODE,))))


@pytest.mark.parametrize(("field", "rule"), [("blocked", STOP), ("protected", ASK)])
def test_a_list_with_a_code_is_open_to_who_has_it(field: str, rule: ListRule) -> None:
    found = judged(Rules(**{field: (with_code(rule),)}))  # type: ignore[arg-type]
    assert found.action is Action.CONFIRM_TYPED
    assert found.to_type == ""
    assert found.reasons[0] == NeedsCode(ALL, rule.message)
    assert found.accepts(" 7qk2m9xd 4tfw-8hnb")
    assert not found.accepts(OTHER)
    assert not found.accepts("")
    assert not found.accepts(digest_of(CODE))


@pytest.mark.parametrize(("field", "rule"), [("blocked", STOP), ("protected", ASK)])
def test_a_list_with_an_approver_is_open_to_them_alone(field: str, rule: ListRule) -> None:
    rules = Rules(**{field: (replace(rule, approvers=(BOSS,)),)})  # type: ignore[arg-type]
    assert judged(rules).action is Action.BLOCK
    assert judged(rules).reasons == (Blocked(ALL, rule.message, (BOSS,)),)
    allowed = judged(rules, mail(BOSS))
    assert allowed.action is Action.CONFIRM
    assert allowed.reasons == (MayApprove(ALL, rule.message),)


@pytest.mark.parametrize(
    ("sender", "envelope"), [(BOSS, ME), (ME, BOSS), ("", "")], ids=["other envelope", "other From", "nobody"]
)
def test_an_approver_is_whom_header_and_envelope_name_alike(sender: str, envelope: str) -> None:
    rules = Rules(blocked=(replace(STOP, approvers=(BOSS,)),))
    submission = mail(sender, envelope) if sender else mail(originators=())
    submission = submission if sender else replace(submission, envelope=Envelope("", (ALL,)))
    assert judged(rules, submission).action is Action.BLOCK


def test_a_protected_list_without_rights_is_only_asked_about() -> None:
    found = judged(Rules(protected=(ASK,)))
    assert (found.action, found.reasons) == (Action.CONFIRM, (Protected(ALL, "Ask first."),))
    assert judged(Rules(protected=(ASK,), blocked=(STOP,))).reasons == (Blocked(ALL, "Closed."),)


def test_of_two_rules_about_one_list_the_one_nothing_lifts_holds() -> None:
    for order in ((with_code(STOP), STOP), (STOP, with_code(STOP))):
        assert judged(Rules(blocked=order)).action is Action.BLOCK


def test_one_code_must_lift_every_rule_the_message_meets() -> None:
    staff = ListRule(STAFF, "Closed too.")
    both = Rules(blocked=(with_code(STOP, CODE, OTHER), with_code(staff)))
    found = judged(both, None, ALL, STAFF)
    assert found.accepts(CODE)
    assert not found.accepts(OTHER)
    apart = Rules(blocked=(with_code(STOP), with_code(staff, OTHER)))
    found = judged(apart, None, ALL, STAFF)
    assert found.action is Action.BLOCK
    assert found.reasons == (Blocked(ALL, "Closed."), Blocked(STAFF, "Closed too."))


def test_letters_that_look_like_digits_are_read_for_them() -> None:
    assert digest_of("oIl0") == digest_of("0110")


@pytest.mark.parametrize(
    "message",
    [
        {"in_reply_to": "<start@x>"},
        {"references": ("<other@x>", "<start@x>", "<last@x>")},
        {"forwarded_id": "<start@x>"},
    ],
    ids=["reply", "deep in the thread", "forward"],
)
@pytest.mark.parametrize("pattern", ["<start@x>", "start@x"])
def test_a_blocked_conversation_is_refused_wherever_its_message_stands(
    message: dict[str, object], pattern: str
) -> None:
    rules = Rules(blocked_threads=(ListRule(pattern, "Enough."),))
    found = judged(rules, mail(**message))
    assert (found.action, found.reasons) == (Action.BLOCK, (Blocked("", "Enough."),))
    assert judged(rules, mail(in_reply_to="<restart@x>")).action is Action.SEND
    opened = judged(Rules(blocked_threads=(with_code(ListRule(pattern)),)), mail(**message))
    assert opened.accepts(CODE)


def test_monitoring_asks_nothing_and_says_what_would_have_happened() -> None:
    rules = Rules(monitor_only=True, block_from=500, protected=(with_code(ASK),))
    for people, weight in ((3, Action.CONFIRM_TYPED), (800, Action.BLOCK)):
        found = judged(rules, people=people)
        assert (found.action, found.monitored, found.weight) == (Action.SEND, weight, weight)
        assert found.codes == ()
        assert found.accepts("")
    assert any(isinstance(reason, TooLarge) for reason in judged(rules, people=800).reasons)
    assert judged(Rules()).weight is Action.SEND


def test_monitoring_does_not_open_what_is_blocked_by_name() -> None:
    rules = Rules(monitor_only=True, blocked=(STOP,), block_from=100)
    assert judged(rules, people=900).action is Action.BLOCK
    coded = judged(replace(rules, blocked=(with_code(STOP),)), people=900)
    assert coded.action is Action.CONFIRM_TYPED
    assert coded.accepts(CODE)
    assert coded.weight is Action.BLOCK


@pytest.mark.parametrize(
    ("before", "after", "stricter"),
    [
        (Rules(protected=(ASK,)), Rules(protected=(ASK,)), False),
        (Rules(protected=(ASK,)), Rules(), False),
        (Rules(ask_any_from=2), Rules(ask_any_from=2, type_from=3), True),
        (Rules(ask_any_from=2), Rules(protected=(ASK,)), True),
        (Rules(type_from=2), Rules(blocked=(with_code(STOP),)), True),
        (Rules(blocked=(with_code(STOP),)), Rules(blocked=(with_code(STOP, OTHER),)), True),
        (Rules(blocked=(with_code(STOP),)), Rules(type_from=2), False),
    ],
)
def test_a_verdict_is_stricter_when_it_demands_more_or_the_organisation_says_more(
    before: Rules, after: Rules, stricter: bool
) -> None:
    assert judged(after).is_stricter_than(judged(before)) is stricter
