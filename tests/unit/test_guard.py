"""Accounts, intake, rules, reports: what stands around the gatekeeper."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sendguard.audience.audience import AddressKind, Audience, Part
from sendguard.audience.count import Count
from sendguard.guard.account import Account, ExchangeServer, Login, Security, Server
from sendguard.guard.intake import Intake, NoOriginals, composition_key
from sendguard.guard.judge import Judgement, query_for
from sendguard.guard.ports import SubmissionRefused, UpstreamUnreachable
from sendguard.guard.report import report
from sendguard.guard.rules import organisation_of, rules_of
from sendguard.mail.kind import Kind
from sendguard.mail.message import Message, read_message
from sendguard.mail.submission import Envelope, Hook
from sendguard.policy.action import Action
from sendguard.policy.reasons import Grown, PossiblySent, ReachesMany
from sendguard.policy.rules import Check, ListRule, Rules
from sendguard.policy.verdict import Verdict
from sendguard.settings.values import Values

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
ACCOUNT = Account("work", ("me@x.test", "alias@x.test"))
DRAFT = b"From: Me <me@x.test>\r\nTo: a@x.test\r\nBcc: b@x.test\r\nSubject: Re: hi\r\nIn-Reply-To: <1@x>\r\n\r\nyes\r\n"


@pytest.mark.parametrize(("host", "port"), [("mail.example.org", 25), ("127.0.0.1", 0), ("::1", 70000)])
def test_a_server_off_this_computer_is_never_spoken_to_in_plain(host: str, port: int) -> None:
    with pytest.raises(ValueError, match=r"port|unencrypted"):
        Server(host, port, Security.PLAIN)
    assert Server("localhost", 25, Security.PLAIN).port == 25
    assert Server("mail.example.org", 993, Security.TLS).user == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.org/EWS/Exchange.asmx", "mail.example.org", "", "ftp://mail.example.org/",
        "https://user@mail.example.org/EWS", "https://mail.example.org/EWS#here",
    ],
)  # fmt: skip
def test_an_exchange_server_is_reached_encrypted_or_on_this_computer(url: str) -> None:
    with pytest.raises(ValueError, match=r"https|unencrypted"):
        ExchangeServer(url, Login.BASIC)
    assert ExchangeServer("http://127.0.0.1:8077/EWS/Exchange.asmx", Login.NTLM).user == ""
    assert ExchangeServer("https://mail.example.org/EWS/Exchange.asmx", Login.OAUTH).tenant == ""


class Known(NoOriginals):
    def find(self, account: str, message: Message) -> Message | None:
        return read_message(
            b"From: boss@x.test\r\nReply-To: all@lists.test, boss@x.test\r\nTo: me@x.test, c@x.test\r\n"
            b"Precedence: list\r\n\r\n"
        )


def test_without_an_envelope_the_header_says_who_gets_it() -> None:
    submission = Intake(ACCOUNT, Hook.IMAP_OUTBOX).submission(DRAFT)
    assert submission.envelope == Envelope("me@x.test", ("a@x.test", "b@x.test"))
    assert submission.kind is Kind.REPLY_ALL
    assert submission.raw == DRAFT
    assert submission.originators == {"me@x.test", "alias@x.test"}


def test_only_where_the_sender_is_known_can_a_reply_be_made_to_go_to_the_sender_alone() -> None:
    assert Intake(ACCOUNT, Hook.IMAP_OUTBOX, Known()).submission(DRAFT).can_reply_to_sender
    assert not Intake(ACCOUNT, Hook.IMAP_OUTBOX).submission(DRAFT).can_reply_to_sender
    alone = Envelope("me@x.test", ("boss@x.test",))
    assert not Intake(ACCOUNT, Hook.IMAP_OUTBOX, Known()).submission(DRAFT, alone).can_reply_to_sender
    assert not Intake(ACCOUNT, Hook.SMTP_GATE, Known()).submission(DRAFT).can_reply_to_sender


def test_the_envelope_is_believed_where_there_is_one() -> None:
    submission = Intake(ACCOUNT, Hook.SMTP_GATE).submission(DRAFT, Envelope("", ("z@x.test",)))
    assert submission.envelope.recipients == ("z@x.test",)
    assert submission.kind is Kind.REPLY
    assert not submission.can_reply_to_sender


def test_a_header_alone_has_no_bytes_to_send_and_no_author_has_no_originator() -> None:
    submission = Intake(ACCOUNT, Hook.IMAP_DRAFTS).submission(b"To: a@x.test\r\n\r\n", whole=False)
    assert submission.raw == b""
    assert submission.envelope.originator == ""


def test_the_original_tells_the_kind_and_which_addresses_may_be_lists() -> None:
    submission = Intake(ACCOUNT, Hook.SMTP_GATE, Known()).submission(
        DRAFT, Envelope.of("me@x.test", ["all@lists.test"])
    )
    query = query_for(submission)
    assert query.list_signs.precedence
    assert query.original_addresses == {"me@x.test", "c@x.test", "all@lists.test"}


def test_ten_saves_of_a_draft_are_one_composition() -> None:
    again = DRAFT.replace(b"a@x.test", b"c@x.test") + b"Message-ID: <2@x>"
    assert composition_key(read_message(DRAFT)) == composition_key(read_message(again))
    assert composition_key(read_message(DRAFT)) != composition_key(read_message(DRAFT.replace(b"hi", b"ho")))


def test_upstreams_words_never_stand_in_an_errors_text() -> None:
    refused = SubmissionRefused(550, "no such user canary@x.test")
    assert "canary" not in str(refused)
    assert not refused.is_temporary
    assert SubmissionRefused(451, "").is_temporary
    assert UpstreamUnreachable("tls").why == "tls"


def test_rules_follow_from_the_settings() -> None:
    values = Values(
        {
            "AskAnyFrom": 50,
            "BlockedLists": ("All-*@x.test | Not today", " | nothing", "staff"),
            "CheckSubject": "ask",
            "OrganisationDomains": ("@X.test", "*.nhs.test"),
        }
    )
    rules = rules_of(values, NOON)
    assert rules.ask_any_from == 50
    assert rules.blocked == (ListRule("all-*@x.test", "Not today"), ListRule("staff"))
    assert rules.check_subject is Check.ASK
    assert organisation_of(values) == {"x.test", "*.nhs.test"}
    assert rules_of(Values(), NOON) == Rules()


def test_a_report_is_json_with_every_fact() -> None:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    part = Part("team@x.test", AddressKind.LIST, Count.exact(500, "dir", at), path=("team@x.test",))
    reasons = (Grown("team@x.test", 14, at, 500), ReachesMany(part.count, 500), PossiblySent(at))
    judgement = Judgement(
        Intake(ACCOUNT, Hook.SMTP_GATE).submission(DRAFT),
        Audience(part.count, 1, 2, parts=(part,)),
        Verdict(Action.CONFIRM_TYPED, reasons, "500"),
    )
    data = json.loads(json.dumps(report(judgement)))
    assert data["kind"] == "reply_all"
    assert data["audience"] == {
        "low": 500, "high": 500, "basis": "exact", "as_of": "2026-11-03T00:00:00+00:00", "source": "dir",
    }  # fmt: skip
    assert (data["typed"], data["external"], data["verdict"], data["friction"]) == (1, 2, "confirm", "type")
    assert data["reasons"][0]["before"] == 14
    assert data["reasons"][1]["count"]["high"] == 500
    assert data["lists"][0]["path"] == ["team@x.test"]
    none = report(replace(judgement, verdict=Verdict(Action.SEND)))
    assert (none["verdict"], none["friction"], none["to_type"]) == ("send", None, None)
