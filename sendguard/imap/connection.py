"""One connection to a mailbox. Used by one thread; ``hang_up`` alone is for the others."""

import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from imapclient import SocketTimeout

from sendguard.authorities import verifying_context
from sendguard.guard.account import Security, Server
from sendguard.imap.client import Client, ConnectionEnded, Pushed
from sendguard.imap.errors import mapping_imap_errors
from sendguard.mail.header import MAX_BLOCK
from sendguard.mailbox.errors import CommandRefused, LoginRefused, MailboxError, MailboxUnreachable

TIMEOUT = SocketTimeout(10, 30)
"""Seconds for connecting, and for each answer. Without one imapclient can wait for ever (its issue 449)."""
MAX_IDLE = 290.0
"""Seconds of one IDLE. RFC 2177 allows 29 minutes; address translators and some servers drop it much earlier."""
POLL_EVERY = 15.0
"""Seconds between questions to a server without IDLE."""
AT_ONCE = 100
"""Messages asked for in one FETCH."""

_HEADER = f"BODY.PEEK[HEADER]<0.{MAX_BLOCK + 1}>"  # one octet too many shows that there is too much
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder as the server lists it; ``flags`` in lower case, without the backslash."""

    name: str
    flags: frozenset[str]
    separator: str


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder that was opened. UIDs below ``uidnext`` were there before; all are void when ``uidvalidity`` changes."""

    name: str
    uidvalidity: int
    uidnext: int


class Connection:
    """Logged in. Every method raises MailboxUnreachable when the connection has ended, CommandRefused for a "no"."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hung_up = threading.Event()
        with mapping_imap_errors():
            self.capabilities = frozenset(each.decode("ascii", "replace") for each in client.capabilities())

    @classmethod
    def open(cls, server: Server, password: str, context: ssl.SSLContext | None = None) -> Self:
        """Connect and log in, over verified TLS unless it is loopback. Raises MailboxUnreachable, LoginRefused."""
        verifying = verifying_context() if context is None and server.security is not Security.PLAIN else context
        client = _connect(server, verifying)
        try:
            if server.security is Security.STARTTLS:
                _start_tls(client, verifying)
            _log_in(client, server.user, password)
            return cls(client)
        except BaseException:
            _close(client)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()  # a server that does not answer would make a logout wait for its timeout

    def can(self, capability: str) -> bool:
        """Whether the server has announced this capability."""
        return capability in self.capabilities

    def hang_up(self) -> None:
        """From any thread: end whatever this connection waits for. It cannot be used afterwards."""
        self._hung_up.set()
        self._client.hang_up()

    def close(self) -> None:
        """Log out where the server still answers, and close. Never raises."""
        if not self._hung_up.is_set():
            with suppress(MailboxError), mapping_imap_errors():
                self._client.logout()
        _close(self._client)

    def abandon(self) -> None:
        """Close without a word."""
        self.hang_up()
        _close(self._client)

    def folders(self) -> tuple[Listed, ...]:
        """Every folder."""
        with mapping_imap_errors():
            found = self._client.list_folders()
        return tuple(Listed(name, _flags(flags), (separator or b"").decode()) for flags, separator, name in found)

    def namespace(self) -> tuple[str, str]:
        """Prefix and separator of one's own folders; ("", "/") where the server does not say."""
        if not self.can("NAMESPACE"):
            return "", "/"
        with mapping_imap_errors():
            personal = self._client.namespace().personal
        prefix, separator = personal[0] if personal else ("", "/")
        return prefix, separator or "/"

    def create(self, folder: str) -> None:
        """Make a folder and subscribe to it."""
        with mapping_imap_errors():
            self._client.create_folder(folder)
            self._client.subscribe_folder(folder)

    def select(self, folder: str, *, readonly: bool = False) -> Selected:
        """Open a folder. With ``readonly`` no flag can change by anything done here."""
        with mapping_imap_errors():
            said = self._client.select_folder(folder, readonly=readonly)
            self._client.said_meanwhile()
            uidnext = int(said.get(b"UIDNEXT", 0)) or self._uidnext(folder)
            return Selected(folder, int(said.get(b"UIDVALIDITY", 0)), uidnext)

    def _uidnext(self, folder: str) -> int:
        return int(self._client.folder_status(folder, ["UIDNEXT"])[b"UIDNEXT"])

    def uids(self, criteria: str = "ALL") -> tuple[int, ...]:
        """The messages of the open folder that fit, oldest first. ``criteria`` as in RFC 3501 §6.4.4, ASCII."""
        with mapping_imap_errors():
            return tuple(sorted(self._client.search(criteria)))

    def uids_from(self, first: int) -> tuple[int, ...]:
        """The messages of the open folder with this UID or a higher one."""
        return tuple(uid for uid in self.uids(f"UID {first}:*") if uid >= first)  # "n:*" holds the last one always

    def headers(self, uids: Iterable[int]) -> dict[int, bytes]:
        """Header blocks, each cut off just above the cap of ``mail.header``; messages that have gone are missing."""
        return self._bodies(uids, _HEADER)

    def sizes(self, uids: Iterable[int]) -> dict[int, int]:
        """Sizes in octets."""
        found = self._fetch(uids, "RFC822.SIZE")
        return {uid: int(each[b"RFC822.SIZE"]) for uid, each in found.items() if b"RFC822.SIZE" in each}

    def message(self, uid: int) -> bytes | None:
        """The whole message, its flags untouched; None when it has gone."""
        return self._bodies([uid], "BODY.PEEK[]").get(uid)

    def _fetch(self, uids: Iterable[int], what: str) -> dict[int, dict[bytes, Any]]:
        wanted = list(uids)
        found: dict[int, dict[bytes, Any]] = {}
        with mapping_imap_errors():
            for at in range(0, len(wanted), AT_ONCE):
                found |= self._client.fetch(wanted[at : at + AT_ONCE], [what])
        return found

    def _bodies(self, uids: Iterable[int], what: str) -> dict[int, bytes]:
        """The octets asked for. A message that is being taken out comes without any: NIL, or a flag alone."""
        bodies: dict[int, bytes] = {}
        for uid, found in self._fetch(uids, what).items():
            body = next((each for key, each in found.items() if key.startswith(b"BODY[")), None)
            if body is not None:
                bodies[uid] = body
        return bodies

    def append(self, folder: str, raw: bytes, flags: tuple[str, ...] = ()) -> None:
        """Put a message into a folder; the server has it when this returns."""
        with mapping_imap_errors():
            self._client.append(folder, raw, [f"\\{flag}" for flag in flags])

    def add_flag(self, uid: int, flag: str) -> None:
        """Set a flag (without its backslash) in the open folder."""
        with mapping_imap_errors():
            self._client.add_flags([uid], [f"\\{flag}".encode()], silent=True)

    def move(self, uid: int, folder: str) -> None:
        """Move a message of the open folder, flags and all; copied and taken out where the server has no MOVE."""
        with mapping_imap_errors():
            if self.can("MOVE"):
                self._client.move([uid], folder)
                return
            self._client.copy([uid], folder)
        self.remove(uid)

    def remove(self, uid: int) -> None:
        """Take a message out of the open folder, and no other.

        Without UIDPLUS a plain EXPUNGE takes everybody's deleted messages along: there the message stays marked as
        deleted, and goes when it is the only one marked.
        """
        self.add_flag(uid, "Deleted")
        with mapping_imap_errors():
            if self.can("UIDPLUS"):
                self._client.uid_expunge([uid])
            elif list(self._client.search("DELETED")) == [uid]:
                self._client.expunge()

    def wait(self) -> Pushed:
        """Wait for a change of the open folder, at most ``MAX_IDLE`` seconds (one ``POLL_EVERY`` without IDLE)."""
        with mapping_imap_errors():
            if meanwhile := self._client.said_meanwhile():
                return meanwhile
            if self.can("IDLE"):
                return self._client.wait_idle(MAX_IDLE)
            if self._hung_up.wait(POLL_EVERY):
                raise ConnectionEnded
            return self._client.poll()


