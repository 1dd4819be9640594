"""AUTH goes through the gate to the one upstream, and stays nowhere."""

from base64 import b64encode
from collections.abc import Iterator

import pytest

from tests.adapters.smtp_kit import ME, PLAIN, Rig, Upstream, message, rig


@pytest.fixture
def r() -> Iterator[Rig]:
    with rig() as made:
        yield made


def test_plain_passes_with_upstreams_words(r: Rig) -> None:
    with r.client() as client:
        client.hello(login=False)
        assert client.say(f"AUTH PLAIN {PLAIN}") == (235, "2.7.0 welcome")
    assert f"AUTH PLAIN {PLAIN}" in r.upstream.said


def test_login_passes_line_by_line(r: Rig) -> None:
    with r.client() as client:
        client.hello(login=False)
        assert client.say("AUTH login") == (334, "VXNlcm5hbWU6")
        assert client.say("YW5uYQ==") == (334, "UGFzc3dvcmQ6")
        assert client.say("cHc=") == (235, "2.7.0 welcome")
        client.envelope("x@y.test")
        assert client.data(message())[0] == 250


def test_a_refused_login_is_told_in_upstreams_words_and_may_be_tried_again(r: Rig) -> None:
    r.upstream.answers["AUTH"] = "535 5.7.8 Wrong password"
    with r.client() as client:
        client.hello(login=False)
        assert client.say(f"AUTH PLAIN {PLAIN}") == (535, "5.7.8 Wrong password")
        assert client.say(f"MAIL FROM:<{ME}>")[0] == 530
        del r.upstream.answers["AUTH"]
        assert client.say(f"AUTH PLAIN {PLAIN}")[0] == 235
        assert client.say(f"AUTH PLAIN {PLAIN}")[0] == 503
        assert client.say(f"MAIL FROM:<{ME}>")[0] == 250


def test_mail_before_the_login_is_refused_here_where_upstream_wants_one(r: Rig) -> None:
    with r.client() as client:
        client.hello(login=False)
        code, words = client.say(f"MAIL FROM:<{ME}>")
        assert (code, "needs the login" in words) == (530, True)
    assert "MAIL" not in r.upstream.verbs()


def test_where_upstream_wants_a_login_the_gate_cannot_pass_on_nothing_passes() -> None:
    with rig(Upstream(features=("AUTH GSSAPI",))) as r, r.client() as client:
        assert "AUTH" not in client.hello(login=False)
        assert client.say(f"MAIL FROM:<{ME}>")[0] == 530


def test_a_mechanism_that_was_not_offered_never_reaches_upstream(r: Rig) -> None:
    with r.client() as client:
        client.hello(login=False)
        assert client.say("AUTH CRAM-MD5")[0] == 504
        assert client.say("AUTH")[0] == 504
    assert "AUTH" not in r.upstream.verbs()


def test_a_token_passes_where_upstream_takes_tokens() -> None:
    token = b64encode(b"user=anna\1auth=Bearer " + b"t" * 3000 + b"\1\1").decode()
    with rig(Upstream(features=("AUTH XOAUTH2 PLAIN",))) as r, r.client() as client:
        assert "AUTH XOAUTH2 PLAIN" in client.hello(login=False)
        assert client.say(f"AUTH XOAUTH2 {token}")[0] == 235
        assert f"AUTH XOAUTH2 {token}" in r.upstream.said


def test_a_login_before_ehlo_is_out_of_order(r: Rig) -> None:
    with r.client() as client:
        client.reply()
        client.say("NOOP")
        assert client.say(f"AUTH PLAIN {PLAIN}")[0] == 503


def test_a_login_counts_for_its_own_connection_only(r: Rig) -> None:
    with r.client() as first, r.client() as second:
        first.hello()
        second.hello(login=False)
        assert second.say(f"MAIL FROM:<{ME}>")[0] == 530


def test_no_log_holds_a_login_or_an_address(r: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    assert r.send(message("secret body"), "x@y.test")[0] == 250
    r.upstream.answers["RCPT"] = "550 5.1.1 <nobody@y.test> unknown"
    with r.client() as client:
        client.hello()
        client.say(f"MAIL FROM:<{ME}>")
        client.say("RCPT TO:<nobody@y.test>")
        client.say("nonsense x@y.test")
    for canary in (PLAIN, "y.test", "anna", "secret"):
        assert canary not in caplog.text


def test_a_relay_does_not_show_what_was_said_on_it() -> None:
    from sendguard.smtp.relay import Said

    assert repr(Said("x", [PLAIN], [f"MAIL FROM:<{ME}>"])) == "Said(name='x')"
