"""A person's mail program, an upstream that does as it is told, and the watch and the outbox around a Dovecot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from imapclient import IMAPClient

from sendguard.guard.account import Account, Security, Server
from sendguard.guard.intake import Intake
from sendguard.guard.ports import Activity, ActivityKind, Submitter
from sendguard.imap.drafts import DraftsWatch
from sendguard.imap.originals import ImapOriginals
from sendguard.imap.outbox import ImapOutbox
from sendguard.mail.submission import Hook
from sendguard.mailbox.compositions import Compositions
from sendguard.mailbox.watching import WatchState
from tests.fakes import Guard
from tests.servers.dovecot import Dovecot, Person
from tests.servers.processes import wait_until

OUTBOX = "Guarded Outbox"


def now() -> datetime:
    return datetime.now(UTC)


def mail(
    *,
    sender: str = "me@example.test",
    to: str = "someone@example.test",
    cc: str = "",
    bcc: str = "",
    subject: str = "Lunch",
    message_id: str = "<one@example.test>",
    in_reply_to: str = "",
    more: str = "",
    body: str = "Hello\r\n",
) -> bytes:
    """A message with CRLF line ends; a field that is empty is left out."""
    fields = {
        "Date": "Tue, 24 Nov 2026 09:00:00 +0000",
        "From": sender,
        "To": to,
        "Cc": cc,
        "Bcc": bcc,
        "Subject": subject,
        "Message-ID": message_id,
        "In-Reply-To": in_reply_to,
    }
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value]
    return ("".join(lines) + more + "\r\n" + body).encode()


class Passwords:
    """``guard.ports.Secrets`` that know one password; ``known`` can be changed."""

    def __init__(self, password: str | None) -> None:
        self.known = password

    def get(self, account: str, service: str) -> str | None:
        return self.known

    def set(self, account: str, service: str, secret: str) -> bool:
        self.known = secret
        return True

    def delete(self, account: str) -> None:
        self.known = None


@dataclass
class FakeSubmitter:
    """``guard.ports.Submitter``: keeps what it is given. ``fails`` are raised, one a call, after "sending"; those in
    ``unbegun`` before it. ``meanwhile`` is called while a message is on its way."""

    taken: list[tuple[bytes, str, tuple[str, ...]]] = field(default_factory=list)
    fails: list[Exception | None] = field(default_factory=list)
    unbegun: list[Exception | None] = field(default_factory=list)
    meanwhile: Callable[[bytes], None] = lambda raw: None

    def submit(
        self, raw: bytes, originator: str, recipients: tuple[str, ...], before_first_byte: Callable[[], None]
    ) -> str:
        early = self.unbegun.pop(0) if self.unbegun else None
        if early is not None:
            raise early
        before_first_byte()
        self.meanwhile(raw)
        late = self.fails.pop(0) if self.fails else None
        if late is not None:
            raise late
        self.taken.append((raw, originator, recipients))
        return "250 taken"


class MailProgram:
    """What the person's own client does on the server."""

    def __init__(self, server: Dovecot, person: Person) -> None:
        self._client = IMAPClient("127.0.0.1", server.port, ssl=False, timeout=10)
        self._client.login(person.address, person.password)

    def put(self, raw: bytes, folder: str = OUTBOX, flags: tuple[bytes, ...] = ()) -> int:
        """Save a message; returns its UID."""
        before = int(self._client.folder_status(folder, ["UIDNEXT"])[b"UIDNEXT"])
        self._client.append(folder, raw, flags)
        return before

    def save_draft(self, raw: bytes, replaces: int | None = None, folder: str = "Drafts") -> int:
        """As Thunderbird does: append the new one, then delete the one before."""
        uid = self.put(raw, folder, (b"\\Draft",))
        if replaces is not None:
            self.delete(replaces, folder)
        return uid

    def delete(self, uid: int, folder: str = OUTBOX) -> None:
        self._client.select_folder(folder)
        self._client.add_flags([uid], [b"\\Deleted", b"\\Seen"])
        self._client.uid_expunge([uid])

    def move(self, uid: int, folder: str, to: str) -> None:
        self._client.select_folder(folder)
        self._client.move([uid], to)

    def messages(self, folder: str = OUTBOX) -> dict[int, tuple[bytes, tuple[bytes, ...]]]:
        """Bytes and flags by UID; nothing for a folder that is not there."""
        if not self._client.folder_exists(folder):
            return {}
        self._client.select_folder(folder, readonly=True)
        found = self._client.fetch(self._client.search(), ["BODY.PEEK[]", "FLAGS"])
        return {uid: (each[b"BODY[]"], each[b"FLAGS"]) for uid, each in found.items()}

    def renew(self, folder: str = OUTBOX) -> None:
        """Delete the folder and make it again: UIDVALIDITY changes."""
        self._client.delete_folder(folder)
        self._client.create_folder(folder)

    @property
    def client(self) -> IMAPClient:
        return self._client

    def close(self) -> None:
        try:
            self._client.logout()
        except (IMAPClient.Error, OSError):
            self._client.shutdown()


