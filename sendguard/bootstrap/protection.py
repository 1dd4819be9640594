"""“Protect this account”: what is known of Thunderbird here, put together with SendGuard's accounts, and changed."""

from collections.abc import Callable, Iterable
from pathlib import Path

from sendguard.bootstrap.once import WrongInput
from sendguard.bootstrap.thunderbird import install_host
from sendguard.desktop.mail_program import AddonInstalled, IdentityWay, MailProfile, WayState
from sendguard.guard.account import Account
from sendguard.thunderbird.addon import ADDON_ID, write_xpi
from sendguard.thunderbird.pointing import NotPointed, Refusal, point_at_gate, point_back
from sendguard.thunderbird.policies import Policy, PolicyFile, PolicyNotWritten
from sendguard.thunderbird.ways_out import ProfileFound, WayOut, profiles_found, suggested_account


class Protection:
    """Thunderbird's profiles in ``home``. ``accounts`` are SendGuard's; ``policies`` is where IT tells Thunderbird."""

    def __init__(self, home: Path, accounts: Callable[[], Iterable[Account]], policies: Path | None = None) -> None:
        self._home = home
        self._accounts = accounts
        self._policies = PolicyFile(policies, ADDON_ID) if policies is not None else None

    def profiles(self) -> tuple[MailProfile, ...]:
        """Every profile with something in it that leaves."""
        return tuple(_profile(found) for found in self._found() if found.ways or found.unreadable)

    def use_gate(self, way_id: str) -> str:
        """Point the identity's server at its account's gate."""
        _, way = self._way(way_id)
        if way is None or way.identity.outgoing is None or not way.gate_port:
            return Refusal.GONE
        return _why_not(point_at_gate, way.profile, way.identity.outgoing, way.gate_port)

    def point_back(self, way_id: str) -> str:
        """Point it to where it was before."""
        _, way = self._way(way_id)
        if way is None or way.identity.outgoing is None:
            return Refusal.GONE
        return _why_not(point_back, way.profile, way.identity.outgoing, way.account)

    def suggested_account(self, way_id: str) -> Account | None:
        """What SendGuard's account for it would be."""
        found, way = self._way(way_id)
        return suggested_account(way, found.ways) if found is not None and way is not None else None

    def install_addon(self) -> AddonInstalled:
        """Let Thunderbird find SendGuard, and have it install the add-on, or say where the file is."""
        try:
            _, file = install_host()
        except WrongInput:
            return AddonInstalled(trouble="addon_not_written")
        policies = self._policies
        if policies is not None and policies.says() is Policy.FORBIDS:
            return AddonInstalled(trouble="addon_forbidden")
        if policies is not None and policies.is_writable:
            try:
                policies.install(write_xpi(policies.path.parent))
                return AddonInstalled(str(policies.path), by_policy=True)
            except (PolicyNotWritten, OSError):
                pass  # the person can still do it
        return AddonInstalled(str(file))

    def _found(self) -> tuple[ProfileFound, ...]:
        return profiles_found(self._home, self._accounts())

    def _way(self, way_id: str) -> tuple[ProfileFound | None, WayOut | None]:
        for found in self._found():
            for way in found.ways:
                if _id(way) == way_id:
                    return found, way
        return None, None


def _profile(found: ProfileFound) -> MailProfile:
    return MailProfile(
        name=found.profile.name,
        in_use=found.in_use,
        ways=tuple(_identity(way) for way in found.ways),
        has_addon=any(way.has_addon for way in found.ways),
        unreadable=found.unreadable,
        sandbox=found.profile.sandbox,
    )


def _identity(way: WayOut) -> IdentityWay:
    server = way.identity.outgoing
    return IdentityWay(
        id=_id(way),
        address=way.identity.address,
        server=f"{server.host}:{server.port}" if server is not None else "",
        state=WayState(way.guarded.value),
        has_account=way.gate_port != 0,
        no_gate=f"gate_{way.no_gate}" if way.no_gate is not None else "",
        can_point_back=way.can_point_back,
    )


def _id(way: WayOut) -> str:
    return f"{way.profile.folder}/{way.identity.key}"


def _why_not(change: Callable[..., None], *what: object) -> str:
    try:
        change(*what)
    except NotPointed as error:
        return error.why
    return ""
