"""Managed policy as each system keeps it: files of root's on Linux, the registry on Windows, preferences on macOS."""

import sys
from collections.abc import Hashable
from typing import Protocol

from sendguard.settings.layers import Offer


class PolicySource(Protocol):
    """Where policy is kept on this machine. Never raises: what cannot be read or believed is a broken offer."""

    def stamp(self) -> Hashable:
        """Something that differs once the policy does; cheap enough to be asked before every decision."""
        ...

    def read(self) -> tuple[Offer, ...]:
        """All that is said there, in the order in which the later wins."""
        ...


class NoPolicy:
    """Where a system has no place for policy."""

    def stamp(self) -> Hashable:
        """Nothing ever changes."""
        return ()

    def read(self) -> tuple[Offer, ...]:
        """Nothing is said."""
        return ()


def policy_here(platform: str = sys.platform) -> PolicySource:
    """The policy of this machine."""
    match platform:
        case "linux":
            from sendguard.system.managed_files import ManagedFiles

            return ManagedFiles()
        case "darwin":
            from sendguard.system.managed_preferences import preferences_here

            return preferences_here()
        case "win32":
            from sendguard.system.managed_registry import registry_here

            return registry_here()
        case _:
            return NoPolicy()