class Running(Protocol):
    """A path with a watch."""

    @property
    def state(self) -> WatchState: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class AnyDesk:
    """What happens at a desk with a guard, whatever server its person's mailbox lies on."""

    guard: Guard
    address: str

    def mail(self, **fields: str) -> bytes:
        return mail(**{"sender": self.address, **fields})

    def activities(self, kind: ActivityKind) -> list[Activity]:
        return [each for each in self.guard.activities if each.kind is kind]

    def troubles(self) -> list[str]:
        return [each.detail for each in self.activities(ActivityKind.TROUBLE)]

    def wait_for(self, kind: ActivityKind, count: int = 1) -> list[Activity]:
        wait_until(lambda: len(self.activities(kind)) >= count, f"{count} times {kind}")
        return self.activities(kind)

    @contextmanager
    def running(self, path: Running, what: str) -> Iterator[None]:
        """Start a watch or an outbox, and stop it when the block ends."""
        path.start()
        try:
            wait_until(lambda: path.state is WatchState.WATCHING, what)
            yield
        finally:
            path.stop()


class Desk(AnyDesk):
    """A person at a SendGuard: account, guard, mail program, and the hooks that are started on demand."""

    def __init__(self, server: Dovecot, person: Person, guard: Guard | None = None, outbox: str = OUTBOX) -> None:
        self.server, self.person, self.address = server, person, person.address
        self.guard = guard or Guard()
        plain = Server("127.0.0.1", server.port, Security.PLAIN, person.address)
        self.account = Account("work", (person.address,), imap=plain, outbox=outbox)
        self.passwords = Passwords(person.password)
        self.originals = ImapOriginals([self.account], self.passwords)
        self.submitter = FakeSubmitter()
        self.program = MailProgram(server, person)
        self.known = Compositions()

    @contextmanager
    def watch(self) -> Iterator[DraftsWatch]:
        intake = Intake(self.account, Hook.IMAP_DRAFTS, self.originals)
        watch = DraftsWatch(self.account, self.passwords, intake, self.guard.gatekeeper, now, known=self.known)
        with self.running(watch, "watch over the drafts"):
            yield watch

    @contextmanager
    def outbox(self, submitter: Submitter | None = None, **settings: int) -> Iterator[ImapOutbox]:
        intake = Intake(self.account, Hook.IMAP_OUTBOX, self.originals)
        outbox = ImapOutbox(
            self.account,
            self.passwords,
            intake,
            self.guard.gatekeeper,
            submitter or self.submitter,
            now,
            known=self.known,
            **settings,  # type: ignore[arg-type]
        )
        with self.running(outbox, "watch over the outbox"):
            yield outbox

    def reconnect(self) -> None:
        """After the server was away: the person's mail program connects again."""
        self.program.close()
        self.program = MailProgram(self.server, self.person)

    def close(self) -> None:
        self.originals.close()
        self.program.close()
