"""A real IMAP server and a real SMTP server in this process, on free loopback ports."""

import asyncio
import logging
import threading
from argparse import Namespace
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag
from pymap.user import Passwords, UserMetadata

FOLDERS = ("Drafts", "Sent", "Trash")
EVERYBODY = "everybody"
"""The mailbox into which everything that is really sent is delivered, whoever it was for."""

MAX_SIZE = 50 * 1024 * 1024


class PracticeServers:
    """Two servers, one thread, mailboxes in memory. Whoever knows the password may log in, from this computer."""

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self._password = password
        self.imap_port = 0
        self.smtp_port = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="practice servers", daemon=True)

    def start(self) -> None:
        """Start both; returns when they listen. Raises OSError."""
        logging.getLogger("asyncio").addFilter(_not_the_parting)
        self._thread.start()
        self._ready.result(30)

    def stop(self) -> None:
        """Stop both; what was in the mailboxes is gone."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        logging.getLogger("asyncio").removeFilter(_not_the_parting)

    def deliver(self, raw: bytes, mailbox: str = "INBOX", user: str = "") -> None:
        """Put a message into a folder of a mailbox."""
        self._on_loop(self._deliver(user or self.user, mailbox, raw, ()))

    def messages(self, user: str, mailbox: str = "INBOX") -> int:
        """How many messages lie in a folder, as the server itself counts them."""
        return int(self._on_loop(self._count(user, mailbox)))

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _run(self) -> None:
        """The servers' thread."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._ready.done():
                logging.getLogger(__name__).exception("practice servers ended")
            else:
                self._ready.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        config = _Config(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=None, port=0, tls_enabled=False, invalid_user_sleep=0.0, reject_dnsbl=False,
            demo_data=False, demo_user=self.user, demo_password=self._password,
        )  # fmt: skip
        config.apply_context()
        self._login = Login(config)
        hashed = await Passwords(config).hash_password(self._password)
        for user in (self.user, EVERYBODY):
            await self._identity(user).set(UserMetadata(config, user, password=hashed))
        for folder in FOLDERS:
            await (await self._mailboxes(self.user)).add_mailbox(folder)
        speaks_imap = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(self._login, config))
        imap = await asyncio.start_server(speaks_imap, "127.0.0.1", 0)
        smtp = await self._loop.create_server(self._smtp, "127.0.0.1", 0)
        self.imap_port = imap.sockets[0].getsockname()[1]
        self.smtp_port = smtp.sockets[0].getsockname()[1]
        self._ready.set_result(None)
        await self._stopping.wait()
        imap.close()
        smtp.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _smtp(self) -> SMTP:
        return SMTP(
            self, hostname="practice.invalid", ident="practice mailbox", auth_require_tls=False,
            authenticator=self._authenticate, data_size_limit=MAX_SIZE, enable_SMTPUTF8=True, loop=self._loop,
        )  # fmt: skip

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        known = isinstance(login, LoginPassword) and login.password == self._password.encode()
        return AuthResult(success=known and login.login == self.user.encode())

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mail of who has logged in only."""
        if not session.authenticated:
            return "530 5.7.0 log in first"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Deliver one copy, whoever it was for: 850,112 would not tell more."""
        assert isinstance(envelope.content, bytes)  # noqa: S101 - decode_data is off
        await self._deliver(EVERYBODY, "INBOX", envelope.content, ())
        return "250 2.0.0 taken"

    async def _deliver(self, user: str, mailbox: str, raw: bytes, flags: Iterable[bytes]) -> None:
        folder = await (await self._mailboxes(user)).get_mailbox(mailbox)
        await folder.append(AppendMessage(raw, datetime.now(UTC), frozenset(Flag(flag) for flag in flags)))

    async def _count(self, user: str, mailbox: str) -> int:
        folder = await (await self._mailboxes(user)).get_mailbox(mailbox)
        return int((await folder.snapshot()).exists)

    async def _mailboxes(self, user: str) -> Any:
        async with self._identity(user).new_session() as session:
            return session.mailbox_set

    def _identity(self, user: str) -> Identity:
        return Identity(user, self._login, None, frozenset())


def _not_the_parting(record: logging.LogRecord) -> bool:
    """pymap goes on writing to a client that has gone; asyncio has a warning for that, and nobody else a use."""
    return not str(record.msg).startswith("socket.send() raised exception")


class _Config(Config):
    """pymap's own, but for a greeting that looks up no host name."""

    @property
    def greeting(self) -> bytes:
        return b"practice mailbox"
