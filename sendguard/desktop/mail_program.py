"""What the desktop needs to know of Thunderbird on this computer, and can do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sendguard.guard.account import Account


class WayState(StrEnum):
    """What stands in an identity's way out."""

    ADDON = "addon"
    GATE = "gate"
    NO_GATE = "no_gate"
    """It points at a gate that is not there any more: nothing leaves."""
    NO_SERVER = "no_server"
    OPEN = "open"

    @property
    def is_guarded(self) -> bool:
        """Whether SendGuard holds what is sent this way."""
        return self in {WayState.ADDON, WayState.GATE}


@dataclass(frozen=True, slots=True)
class IdentityWay:
    """One identity's way out. ``id`` names it until Thunderbird's profile changes.

    ``server`` is where it sends to, as a person knows it. ``has_account`` whether SendGuard has an account with a gate
    for it; ``no_gate`` a code that says why a gate cannot be used, empty where it can.
    """

    id: str
    address: str
    server: str
    state: WayState
    has_account: bool = False
    no_gate: str = ""
    can_point_back: bool = False

    @property
    def can_use_gate(self) -> bool:
        """Whether it could be pointed at a gate, now or once there is an account."""
        return not self.no_gate and self.state in {WayState.OPEN, WayState.ADDON} and not self.can_point_back


@dataclass(frozen=True, slots=True)
class MailProfile:
    """A profile of Thunderbird. ``sandbox`` is ``Flatpak`` or ``Snap``, or empty."""

    name: str
    in_use: bool
    ways: tuple[IdentityWay, ...] = ()
    has_addon: bool = False
    unreadable: bool = False
    sandbox: str = ""


@dataclass(frozen=True, slots=True)
class AddonInstalled:
    """What came of installing the add-on: it comes by itself (``by_policy``), or a person installs ``file``.

    Or nothing, and ``trouble`` is a code.
    """

    file: str = ""
    by_policy: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ThunderbirdAccess:
    """Every call blocks a moment; the ways are named by their ``id``. What comes back is a trouble code, or empty."""

    profiles: Callable[[], tuple[MailProfile, ...]]
    use_gate: Callable[[str], str]
    """Let the identity's server send through its account's gate, and every other identity that leaves by it."""
    point_back: Callable[[str], str]
    """Let it send as it did before."""
    suggested_account: Callable[[str], Account | None]
    """What an account for the identity would be, without a gate; None where that is not known."""
    install_addon: Callable[[], AddonInstalled]
