"""Pointing a profile's outgoing server at a gate, and back to where it was.

What was there before is kept in the profile itself, in a preference beside those that are changed: it comes with them
in one write, goes with the profile to another computer, and goes when Thunderbird deletes the server. Order of things:
the copies of passwords, which do no harm alone, before the preferences that need them; and away before these are back,
so that whatever is interrupted can be done again.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from sendguard.guard.account import Account, Security, Server, is_loopback
from sendguard.thunderbird.kept import replace_keeping
from sendguard.thunderbird.logins import copy_logins, forget_logins
from sendguard.thunderbird.preferences import Preference, Preferences, PreferencesUnreadable
from sendguard.thunderbird.profile_lock import ProfileInUse, kept_closed
from sendguard.thunderbird.profiles import Profile
from sendguard.thunderbird.servers import Auth, MailServer, Socket, outgoing_servers

GATE_HOSTS = ("127.0.0.1", "localhost")
"""Names for the computer the gates are on. Thunderbird keeps passwords by the server's name and the user's: two servers
with one user name need two names here, or one would be given the other's password."""
EWS_PATH = "/EWS/Exchange.asmx"

_SOCKETS = {Security.PLAIN: Socket.PLAIN, Security.STARTTLS: Socket.STARTTLS, Security.TLS: Socket.TLS}


class Refusal(StrEnum):
    """Why nothing was changed."""

    OPEN = "profile_open"
    UNREADABLE = "profile_unreadable"
    FIXED = "profile_fixed"
    """The profile's user.js says something else at every start."""
    GONE = "server_gone"
    """The server is not what it was when somebody last looked."""
    CROWDED = "profile_crowded"
    """More servers with one user name than there are names for this computer."""
    NOT_WRITTEN = "profile_not_written"


class NotPointed(Exception):
    """Nothing was changed; ``why`` says what kept us from it."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class WayBack:
    """What was there before: each preference's value, None where it was not set; and the copies of passwords."""

    was: Mapping[str, Preference | None]
    logins: tuple[str, ...]

    @classmethod
    def read(cls, preferences: Mapping[str, Preference], server: MailServer) -> "WayBack | None":
        """What was written down of ``server``; None for nothing, and for anything that is not about it."""
        try:
            found = json.loads(str(preferences.get(_record(server))))
            was = {str(name): value for name, value in dict(found["was"]).items()}
            logins = tuple(str(each) for each in found["logins"])
        except (ValueError, TypeError, KeyError):
            return None
        about = all(name.startswith(_branch(server)) for name in was)
        fits = all(value is None or isinstance(value, str | int) for value in was.values())
        return cls(was, logins) if was and about and fits else None

    @property
    def written(self) -> str:
        """As text."""
        return json.dumps({"was": dict(self.was), "logins": self.logins})


def point_at_gate(profile: Profile, server: MailServer, port: int) -> None:
    """Let ``server`` of a closed profile send through the gate on ``port``. Raises NotPointed; then it sends as before.

    Thunderbird finds its password again where it kept one; otherwise it asks once.
    """
    with _changing(profile, server) as preferences:
        way = WayBack.read(preferences.values, server) if is_loopback(server.host) else None
        host = server.host if way is not None else _free_host(server, profile.preferences())
        wanted = _at_gate(server, host, port)
        _not_fixed(profile, wanted)
        if way is None:  # not from one gate to another
            preferences.changed(wanted)  # before anything is written
            logins = copy_logins(profile, _origin(server, server.host), _origin(server, host))
            way = WayBack({name: preferences.values.get(name) for name in wanted}, logins)
        fresh = preferences.changed(wanted | {_record(server): way.written})
        replace_keeping(profile.preferences_file, fresh.octets)


def point_back(profile: Profile, server: MailServer, account: Account | None) -> None:
    """Let ``server`` of a closed profile send as it did before. Raises NotPointed; then it stays at the gate.

    Where nobody wrote down how that was, since a person had set the gate themselves: to the server of ``account``.
    """
    with _changing(profile, server) as preferences:
        way = WayBack.read(preferences.values, server) or _way_to(server, account)
        if way is None:
            raise NotPointed(Refusal.GONE)
        _not_fixed(profile, way.was)
        forget_logins(profile, set(way.logins) - _wanted_by_others(preferences.values, server))
        back = preferences.changed({**way.was, _record(server): None})
        replace_keeping(profile.preferences_file, back.octets)


