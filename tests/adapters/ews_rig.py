"""A person's mail program on the test Exchange, and the watch and the outbox around their mailbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from exchangelib import BASIC, DELEGATE, UTC, Account, Build, Configuration, Credentials, Message, Version
from exchangelib import Mailbox as Box
from exchangelib.protocol import CachingProtocol

from sendguard.exchange.drafts import EwsDraftsWatch
from sendguard.exchange.folders import find_or_make
from sendguard.exchange.notifications import Notifications
from sendguard.exchange.originals import EwsOriginals
from sendguard.exchange.outbox import EwsOutbox
from sendguard.exchange.session import Mailboxes
from sendguard.guard.account import Account as OurAccount
from sendguard.guard.account import ExchangeServer, Login
from sendguard.guard.intake import Intake
from sendguard.mail.submission import Hook
from sendguard.mailbox.compositions import Compositions
from tests.adapters.imap_rig import OUTBOX, AnyDesk, Passwords, now
from tests.fakes import Guard
from tests.servers.exchange import Exchange
from tests.servers.exchange.site import Person


class ExchangeProgram:
    """What the person's own client does on the server, or through a gate at ``url``: exchangelib, by itself."""

    def __init__(self, server: Exchange, person: Person, url: str = "") -> None:
        configuration = Configuration(
            service_endpoint=url or server.url,
            credentials=Credentials(person.address, person.password),
            auth_type=BASIC,
            version=Version(build=Build(15, 2)),
        )
        self.box = Account(
            person.address, config=configuration, access_type=DELEGATE, default_timezone=UTC, locale="en_US"
        )

    def put(self, raw: bytes, folder: str = OUTBOX) -> Message:
        """Save a message into a folder of one's own."""
        message = Message(account=self.box, folder=self.folder(folder), mime_content=raw)
        return message.save()

    def save_draft(self, **fields: Any) -> Message:
        """As a program that writes fields, not MIME."""
        return Message(account=self.box, folder=self.box.drafts, **fields).save()

    def folder(self, name: str) -> Any:
        own = {"Drafts": self.box.drafts, "Inbox": self.box.inbox, "Outbox": self.box.outbox}
        return own.get(name) or find_or_make(self.box, name)

    def close(self) -> None:
        self.box.protocol.close()
        CachingProtocol.clear_cache()


def boxes(*addresses: str) -> list[Box]:
    return [Box(email_address=address) for address in addresses]


class ExchangeDesk(AnyDesk):
    """A person at a SendGuard: account, guard, mail program, and the hooks that are started on demand."""

    def __init__(self, server: Exchange, person: Person, guard: Guard | None = None, outbox: str = OUTBOX) -> None:
        self.server, self.person, self.address = server, person, person.address
        self.guard = guard or Guard()
        exchange = ExchangeServer(server.url, Login.BASIC, person.address)
        self.account = OurAccount("work", (person.address,), outbox=outbox, exchange=exchange)
        self.passwords = Passwords(person.password)
        self.mailboxes = Mailboxes(self.account, self.passwords)
        self.notifications = Notifications(self.mailboxes.open)
        self.originals = EwsOriginals(self.mailboxes)
        self.program = ExchangeProgram(server, person)
        self.known = Compositions()

    @contextmanager
    def watch(self) -> Iterator[EwsDraftsWatch]:
        intake = Intake(self.account, Hook.EWS_DRAFTS, self.originals)
        watch = EwsDraftsWatch(self.mailboxes, self.notifications, intake, self.guard.gatekeeper, now, known=self.known)
        with self.running(watch, "watch over the drafts"):
            yield watch

    @contextmanager
    def outbox(self, **settings: int) -> Iterator[EwsOutbox]:
        intake = Intake(self.account, Hook.EWS_OUTBOX, self.originals)
        outbox = EwsOutbox(
            self.mailboxes, self.notifications, intake, self.guard.gatekeeper, now, known=self.known, **settings
        )
        with self.running(outbox, "watch over the outbox"):
            yield outbox

    def waiting(self) -> list[bytes]:
        """What lies in the guarded outbox."""
        return [item.mime for item in self.server.messages(self.person, self.account.outbox)]

    def close(self) -> None:
        self.notifications.stop()
        self.originals.close()
        self.program.close()
