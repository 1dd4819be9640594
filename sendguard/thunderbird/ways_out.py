"""Each identity's way out: guarded by the add-on, guarded by a gate, or open; and what can be done about it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from sendguard.guard.account import Account, ExchangeServer, Login, Security, Server, is_loopback
from sendguard.thunderbird.addon import ADDON_ID
from sendguard.thunderbird.pointing import knows_way_back
from sendguard.thunderbird.preferences import Preference, PreferencesUnreadable
from sendguard.thunderbird.profile_lock import is_open
from sendguard.thunderbird.profiles import Profile, profiles
from sendguard.thunderbird.servers import Auth, Identity, MailServer, Socket, identities

MAX_OCTETS = 16 * 1024 * 1024


class Guarded(StrEnum):
    """What stands in an identity's way out."""

    ADDON = "addon"
    GATE = "gate"
    NO_GATE = "no_gate"
    """It points at a gate that is not there any more: nothing leaves, and nothing will."""
    NO_SERVER = "no_server"
    """It has no outgoing server: nothing leaves."""
    OPEN = "open"


class NoGate(StrEnum):
    """Why an outgoing server cannot be pointed at a gate."""

    OAUTH = "oauth"
    """Thunderbird logs in by OAuth to servers it knows by their names only, never to 127.0.0.1 (OAuth2Module)."""
    LOGIN = "login"
    """Kerberos, NTLM or a certificate: what is said is meant for the one at the other end."""
    KIND = "kind"
    """Neither SMTP nor EWS."""
    NO_SERVER = "no_server"


@dataclass(frozen=True, slots=True)
class WayOut:
    """One identity of one profile.

    ``account`` is SendGuard's for its outgoing server, None where there is none yet; ``has_addon`` whether SendGuard's
    add-on is active in the profile; ``no_gate`` why a gate cannot be used, None where it can; ``can_point_back``
    whether it stands at a gate, or at where one was, and it is known where it was before.
    """

    profile: Profile
    identity: Identity
    account: Account | None
    guarded: Guarded
    has_addon: bool
    no_gate: NoGate | None
    can_point_back: bool

    @property
    def gate_port(self) -> int:
        """The port of the account's gate this server would be pointed at; 0 where there is none."""
        server = self.identity.outgoing
        if self.account is None or server is None:
            return 0
        return self.account.ews_gate_port if server.kind == "ews" else self.account.gate_port


@dataclass(frozen=True, slots=True)
class ProfileFound:
    """A profile and the ways out of it. ``unreadable`` where its preferences cannot be read: nobody knows its ways."""

    profile: Profile
    in_use: bool
    ways: tuple[WayOut, ...] = ()
    unreadable: bool = False


def profiles_found(home: Path, accounts: Iterable[Account]) -> tuple[ProfileFound, ...]:
    """Every profile of a person with everything that leaves it. Reads only."""
    return tuple(_found(profile, tuple(accounts)) for profile in profiles(home))


def suggested_account(way: WayOut, others: Iterable[WayOut]) -> Account | None:
    """What SendGuard's account for an identity's servers would be, without gates and passwords; None where no gate can.

    ``others`` are the ways out of the same profile: every identity that leaves by the same server is one of its.
    """
    server, incoming = way.identity.outgoing, way.identity.incoming
    if server is None or way.no_gate is not None:
        return None
    same = [each.identity.address for each in others if each.identity.outgoing == server]
    made = Account(way.identity.address, tuple(dict.fromkeys((way.identity.address, *same))))
    try:
        if server.kind == "ews":
            login = Login.NTLM if server.auth == Auth.NTLM else Login.BASIC
            return replace(made, exchange=ExchangeServer(server.url, login, server.user))
        imap = _ours(incoming) if incoming is not None and incoming.kind == "imap" else None
        return replace(made, imap=imap, smtp=_ours(server))
    except ValueError:  # a host or a port that is none
        return None


def _ours(server: MailServer) -> Server:
    """The server as SendGuard has it: what Thunderbird does without encryption SendGuard does with STARTTLS."""
    security = {int(Socket.TLS): Security.TLS, int(Socket.PLAIN): Security.PLAIN}.get(server.socket, Security.STARTTLS)
    if security is Security.PLAIN and not is_loopback(server.host):
        security = Security.STARTTLS
    return Server(server.host, server.port, security, server.user)


def _found(profile: Profile, accounts: tuple[Account, ...]) -> ProfileFound:
    in_use = is_open(profile)
    try:
        preferences = profile.preferences()
    except PreferencesUnreadable:
        return ProfileFound(profile, in_use, unreadable=True)
    has_addon = _has_addon(profile)
    ways = (_way(profile, each, accounts, preferences, has_addon) for each in identities(preferences))
    return ProfileFound(profile, in_use, tuple(ways))


def _way(
    profile: Profile,
    identity: Identity,
    accounts: tuple[Account, ...],
    preferences: Mapping[str, Preference],
    has_addon: bool,
) -> WayOut:
    server = identity.outgoing
    at_gate = next((each for each in accounts if server and _is_at_gate(server, each)), None)
    way_back = server is not None and knows_way_back(preferences, server) and is_loopback(server.host)
    if has_addon:
        guarded = Guarded.ADDON
    elif at_gate is not None:
        guarded = Guarded.GATE
    elif server is None:
        guarded = Guarded.NO_SERVER
    else:
        guarded = Guarded.NO_GATE if way_back else Guarded.OPEN
    account = at_gate or next((each for each in accounts if server and _is_for(server, identity, each)), None)
    return WayOut(
        profile, identity, account, guarded, has_addon, _no_gate(server), bool(at_gate is not None or way_back)
    )


def _is_at_gate(server: MailServer, account: Account) -> bool:
    if not is_loopback(server.host):
        return False
    port = account.ews_gate_port if server.kind == "ews" else account.gate_port if account.smtp else 0
    return port != 0 and server.port == port


def _is_for(server: MailServer, identity: Identity, account: Account) -> bool:
    """Whether an account's gate goes where the server is, and sends for the identity."""
    if identity.address not in account.own_addresses:
        return False
    if server.kind == "ews":
        return account.exchange is not None and account.exchange.url.casefold() == server.url.casefold()
    return account.smtp is not None and account.smtp.host.casefold() == server.host.casefold()


def _no_gate(server: MailServer | None) -> NoGate | None:
    if server is None:
        return NoGate.NO_SERVER
    if server.kind not in {"smtp", "ews"}:
        return NoGate.KIND
    if server.auth == Auth.OAUTH:
        return NoGate.OAUTH
    passes = {Auth.NONE, Auth.PASSWORD, Auth.ENCRYPTED, Auth.SECURE, Auth.ANY}
    if server.kind == "ews":
        passes.add(Auth.NTLM)
    return None if server.auth in passes else NoGate.LOGIN


def _has_addon(profile: Profile) -> bool:
    """Whether the add-on is active, as Thunderbird wrote it down."""
    return any(each.get("id") == ADDON_ID and each.get("active") is True for each in _addons(profile))


def _addons(profile: Profile) -> Iterator[dict[str, Any]]:
    try:
        with (profile.folder / "extensions.json").open("rb") as file:
            found = json.loads(file.read(MAX_OCTETS))["addons"]
        yield from (each for each in found if isinstance(each, dict))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
