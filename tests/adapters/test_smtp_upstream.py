"""The way to the submission server: verified TLS or none, and its errors as ours."""

import asyncio
import ssl
from pathlib import Path

import pytest

from sendguard.authorities import verifying_context
from sendguard.guard.account import Security, Server
from sendguard.guard.ports import SubmissionRefused, UpstreamUnreachable
from sendguard.smtp.replies import Reply
from sendguard.smtp.submitter import check_connection
from sendguard.smtp.upstream import Capabilities
from sendguard.smtp.upstream import Upstream as Connection
from tests.adapters.smtp_kit import CUT, PASSWORD, Upstream, message, rig
from tests.servers.certificates import CertificateAuthority, ServerCertificate


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def speaks_tls(certificate: ServerCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def upstream(security: Security, certificate: ServerCertificate | None) -> Upstream:
    context = speaks_tls(certificate) if certificate else None
    return Upstream(
        tls=context if security is Security.TLS else None,
        starttls=context if security is Security.STARTTLS else None,
    )


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_message_goes_upstream_encrypted_where_the_certificate_is_good(
    authority: CertificateAuthority, security: Security
) -> None:
    server = upstream(security, authority.issue("localhost"))
    with rig(server, server=server.server(security, "localhost"), context=authority.client_context()) as r:
        assert r.send(message(), "x@y.test")[0] == 250
    assert len(server.messages) == 1
    if security is Security.STARTTLS:
        assert server.verbs()[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("wrong", ["host", "authority", "expired", "no TLS"])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    authority: CertificateAuthority, security: Security, wrong: str
) -> None:
    certificate = authority.issue(
        "elsewhere.test" if wrong == "host" else "localhost", days=-1 if wrong == "expired" else 1
    )
    server = upstream(security, None if wrong == "no TLS" else certificate)
    context = verifying_context() if wrong == "authority" else authority.client_context()
    address = server.server(security, "localhost")
    with rig(server, server=address, context=context) as r:
        with r.client() as client:
            client.reply()
            code, words = client.say("EHLO x")
            assert (code, "certificate is not valid" in words) == (421, True)
        with pytest.raises(UpstreamUnreachable) as raised:
            check_connection(address, "", context)
        assert raised.value.why == "tls"
    assert not any(verb in server.verbs() for verb in ("AUTH", "MAIL", "DATA"))


def test_a_starttls_that_is_refused_is_not_done_without(authority: CertificateAuthority) -> None:
    server = upstream(Security.STARTTLS, authority.issue())
    server.answers["STARTTLS"] = "454 4.7.0 not now"
    with pytest.raises(SubmissionRefused):
        check_connection(server.server(Security.STARTTLS, "localhost"), "", authority.client_context())
    server.close()


def test_certificates_are_verified_by_default() -> None:
    context = verifying_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (("AUTH PLAIN LOGIN",), ["AUTH PLAIN AGFubmEAcMOkc3N3b3Jk"]),
        (("AUTH LOGIN",), ["AUTH LOGIN", "AUTH+ YW5uYQ==", "AUTH+ cMOkc3N3b3Jk"]),
    ],
)
def test_a_connection_is_tried_out_with_the_login_and_no_message(features: tuple[str, ...], said: list[str]) -> None:
    server = Upstream(features=features)
    check_connection(server.server(user="anna"), PASSWORD)
    server.wait_for(lambda: "QUIT" in server.verbs())
    assert [line for line in server.said if line.startswith("AUTH")] == said
    assert server.messages == []
    server.close()


@pytest.mark.parametrize(
    ("features", "answers", "why"),
    [
        (("AUTH PLAIN",), {"AUTH": "535 5.7.8 wrong"}, "login"),
        (("AUTH LOGIN",), {"AUTH": "535 5.7.8 wrong"}, "login"),
        (("AUTH GSSAPI",), {}, "login"),
        ((), {}, "login"),
        ((), {"CONNECT": CUT}, "unreachable"),
        ((), {"EHLO": CUT}, "unreachable"),
        (("AUTH PLAIN",), {"AUTH": CUT}, "unreachable"),
    ],
)
def test_a_connection_that_does_not_work_says_why(
    features: tuple[str, ...], answers: dict[str, str | None], why: str
) -> None:
    server = Upstream(features=features, answers=answers)
    with pytest.raises(UpstreamUnreachable) as raised:
        check_connection(server.server(user="anna"), PASSWORD)
    assert raised.value.why == why
    server.close()


def test_a_server_that_says_nothing_has_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("sendguard.smtp.upstream.CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UpstreamUnreachable) as raised:
        check_connection(Server("127.0.0.1", silent.getsockname()[1], Security.PLAIN), "")
    assert raised.value.why == "timeout"


def test_a_host_without_an_address_is_unreachable() -> None:
    for host in ("no-such-host.invalid", "a" * 70 + ".test"):
        with pytest.raises(UpstreamUnreachable) as raised:
            check_connection(Server(host, 587, Security.STARTTLS), "")
        assert raised.value.why == "unreachable"


@pytest.mark.parametrize("line", ["RCPT TO:<a>\r\nDATA", "NOOP\n", "NOOP\0"])
def test_a_command_is_one_line(line: str) -> None:
    async def say() -> None:
        connection = await Connection.connect(server.server(), "x", verifying_context())
        with pytest.raises(ValueError, match="one line"):
            await connection.command(line)
        await connection.quit()

    server = Upstream()
    asyncio.run(say())
    server.close()


def test_words_slipped_in_before_encryption_began_are_not_taken_for_the_servers(
    authority: CertificateAuthority,
) -> None:
    server = upstream(Security.STARTTLS, authority.issue("localhost"))
    server.answers["STARTTLS"] = "220 go\n250-slipped in\n250 AUTH PLAIN"
    with pytest.raises(UpstreamUnreachable) as raised:
        check_connection(server.server(Security.STARTTLS, "localhost"), "", authority.client_context())
    assert raised.value.why == "tls"
    server.close()


@pytest.mark.parametrize("greeting", ["250-a\n251 b", "250 " + "x" * 9000, "\n".join(["250-x"] * 300) + "\n250 x"])
def test_a_reply_that_is_none_ends_the_connection(greeting: str) -> None:
    server = Upstream(answers={"EHLO": greeting})
    with pytest.raises(UpstreamUnreachable):
        check_connection(server.server(), "")
    server.close()


def test_an_old_way_to_name_logins_is_understood() -> None:
    reply = Reply(250, "here\nAUTH=PLAIN LOGIN\nauth plain xoauth2\nSIZE\nX-OTHER a b\n")
    assert Capabilities.of(reply) == Capabilities(knows_size=True, auth=("PLAIN", "LOGIN", "XOAUTH2"))
