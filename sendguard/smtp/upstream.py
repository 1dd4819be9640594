"""One connection to a submission server: RFC 5321 from the client's side, on an event loop.

Not smtplib: it takes a reply that was cut off for a whole one, its login knows ASCII only, and it blocks: every wait
would need a thread, and a lock around breaking it off.
"""

import asyncio
import re
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass

from sendguard.authorities import verifying_context
from sendguard.gate.reaching import mapping_errors
from sendguard.guard.account import Security, Server
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.smtp.content import final_dot, stuffed
from sendguard.smtp.reading import read_modestly
from sendguard.smtp.replies import Reply

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
"""Less than RFC 5321 §4.5.3.2 gives a server (5 min): no mail client waits longer than 100 s for the gate itself."""
FINAL_SECONDS = 600.0
"""For the answer to the final dot (RFC 5321 §4.5.3.2.6): giving up earlier means not knowing."""
QUIT_SECONDS = 5.0

MOST_LINES = 200
LONGEST_LINE = 8192
"""Of a reply; RFC 5321 §4.5.3.1.5 says 512, servers send more."""
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*?))?[ \t]*\r?\n", re.DOTALL)

PASSED_ON = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
"""Mechanisms whose lines can be said again to the same server, should it go away while the person decides."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server said it can do. ``size`` is 0 where it named no limit, ``knows_size`` whether it takes SIZE=."""

    starttls: bool = False
    knows_size: bool = False
    size: int = 0
    eight_bit: bool = False
    utf8: bool = False
    auth: tuple[str, ...] = ()

    @classmethod
    def of(cls, reply: Reply) -> "Capabilities":
        """Read the reply to EHLO (RFC 5321 §4.1.1.1); the first line is a greeting."""
        lines = [line.upper().replace("=", " ", 1).split() for line in reply.text.split("\n")[1:]]
        said = {words[0]: words[1:] for words in lines if words}
        size = said.get("SIZE", [])
        return cls(
            starttls="STARTTLS" in said,
            knows_size="SIZE" in said,
            size=int(size[0]) if size and size[0].isdecimal() else 0,
            eight_bit="8BITMIME" in said,
            utf8="SMTPUTF8" in said,
            auth=tuple(dict.fromkeys(word for words in lines if words[:1] == ["AUTH"] for word in words[1:])),
        )


class Upstream:
    """A greeted, verified connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        read_modestly(writer.transport)
        self._writer.transport.set_write_buffer_limits(0)  # so that drain means: the system has it
        self.capabilities = Capabilities()

    @classmethod
    async def connect(cls, server: Server, name: str, context: ssl.SSLContext | None) -> "Upstream":
        """Connect, secure and greet as ``name``. Raises UpstreamUnreachable, or SubmissionRefused by the greeting."""
        host = server.host.strip("[]")
        # The system's authorities take 2 MB: they are read where there is a certificate to verify.
        verifying = None if server.security is Security.PLAIN else context or verifying_context()
        at_once = verifying if server.security is Security.TLS else None
        with mapping_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                upstream = cls(*await asyncio.open_connection(host, server.port, ssl=at_once, limit=LONGEST_LINE))
                try:
                    _expect(220, await upstream._reply())
                    await upstream._greet(name)
                    if server.security is Security.STARTTLS and verifying is not None:
                        await upstream._secure(host, verifying)
                        await upstream._greet(name)
                except BaseException:
                    upstream.abort()
                    raise
        return upstream

    async def command(self, line: str) -> Reply:
        """Say a line, return the reply. Raises UpstreamUnreachable when there is none, or none that is SMTP.

        ValueError for a line that is more than a line.
        """
        if any(char in line for char in "\r\n\0"):
            raise ValueError("a command is one line")
        with mapping_errors():
            async with asyncio.timeout(COMMAND_SECONDS):
                return await self._say(line)

    async def log_in(self, user: str, password: str) -> None:
        """AUTH by PLAIN or LOGIN. Raises UpstreamUnreachable with ``login`` when it is not accepted."""
        if "PLAIN" in self.capabilities.auth:
            reply = await self.command("AUTH PLAIN " + _base64(f"\0{user}\0{password}"))
        elif "LOGIN" in self.capabilities.auth:
            reply = await self.command("AUTH LOGIN")
            for answer in (user, password):
                reply = await self.command(_base64(answer)) if reply.code == 334 else reply
        else:
            raise UpstreamUnreachable("login")
        if not reply.is_positive:
            raise UpstreamUnreachable("login")

    async def content(self, raw: bytes) -> None:
        """DATA, and everything but the final dot: upstream has taken nothing yet.

        Raises SubmissionRefused where DATA is not wanted, UpstreamUnreachable.
        """
        _expect(354, await self.command("DATA"))
        with mapping_errors():
            for piece in stuffed(raw):
                async with asyncio.timeout(COMMAND_SECONDS):
                    self._writer.write(piece)
                    await self._writer.drain()
            if self._reader.at_eof():
                raise ConnectionResetError

    async def finish(self, raw: bytes) -> Reply:
        """The final dot and its reply. Raises ReplyLost, or SubmissionRefused for a 4xx or 5xx."""
        try:
            async with asyncio.timeout(FINAL_SECONDS):
                self._writer.write(final_dot(raw))
                reply = await self._reply()
        except (OSError, ValueError) as error:
            raise ReplyLost from error
        if reply.code < 300:
            return reply
        if reply.code < 400:
            raise ReplyLost
        raise SubmissionRefused(reply.code, reply.text)

    async def quit(self) -> None:
        """Take leave, wait until that is heard, and close. Does not fail."""
        with suppress(OSError, ValueError):
            async with asyncio.timeout(QUIT_SECONDS):
                await self._say("QUIT")
                self._writer.close()
                await self._writer.wait_closed()
        self.abort()

    def leave(self) -> None:
        """Take leave and close, without waiting for it."""
        if not self._writer.is_closing():
            self._writer.write(b"QUIT\r\n")
            self._writer.close()

    def abort(self) -> None:
        """Close without a word: in the middle of content, QUIT would be content."""
        self._writer.transport.abort()

    async def _greet(self, name: str) -> None:
        reply = await self._say(f"EHLO {name}")
        _expect(250, reply)
        self.capabilities = Capabilities.of(reply)

    async def _secure(self, host: str, context: ssl.SSLContext) -> None:
        """STARTTLS, and never without: a server that does not offer it is not talked to."""
        if not self.capabilities.starttls:
            raise UpstreamUnreachable("tls")
        _expect(220, await self._say("STARTTLS"))
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await self._reader.read(1)
                raise UpstreamUnreachable("tls")  # words slipped in before encryption began (CVE-2011-0411)
        await self._writer.start_tls(context, server_hostname=host)

    async def _say(self, line: str) -> Reply:
        self._writer.write(line.encode("utf-8", "surrogateescape") + b"\r\n")
        return await self._reply()

    async def _reply(self) -> Reply:
        """Read a whole reply; one that breaks off, or is none, is a ConnectionError."""
        code = b""
        lines: list[str] = []
        while len(lines) < MOST_LINES:
            found = _LINE.fullmatch(await self._reader.readline())
            if found is None or (code and code != found[1]):
                break
            code = found[1]
            lines.append((found[3] or b"").decode("utf-8", "replace"))
            if found[2] != b"-":
                return Reply(int(code), "\n".join(lines))
        raise ConnectionAbortedError("no reply")


def _expect(code: int, reply: Reply) -> None:
    if reply.code != code:
        raise SubmissionRefused(reply.code, reply.text)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
