"""One connection to a submission server. The only module that uses smtplib."""

import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sendguard.guard.account import Security, Server
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.smtp.content import final_dot, stuffed
from sendguard.smtp.replies import Reply

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
"""Less than RFC 5321 §4.5.3.2 gives a server (5 min): no mail client waits longer than 100 s for the gate itself."""
FINAL_SECONDS = 600.0
"""For the answer to the final dot (RFC 5321 §4.5.3.2.6): giving up earlier means not knowing."""
QUIT_SECONDS = 5.0

LOGINS = ("PLAIN", "LOGIN")
PASSED_ON = (*LOGINS, "XOAUTH2", "OAUTHBEARER")
"""Mechanisms whose lines can be said again to the same server, should it go away while the person decides."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server said it can do. ``size`` is 0 where it named no limit, ``knows_size`` whether it takes SIZE=."""

    knows_size: bool = False
    size: int = 0
    eight_bit: bool = False
    utf8: bool = False
    auth: tuple[str, ...] = ()


@contextmanager
def mapping_smtp_errors() -> Iterator[None]:
    """Turn smtplib's and the socket's errors into UpstreamUnreachable: right wherever nothing was handed over yet."""
    try:
        yield
    except ssl.SSLError as error:
        raise UpstreamUnreachable("tls") from error
    except smtplib.SMTPNotSupportedError as error:  # no STARTTLS, and never without
        raise UpstreamUnreachable("tls") from error
    except smtplib.SMTPResponseException as error:
        if not 400 <= error.smtp_code < 600:
            raise UpstreamUnreachable("unreachable") from error
        words = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
        raise SubmissionRefused(error.smtp_code, words.decode("utf-8", "replace")) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        timed_out = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
        raise UpstreamUnreachable("timeout" if timed_out else "unreachable") from error


def verifying_context() -> ssl.SSLContext:
    """TLS 1.2 or newer, the certificate verified against the system's authorities and the host's name."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Upstream:
    """A greeted, verified connection. Blocking; to be used by one thread at a time, but for ``shut_down``."""

    def __init__(self, smtp: smtplib.SMTP, capabilities: Capabilities) -> None:
        self._smtp = smtp
        self.capabilities = capabilities

    @classmethod
    def connect(cls, server: Server, name: str, context: ssl.SSLContext) -> "Upstream":
        """Connect, secure and greet as ``name``. Raises UpstreamUnreachable, or SubmissionRefused by the greeting."""
        with mapping_smtp_errors():
            if server.security is Security.TLS:
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, local_hostname=name, timeout=CONNECT_SECONDS, context=context
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=CONNECT_SECONDS)
            try:
                if server.security is Security.STARTTLS:
                    _greet(smtp)
                    smtp.starttls(context=context)
                _greet(smtp)
                _socket_of(smtp).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _socket_of(smtp).settimeout(COMMAND_SECONDS)
            except (smtplib.SMTPException, OSError):
                smtp.close()
                raise
        return cls(smtp, _capabilities(smtp))

    def command(self, line: str) -> Reply:
        """Say a line, return the reply. Raises UpstreamUnreachable when there is none, or none that is SMTP.

        ValueError for a line that is more than a line.
        """
        if any(char in line for char in "\r\n\0"):
            raise ValueError("a command is one line")
        with mapping_smtp_errors():
            self._smtp.send(line.encode("utf-8", "surrogateescape") + b"\r\n")
            return self._reply()

    def log_in(self, user: str, password: str) -> None:
        """AUTH by PLAIN or LOGIN. Raises UpstreamUnreachable with ``login`` when it is not accepted."""
        if "PLAIN" in self.capabilities.auth:
            reply = self.command("AUTH PLAIN " + _base64(f"\0{user}\0{password}"))
        elif "LOGIN" in self.capabilities.auth:
            reply = self.command("AUTH LOGIN")
            for answer in (user, password):
                reply = self.command(_base64(answer)) if reply.code == 334 else reply
        else:
            raise UpstreamUnreachable("login")
        if not reply.is_positive:
            raise UpstreamUnreachable("login")

    def content(self, raw: bytes, commit: Callable[[], None]) -> Reply:
        """Send a message after DATA was answered, and return the reply to its final dot.

        ``commit`` is called when all but the final dot is out, and may raise: up to there upstream has taken nothing,
        and a lost connection is UpstreamUnreachable. From there on it is ReplyLost. SubmissionRefused for a 4xx or 5xx.
        """
        with mapping_smtp_errors():
            for piece in stuffed(raw):
                self._smtp.send(piece)
        commit()
        try:
            _socket_of(self._smtp).settimeout(FINAL_SECONDS)
            self._smtp.send(final_dot(raw))
            reply = self._reply()
            _socket_of(self._smtp).settimeout(COMMAND_SECONDS)
        except (smtplib.SMTPException, OSError) as error:
            raise ReplyLost from error
        if 400 <= reply.code < 600:
            raise SubmissionRefused(reply.code, reply.text)
        if not reply.is_positive:
            raise ReplyLost
        return reply

    def quit(self) -> None:
        """Take leave and close; does not fail."""
        with suppress(smtplib.SMTPException, OSError):
            _socket_of(self._smtp).settimeout(QUIT_SECONDS)
            self._smtp.docmd("QUIT")
        self._smtp.close()

    def close(self) -> None:
        """Close without a word: in the middle of content, QUIT would be content."""
        self._smtp.close()

    def shut_down(self) -> None:
        """End the connection under whoever waits on it. From any thread.

        Not by SSLSocket's own method: that one would send what comes next unencrypted.
        """
        if self._smtp.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._smtp.sock, socket.SHUT_RDWR)

    def _reply(self) -> Reply:
        code, text = self._smtp.getreply()
        if not 200 <= code < 600:
            raise smtplib.SMTPServerDisconnected("no reply code")
        return Reply(code, text.decode("utf-8", "replace"))


def _greet(smtp: smtplib.SMTP) -> None:
    code, text = smtp.ehlo()
    if code != 250:
        raise smtplib.SMTPResponseException(code, text)


def _socket_of(smtp: smtplib.SMTP) -> socket.socket:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("closed")
    return smtp.sock


def _capabilities(smtp: smtplib.SMTP) -> Capabilities:
    features = smtp.esmtp_features
    size = features.get("size", "")
    return Capabilities(
        knows_size="size" in features,
        size=int(size) if size.isdecimal() else 0,
        eight_bit="8bitmime" in features,
        utf8="smtputf8" in features,
        auth=tuple(dict.fromkeys(features.get("auth", "").upper().split())),
    )


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
