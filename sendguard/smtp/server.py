"""aiosmtpd's dialogue, made to the measure of a gate.

What is ours instead of aiosmtpd's: the first line (an HTTP client is dropped), AUTH (passed on line by line, kept
nowhere), the reading of content (in large pieces, and only ``CRLF . CRLF`` ends it), and that nothing is logged.
"""

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Callable

from aiosmtpd.smtp import SMTP

from sendguard.gate.loopback import resetting
from sendguard.gate.sockdiag import Endpoint
from sendguard.smtp.content import CHUNK, Wire
from sendguard.smtp.dialogue import Dialogue
from sendguard.smtp.hooks import Hooks
from sendguard.smtp.reading import read_modestly
from sendguard.smtp.replies import Reply

IDLE_SECONDS = 300.0
"""Between two commands (RFC 5321 §4.5.3.2.7), and between two pieces of content."""
ANSWER_SECONDS = 1500.0
"""For the answer to the final dot: longer than the longest hold and the longest wait for upstream's answer together."""
OPENINGS = (b"EHLO", b"HELO", b"QUIT", b"NOOP")
"""What a mail client may begin with. A web page that is made to send to this port begins otherwise."""
COMMAND_OCTETS = 2048
_PATH = re.compile(r"(?:<(?P<path>[^<>]*)>|(?P<bare>[^<> ]+))(?: +(?P<parameters>.*))?")
"""RFC 5321 §4.1.2, and the bare address some clients send. Which characters may be in it is asked later."""
AUTH_OCTETS = 12_288
"""RFC 4954 §4: the longest base64 response."""


class GateProtocol(SMTP):
    """One client connection."""

    line_length_limit = 256 * 1024  # of the stream's buffer, so that content is read in large pieces

    def __init__(
        self, dialogue: Dialogue, ends: Callable[["GateProtocol"], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            Hooks(dialogue),
            data_size_limit=None,
            hostname="localhost",
            ident="ESMTP SendGuard",
            timeout=IDLE_SECONDS,
            auth_require_tls=False,
            loop=loop,
        )
        self.command_size_limits = defaultdict(lambda: COMMAND_OCTETS, AUTH=AUTH_OCTETS)
        self.dialogue = dialogue
        self._ends = ends
        self._opening: bytes | None = b""
        self.waits = False
        """Whether the client has said its final dot and has no answer yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; one that another user runs is told so instead of being greeted."""
        super().connection_made(transport)
        read_modestly(transport)
        self.dialogue.client_comes(transport.get_extra_info("socket").fileno())
        near, far = (Endpoint(*transport.get_extra_info(end)[:2]) for end in ("sockname", "peername"))
        if not self.dialogue.is_own(near, far):
            self.hang_up(self.dialogue.another_user())

    def data_received(self, data: bytes) -> None:
        """Look at the first four octets before aiosmtpd sees any."""
        if self._opening is not None:
            data = self._opening + data
            start = data[:4].upper()
            if not any(opening.startswith(start) for opening in OPENINGS):
                self.drop()
                return
            self._opening = data if len(data) < 4 else None
            if self._opening is not None:
                return
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """The client has gone; one that only closed its sending half counts as gone too."""
        self.dialogue.client_gone()
        return super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is closed, whoever closed it."""
        self.dialogue.client_gone()
        self._ends(self)
        super().connection_lost(error)

    def hang_up(self, reply: Reply | None = None) -> None:
        """Say a last word, and close once it is sent."""
        if self.transport is not None:
            if reply is not None:
                self._writer.write(reply.wire() + b"\r\n")
            self.transport.close()

    def end_after_reply(self) -> None:
        """Close once the reply that is being returned is out."""
        self.loop.call_soon(self.hang_up)

    def drop(self) -> None:
        """Close without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def push(self, status: str | bytes) -> None:
        """Send a reply. After 421 the connection is closed."""
        wire = status.encode() if isinstance(status, str) else status
        await super().push(wire)
        if wire.startswith(b"421"):
            self.hang_up()

    async def smtp_AUTH(self, arg: str | None) -> None:
        """Pass the client's login on to upstream, line by line. The lines are shown to nobody."""
        mechanism = (arg or "").partition(" ")[0].upper()
        if await self.check_helo_needed("EHLO"):
            return
        if self.dialogue.is_logged_in:
            await self.push("503 5.5.1 Already logged in")
        elif mechanism not in self.dialogue.mechanisms:
            await self.push("504 5.5.4 This way to log in is not offered")
        else:
            await self._log_in(f"AUTH {arg}")

    async def _log_in(self, line: str) -> None:
        said: list[str] = []
        reply = await self.dialogue.log_in(line, said)
        while reply.code == 334:
            await self.push(reply.wire())
            said.append(line)
            line = (await self._reader.readuntil(b"\r\n")).decode("ascii", "replace").strip()
            reply = await self.dialogue.log_in(line, said)
        await self.push(reply.wire())

    async def smtp_DATA(self, arg: str | None) -> None:
        """Read the content and answer its final dot."""
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Need RCPT first")
            return
        await self.push("354 End with a dot on a line of its own")
        wire = Wire(self.dialogue.size_limit)
        while not wire.add(await self._reader.read(CHUNK)):
            self._reset_timeout()
        content, rest = wire.take()
        self._reader.feed_data(rest)
        self._reset_timeout(ANSWER_SECONDS)
        await self._answer_to(content, too_large=wire.too_large)

    async def _answer_to(self, content: bytes, *, too_large: bool) -> None:
        self.waits = True
        try:
            with resetting(self.transport):
                reply = await self.dialogue.content(content, too_large=too_large)
            self._reset_timeout()
            self.envelope = self._create_envelope()
            await self.push(reply.wire())
        finally:
            self.waits = False

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Take a path and its parameters apart; (None, None) where there is no path.

        Instead of aiosmtpd's, which parses an address as a header would be and makes a class at every call.
        """
        found = _PATH.fullmatch(arg)
        if found is None:
            return None, None
        return found["bare"] or found["path"] or "<>", found["parameters"] or ""

    async def smtp_VRFY(self, arg: str | None) -> None:
        """Not offered, like EXPN: upstream is asked about recipients by RCPT."""
        await self.push("502 5.5.1 Not implemented")

    smtp_EXPN = smtp_HELP = smtp_VRFY


class Busy(asyncio.Protocol):
    """A client too many."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so, and close."""
        if isinstance(transport, asyncio.Transport):
            transport.write(self._reply.wire() + b"\r\n")
            transport.close()


def silence_aiosmtpd() -> None:
    """aiosmtpd logs every command with its addresses, and at DEBUG the content."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
