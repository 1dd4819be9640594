"""The guarded outbox's way out."""

import hashlib

import pytest

from sendguard.guard.account import Account
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.smtp.submitter import SmtpSubmitter
from tests.adapters.smtp_kit import CUT, ME, PASSWORD, Upstream, message

TO = ("a@y.test", "hidden@y.test")


class FakeSecrets:
    def __init__(self, secret: str | None = PASSWORD) -> None:
        self.secret = secret

    def get(self, account: str, service: str) -> str | None:
        assert (account, service) == ("Practice", "smtp")
        return self.secret

    def set(self, account: str, service: str, secret: str) -> bool:
        raise AssertionError

    def delete(self, account: str) -> None:
        raise AssertionError


class Sending:
    def __init__(self, upstream: Upstream, secret: str | None = PASSWORD, user: str = "anna") -> None:
        account = Account("Practice", (ME,), smtp=upstream.server(user=user))
        self.upstream = upstream
        self.submitter = SmtpSubmitter(account, FakeSecrets(secret))
        self.begun: list[list[str]] = []

    def send(self, raw: bytes, *to: str) -> str:
        return self.submitter.submit(raw, ME, to or TO, lambda: self.begun.append(self.upstream.verbs()))


def test_a_message_goes_to_all_its_recipients_after_sending_was_committed() -> None:
    sending = Sending(Upstream())
    raw = message("grüße", ".dot")
    assert sending.send(raw) == "2.0.0 queued as 4711"
    (sent,) = sending.upstream.messages
    assert sent.mail == f"MAIL FROM:<{ME}> SIZE={len(raw)} BODY=8BITMIME"
    assert sent.rcpts == ["RCPT TO:<a@y.test>", "RCPT TO:<hidden@y.test>"]
    assert hashlib.sha256(sent.content).digest() == hashlib.sha256(raw).digest()
    assert len(sending.begun) == 1
    assert "MAIL" not in sending.begun[0]
    sending.upstream.close()


def test_a_last_line_without_an_end_gets_one_and_nothing_else_changes() -> None:
    sending = Sending(Upstream(features=()), user="")
    sending.send(b"Subject: x\r\n\r\nno end")
    assert sending.upstream.messages[0].content == b"Subject: x\r\n\r\nno end\r\n"
    assert sending.upstream.messages[0].mail == f"MAIL FROM:<{ME}>"
    assert "AUTH" not in sending.upstream.verbs()
    sending.upstream.close()


@pytest.mark.parametrize(
    ("raw", "to", "parameter"),
    [
        (message(), ("jörg@y.test",), True),
        ("Subject: ä\r\n\r\nx\r\n".encode(), ("a@y.test",), True),
        (message("ä"), ("a@y.test",), False),
    ],
)
def test_smtputf8_is_asked_for_where_it_is_needed(raw: bytes, to: tuple[str, ...], parameter: bool) -> None:
    sending = Sending(Upstream())
    sending.send(raw, *to)
    assert ("SMTPUTF8" in sending.upstream.messages[0].mail) is parameter
    sending.upstream.close()


@pytest.mark.parametrize(
    ("raw", "to"),
    [
        (b"a\nb\r\n", "a@y.test"),
        (b"a\0\r\n", "a@y.test"),
        (message(), "a@y.test\r\nDATA"),
        (message(), "a b@y.test"),
        (message(), "a>@y.test"),
        (message(), "jörg\u202e@y.test"),
    ],
)
def test_what_cannot_be_passed_on_is_refused_before_anything_is_committed(raw: bytes, to: str) -> None:
    sending = Sending(Upstream())
    with pytest.raises(SubmissionRefused) as raised:
        sending.send(raw, to)
    assert raised.value.code in {553, 554}
    assert sending.begun == []
    assert "MAIL" not in sending.upstream.verbs()
    sending.upstream.close()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "RCPT TO:<hidden@y.test>", "DATA", "DOT"])
@pytest.mark.parametrize("code", [450, 550])
def test_one_no_is_a_no_to_the_whole_message_in_upstreams_words(step: str, code: int) -> None:
    sending = Sending(Upstream(answers={step: f"{code} 5.1.1 no\nno"}))
    sending.upstream.answers[step] = f"{code}-5.1.1 no\n{code} really"
    with pytest.raises(SubmissionRefused) as raised:
        sending.send(message())
    assert (raised.value.code, raised.value.words) == (code, "5.1.1 no\nreally")
    assert raised.value.is_temporary is (code == 450)
    assert "y.test" not in str(raised.value)
    assert len(sending.upstream.messages) == (1 if step == "DOT" else 0)
    sending.upstream.close()


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_final_dot_has_handed_nothing_over(step: str) -> None:
    sending = Sending(Upstream(answers={step: CUT}))
    with pytest.raises(UpstreamUnreachable):
        sending.send(message())
    assert len(sending.begun) == (1 if step in {"MAIL", "RCPT", "DATA"} else 0)
    sending.upstream.close()


@pytest.mark.parametrize("answer", [CUT, "nonsense"])
def test_a_connection_lost_after_the_final_dot_may_have_handed_it_over(answer: str | None) -> None:
    sending = Sending(Upstream(answers={"DOT": answer}))
    with pytest.raises(ReplyLost):
        sending.send(message())
    assert len(sending.upstream.messages) == 1
    sending.upstream.close()


def test_a_ledger_that_fails_to_commit_sends_nothing() -> None:
    sending = Sending(Upstream())

    def fails() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        sending.submitter.submit(message(), ME, TO, fails)
    assert "MAIL" not in sending.upstream.verbs()
    sending.upstream.close()


def test_without_a_password_the_server_is_not_even_asked() -> None:
    sending = Sending(Upstream(), secret=None)
    with pytest.raises(UpstreamUnreachable) as raised:
        sending.send(message())
    assert raised.value.why == "no_password"
    assert sending.upstream.connections == 0
    sending.upstream.close()


def test_an_account_without_a_server_has_no_way_out() -> None:
    with pytest.raises(ValueError, match="no submission server"):
        SmtpSubmitter(Account("x", (ME,)), FakeSecrets())
