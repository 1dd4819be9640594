"""Sending by SendGuard itself, for the guarded outbox; and trying a server out, for the account form."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from sendguard.guard.account import Account, Server
from sendguard.guard.ports import Secrets, SubmissionRefused, UpstreamUnreachable
from sendguard.mail.header import header_block
from sendguard.smtp.addresses import BadAddress, needs_utf8, path
from sendguard.smtp.content import problem_in
from sendguard.smtp.upstream import Capabilities, Upstream

NAME = "[127.0.0.1]"
"""What we greet with: a name would tell the server, and every reader of Received, how this computer is called."""


class SmtpSubmitter:
    """``guard.ports.Submitter`` for one account. One message, one connection. ValueError without ``account.smtp``."""

    def __init__(self, account: Account, secrets: Secrets, context: ssl.SSLContext | None = None) -> None:
        if account.smtp is None:
            raise ValueError("the account has no submission server")
        self._account = account
        self._server = account.smtp
        self._secrets = secrets
        self._context = context

    def submit(
        self, raw: bytes, originator: str, recipients: tuple[str, ...], before_first_byte: Callable[[], None]
    ) -> str:
        """Send to all recipients or to none; returns upstream's final words.

        ``before_first_byte`` is called once, before MAIL FROM goes out. Raises SubmissionRefused, ReplyLost or
        UpstreamUnreachable; whatever ``before_first_byte`` raises comes through, and nothing was sent.
        """
        problem = problem_in(raw)
        if problem:
            raise SubmissionRefused(554, f"5.6.0 {problem}")
        password = self._secrets.get(self._account.name, "smtp") if self._server.user else ""
        if password is None:
            raise UpstreamUnreachable("no_password")
        return asyncio.run(self._submit(raw, originator, recipients, before_first_byte, password))

    async def _submit(
        self,
        raw: bytes,
        originator: str,
        recipients: tuple[str, ...],
        before_first_byte: Callable[[], None],
        password: str,
    ) -> str:
        async with _logged_in(self._server, password, self._context) as upstream:
            commands = tuple(_commands(raw, originator, recipients, upstream.capabilities))
            before_first_byte()
            for command in commands:
                reply = await upstream.command(command)
                if not reply.is_positive:
                    raise SubmissionRefused(reply.code, reply.text)
            await upstream.content(raw)
            return (await upstream.finish(raw)).text


def check_connection(server: Server, password: str, context: ssl.SSLContext | None = None) -> None:
    """Connect, verify, log in and leave. Raises UpstreamUnreachable (``why`` is a code) or SubmissionRefused."""

    async def check() -> None:
        async with _logged_in(server, password, context):
            pass

    asyncio.run(check())


@asynccontextmanager
async def _logged_in(server: Server, password: str, context: ssl.SSLContext | None) -> AsyncIterator[Upstream]:
    upstream = await Upstream.connect(server, NAME, context)
    try:
        if server.user:
            await upstream.log_in(server.user, password)
        yield upstream
        await upstream.quit()
    finally:
        upstream.abort()


def _commands(raw: bytes, originator: str, recipients: tuple[str, ...], can: Capabilities) -> Iterator[str]:
    """MAIL and RCPT. Raises SubmissionRefused for an address that cannot stand in a command."""
    try:
        utf8 = can.utf8 and (needs_utf8(originator, *recipients) or not header_block(raw).isascii())
        parameters = [f"SIZE={len(raw)}"] if can.knows_size else []
        parameters += ["BODY=8BITMIME"] if can.eight_bit and not raw.isascii() else []
        parameters += ["SMTPUTF8"] if utf8 else []
        yield " ".join((f"MAIL FROM:{path(originator, utf8=can.utf8)}", *parameters))
        for recipient in recipients:
            yield f"RCPT TO:{path(recipient, utf8=can.utf8)}"
    except BadAddress as error:
        raise SubmissionRefused(553, "5.1.3 address not allowed") from error
