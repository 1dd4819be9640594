"""An account: whose mail is guarded, and which servers it goes through. Secrets are never in here."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit


class Security(StrEnum):
    """How a connection is secured. There is no "accept anyway"."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"
    """Loopback only; see ``Server``."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens. Raises ValueError for a plain connection to anything but loopback, or a bad port."""

    host: str
    port: int
    security: Security
    user: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"a port lies between 1 and 65535, not {self.port}")
        if self.security is Security.PLAIN and not is_loopback(self.host):
            raise ValueError("an unencrypted connection is allowed to this computer only")


class Login(StrEnum):
    """How an Exchange server is logged in to."""

    BASIC = "basic"
    NTLM = "ntlm"
    KERBEROS = "kerberos"
    OAUTH = "oauth"


@dataclass(frozen=True, slots=True)
class ExchangeServer:
    """An Exchange server's EWS address. Raises ValueError for one that is not https, or http to this computer.

    ``client_id`` and ``tenant`` are those of the application a person logs in to by OAuth; the settings' where empty.
    """

    url: str
    login: Login
    user: str = ""
    client_id: str = ""
    tenant: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.username or parts.fragment:
            raise ValueError("the address of an Exchange server begins with https://")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("an unencrypted connection is allowed to this computer only")


def is_loopback(host: str) -> bool:
    """Whether a host name or address surely means this computer."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Account:
    """One guarded account.

    ``identities`` are every address the person sends from (normalised, the main one first). ``gate_port`` is the
    loopback port of its SMTP gate, ``ews_gate_port`` that of its EWS gate, 0 for none. ``outbox`` is the name of its
    guarded outbox, empty for none.
    """

    name: str
    identities: tuple[str, ...]
    imap: Server | None = None
    smtp: Server | None = None
    gate_port: int = 0
    outbox: str = "Guarded Outbox"
    watch_drafts: bool = True
    exchange: ExchangeServer | None = None
    ews_gate_port: int = 0

    @property
    def own_addresses(self) -> frozenset[str]:
        """The identities as a set."""
        return frozenset(self.identities)