def knows_way_back(preferences: Mapping[str, Preference], server: MailServer) -> bool:
    """Whether the profile knows how it was before it was pointed at a gate."""
    return WayBack.read(preferences, server) is not None


def _free_host(server: MailServer, preferences: Mapping[str, Preference]) -> str:
    """A name for this computer under which Thunderbird keeps no password of another server's for this user name."""
    others = [each for each in outgoing_servers(preferences) if each.key != server.key and each.kind == server.kind]
    taken = {each.host for each in others if each.user == server.user}
    for host in GATE_HOSTS:
        if host not in taken:
            return host
    raise NotPointed(Refusal.CROWDED)


def _wanted_by_others(preferences: Mapping[str, Preference], server: MailServer) -> set[str]:
    """The copies of passwords that other servers at gates were given, too."""
    others = (each for each in outgoing_servers(preferences) if each.key != server.key)
    return {name for each in others if (way := WayBack.read(preferences, each)) for name in way.logins}


def _at_gate(server: MailServer, host: str, port: int) -> dict[str, Preference | None]:
    if server.kind == "ews":
        return {f"{_branch(server)}ews_url": f"http://{host}:{port}{EWS_PATH}"}
    branch = _branch(server)
    return {
        f"{branch}hostname": host,
        f"{branch}port": port,
        f"{branch}try_ssl": int(Socket.PLAIN),
        f"{branch}authMethod": int(Auth.NONE if server.auth == Auth.NONE else Auth.PASSWORD),
    }


def _way_to(server: MailServer, account: Account | None) -> WayBack | None:
    if account is None:
        return None
    if server.kind == "ews" and account.exchange is not None:
        return WayBack({f"{_branch(server)}ews_url": account.exchange.url}, ())
    return _way_to_smtp(server, account.smtp) if server.kind == "smtp" and account.smtp is not None else None


def _way_to_smtp(server: MailServer, real: Server) -> WayBack:
    was: dict[str, str | int] = {"hostname": real.host, "port": real.port, "try_ssl": int(_SOCKETS[real.security])}
    return WayBack({f"{_branch(server)}{name}": value for name, value in was.items()}, ())


def _record(server: MailServer) -> str:
    return f"{_branch(server)}sendguard_way_back"


def _branch(server: MailServer) -> str:
    return f"mail.{'smtpserver' if server.kind == 'smtp' else 'outgoingserver'}.{server.key}."


def _origin(server: MailServer, host: str) -> str:
    """Under which name Thunderbird keeps the password: by the kind and the host, never the port."""
    return f"{server.kind}://{f'[{host}]' if ':' in host else host}"


@contextmanager
def _changing(profile: Profile, server: MailServer) -> Iterator[Preferences]:
    """The preferences of a profile no Thunderbird can open meanwhile, with the server still what it was."""
    try:
        with kept_closed(profile):
            if not _is_still(profile.preferences(), server):
                raise NotPointed(Refusal.GONE)
            yield Preferences.load(profile.preferences_file)
    except ProfileInUse as error:
        raise NotPointed(Refusal.OPEN) from error
    except PreferencesUnreadable as error:
        raise NotPointed(Refusal.UNREADABLE) from error
    except OSError as error:
        raise NotPointed(Refusal.NOT_WRITTEN) from error


def _is_still(values: Mapping[str, Preference], server: MailServer) -> bool:
    if server.kind == "smtp":
        return values.get(f"{_branch(server)}hostname") == server.host
    return values.get(f"{_branch(server)}{server.kind}_url") == server.url


def _not_fixed(profile: Profile, wanted: Mapping[str, object]) -> None:
    if wanted.keys() & Preferences.load(profile.folder / "user.js").values.keys():
        raise NotPointed(Refusal.FIXED)
