"""Which kind of message: after the drafts Thunderbird 153 writes for its compose actions."""

import pytest

from sendguard.mail.address import Mailbox
from sendguard.mail.kind import Kind, classify
from sendguard.mail.message import ListSigns, Message


def boxes(*addresses: str) -> tuple[Mailbox, ...]:
    return tuple(Mailbox("", address) for address in addresses)


OWN = frozenset({"me@x.test"})
ORIGINAL = Message(
    originators=boxes("boss@x.test"), to=boxes("me@x.test", "a@x.test", "b@x.test"), cc=boxes("c@x.test")
)
REPLY = Message(originators=boxes("me@x.test"), subject="Re: party", in_reply_to="<1@x>")


def kind(message: Message, *recipients: str, original: Message | None = None) -> tuple[Kind, bool]:
    judged = classify(message, recipients, original, OWN)
    return judged.kind, judged.trimmed


def test_a_message_that_answers_nothing_is_new() -> None:
    assert kind(Message(subject="party"), "a@x.test") == (Kind.NEW, False)


@pytest.mark.parametrize(
    "message",
    [
        Message(subject="Fwd: party", in_reply_to="<1@x>", references=("<1@x>",), forwarded_id="<1@x>"),
        Message(subject="WG: Feier"),
        Message(subject="fw: party"),
    ],
)
def test_a_forward_is_not_a_reply_though_it_names_its_original(message: Message) -> None:
    assert kind(message, "a@x.test", "b@x.test", original=ORIGINAL)[0] is Kind.FORWARD


@pytest.mark.parametrize(
    "message",
    [
        Message(subject="party", in_reply_to="<1@x>", reply_to=boxes("boss@x.test")),
        Message(subject="party", resent=True),
    ],
)
def test_a_redirect_sends_answers_to_the_first_author(message: Message) -> None:
    assert kind(message, "a@x.test", original=ORIGINAL)[0] is Kind.REDIRECT


def test_a_reply_with_a_reply_to_of_ones_own_is_no_redirect() -> None:
    message = Message(subject="party", in_reply_to="<1@x>", reply_to=boxes("me@x.test"))
    assert kind(message, "boss@x.test", original=ORIGINAL)[0] is Kind.REPLY


@pytest.mark.parametrize(
    ("recipients", "expected"),
    [
        (("boss@x.test", "a@x.test", "b@x.test", "c@x.test"), (Kind.REPLY_ALL, False)),
        (("boss@x.test", "a@x.test", "b@x.test", "c@x.test", "me+tag@x.test"), (Kind.REPLY_ALL, False)),
        (("boss@x.test", "a@x.test", "b@x.test"), (Kind.REPLY_ALL, True)),
        (("boss@x.test", "a@x.test"), (Kind.REPLY, False)),
        (("boss@x.test",), (Kind.REPLY, False)),
    ],
)
def test_with_the_original_a_reply_is_told_by_whom_it_keeps(
    recipients: tuple[str, ...], expected: tuple[Kind, bool]
) -> None:
    assert kind(REPLY, *recipients, original=ORIGINAL) == expected


def test_a_reply_to_the_only_other_person_is_a_reply() -> None:
    original = Message(originators=boxes("boss@x.test"), to=boxes("me@x.test"))
    assert kind(REPLY, "boss@x.test", original=original)[0] is Kind.REPLY


def test_a_reply_to_the_posting_address_alone_is_a_reply_to_the_list() -> None:
    original = Message(
        originators=boxes("boss@x.test"),
        to=boxes("all@lists.test"),
        list_signs=ListSigns(frozenset({"all@lists.test"})),
    )
    assert kind(REPLY, "all@lists.test", original=original)[0] is Kind.REPLY_LIST
    assert kind(REPLY, "boss@x.test", "all@lists.test", original=original)[0] is Kind.REPLY_ALL


def test_without_the_original_two_recipients_make_a_reply_to_all() -> None:
    assert kind(REPLY, "boss@x.test", "a@x.test")[0] is Kind.REPLY_ALL
    assert kind(REPLY, "boss@x.test", "me@x.test")[0] is Kind.REPLY
    assert kind(Message(subject="Re: x", references=("<1@x>",)), "boss@x.test")[0] is Kind.REPLY


def test_which_kinds_are_replies() -> None:
    assert {kind for kind in Kind if kind.is_reply} == {Kind.REPLY, Kind.REPLY_ALL, Kind.REPLY_LIST}
