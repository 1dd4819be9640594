"""A profile's accounts, identities and servers, as its preferences name them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from sendguard.mail.address import normalise
from sendguard.thunderbird.preferences import Preference


class Auth(IntEnum):
    """How Thunderbird logs in (nsMsgAuthMethod)."""

    NONE = 1
    PASSWORD = 3
    ENCRYPTED = 4
    KERBEROS = 5
    NTLM = 6
    CERTIFICATE = 7
    SECURE = 8
    ANY = 9
    OAUTH = 10


class Socket(IntEnum):
    """How Thunderbird secures a connection (nsMsgSocketType)."""

    PLAIN = 0
    STARTTLS_IF_OFFERED = 1
    STARTTLS = 2
    TLS = 3


PORTS = {"imap": (143, 993), "smtp": (587, 465)}
"""Of a server without a port: the one with TLS from the start is the second."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server mail comes from (``imap``, ``pop3``, ``ews`` …) or goes to (``smtp``, ``ews``).

    ``key`` is Thunderbird's. ``url`` is an Exchange server's; host and port are then its.
    """

    key: str
    kind: str
    host: str
    port: int
    socket: int = Socket.PLAIN
    auth: int = Auth.PASSWORD
    user: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody mail is written as: an address, the server mail comes from, and the one it leaves by (None: nowhere)."""

    key: str
    address: str
    incoming: MailServer | None
    outgoing: MailServer | None


def identities(preferences: Mapping[str, Preference]) -> tuple[Identity, ...]:
    """Every identity with an address, in Thunderbird's order.

    One that names no way out has the default one; one that names what is not there has none.
    """
    outgoing = {server.key: server for server in outgoing_servers(preferences)}
    default = _text(preferences, "mail.smtp.defaultserver") or next(iter(outgoing), "")
    found: list[Identity] = []
    for account in _keys(preferences, "mail.accountmanager.accounts"):
        incoming = _in(preferences, str(preferences.get(f"mail.account.{account}.server", "")))
        for key in _keys(preferences, f"mail.account.{account}.identities"):
            address = normalise(str(preferences.get(f"mail.identity.{key}.useremail", "")))
            server = outgoing.get(_text(preferences, f"mail.identity.{key}.smtpServer") or default)
            if address:
                found.append(Identity(key, address, incoming, server))
    return tuple(found)


def outgoing_servers(preferences: Mapping[str, Preference]) -> tuple[MailServer, ...]:
    """Every server mail leaves by, used or not, in Thunderbird's order."""
    found = (_out(preferences, key) for key in _keys(preferences, "mail.smtpservers"))
    return tuple(server for server in found if server is not None)


def _keys(preferences: Mapping[str, Preference], name: str) -> Iterator[str]:
    return filter(None, (each.strip() for each in str(preferences.get(name, "")).split(",")))


def _out(preferences: Mapping[str, Preference], key: str) -> MailServer | None:
    smtp, other = f"mail.smtpserver.{key}.", f"mail.outgoingserver.{key}."
    kind = _text(preferences, f"{smtp}type") or "smtp"
    if kind == "smtp":
        return _server(preferences, key, kind, smtp, ("hostname", "username", "try_ssl", "authMethod"))
    url = _text(preferences, f"{other}{kind}_url")
    user, auth = _text(preferences, f"{other}username"), _number(preferences, f"{other}auth_method", Auth.PASSWORD)
    return MailServer(key, kind, *_end_of(url), auth=auth, user=user, url=url)


def _in(preferences: Mapping[str, Preference], key: str) -> MailServer | None:
    kind = _text(preferences, f"mail.server.{key}.type")
    return _server(preferences, key, kind, f"mail.server.{key}.", ("hostname", "userName", "socketType", "authMethod"))


def _server(
    preferences: Mapping[str, Preference], key: str, kind: str, branch: str, names: tuple[str, str, str, str]
) -> MailServer | None:
    host, user, socket, auth = (f"{branch}{name}" for name in names)
    if not _text(preferences, host):
        return None
    security = _number(preferences, socket, Socket.PLAIN)
    usual = PORTS.get(kind, (0, 0))[security == Socket.TLS]
    return MailServer(
        key,
        kind,
        _text(preferences, host),
        _number(preferences, f"{branch}port", usual) or usual,
        security,
        _number(preferences, auth, Auth.PASSWORD),
        _text(preferences, user),
        _text(preferences, f"{branch}ews_url"),
    )


def _text(preferences: Mapping[str, Preference], name: str) -> str:
    value = preferences.get(name, "")
    return value if isinstance(value, str) else ""


def _number(preferences: Mapping[str, Preference], name: str, otherwise: int) -> int:
    value = preferences.get(name, otherwise)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _end_of(url: str) -> tuple[str, int]:
    """Host and port of an Exchange address; what was given, and 0, where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url, 0
    if not parts.hostname:
        return url, 0
    return parts.hostname, port or (80 if parts.scheme == "http" else 443)
