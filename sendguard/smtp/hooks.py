"""aiosmtpd's hooks, each answered by the dialogue."""

import logging
from typing import Protocol

from aiosmtpd.smtp import Envelope, Session

from sendguard.smtp.dialogue import Dialogue

log = logging.getLogger(__name__)


class Connection(Protocol):
    """What the hooks need of the protocol that calls them."""

    enable_SMTPUTF8: bool

    def end_after_reply(self) -> None:
        """Close once the reply that is about to be returned is out."""
        ...


class Hooks:
    """aiosmtpd's hooks, each answered by the dialogue."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    async def handle_EHLO(
        self, server: Connection, session: Session, envelope: Envelope, name: str, offered: list[str]
    ) -> list[bytes]:
        """Offer what upstream can do, not what aiosmtpd can."""
        return [await self._greet(server, session, name)]

    async def handle_HELO(self, server: Connection, session: Session, envelope: Envelope, name: str) -> bytes:
        """A client that knows no extensions."""
        said = await self._greet(server, session, name)
        return said.partition(b"\r\n")[0].replace(b"250-", b"250 ", 1)

    async def _greet(self, server: Connection, session: Session, name: str) -> bytes:
        reply = await self._dialogue.greet(name)
        if reply.is_positive:
            session.host_name = name  # aiosmtpd asks for EHLO again without it
            server.enable_SMTPUTF8 = self._dialogue.utf8
        else:
            server.end_after_reply()
        return reply.wire()

    async def handle_MAIL(
        self, server: Connection, session: Session, envelope: Envelope, address: str, parameters: list[str]
    ) -> bytes:
        """MAIL FROM."""
        reply = await self._dialogue.mail("" if address == "<>" else address, parameters)
        if reply.is_positive:
            envelope.mail_from = address
        return reply.wire()

    async def handle_RCPT(
        self, server: Connection, session: Session, envelope: Envelope, address: str, parameters: list[str]
    ) -> bytes:
        """RCPT TO."""
        reply = await self._dialogue.rcpt(address)
        if reply.is_positive:
            envelope.rcpt_tos.append(address)
        return reply.wire()

    async def handle_RSET(self, server: Connection, session: Session, envelope: Envelope) -> str:
        """RSET."""
        await self._dialogue.reset()
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> bytes:
        """A fault of ours: nothing has left. The text of an error may hold addresses, so only its type is logged."""
        log.error("gate: %s", type(error).__name__)
        return self._dialogue.fault().wire()