def since(year: int, month: int, day: int) -> str:
    """The search key for messages that arrived on that day or later; month names are English whatever the locale."""
    return f"SINCE {day}-{_MONTHS[month - 1]}-{year}"


def _connect(server: Server, context: ssl.SSLContext | None) -> Client:
    tls = server.security is Security.TLS
    try:
        with mapping_imap_errors():
            return Client(server.host.strip("[]"), server.port, ssl=tls, ssl_context=context, timeout=TIMEOUT)
    except CommandRefused as error:  # it greets us with a BYE, or speaks no IMAP
        raise MailboxUnreachable("unavailable") from error


def _start_tls(client: Client, context: ssl.SSLContext | None) -> None:
    with mapping_imap_errors():
        if not client.has_capability("STARTTLS"):
            raise MailboxUnreachable("starttls_missing")
        client.starttls(context)


def _log_in(client: Client, user: str, password: str) -> None:
    with mapping_imap_errors():
        if user.isascii() and password.isascii():
            client.login(user, password)
        elif client.has_capability("AUTH=PLAIN"):  # LOGIN has no other characters than ASCII
            client.plain_login(user, password)
        else:
            raise LoginRefused("not_ascii")


def _close(client: Client) -> None:
    with suppress(OSError):  # it has ended already
        client.shutdown()


def _flags(flags: Iterable[bytes]) -> frozenset[str]:
    return frozenset(flag.decode("ascii", "replace").lstrip("\\").lower() for flag in flags)
