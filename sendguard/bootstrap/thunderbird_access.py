"""Thunderbird for this person's windows; looked for, and what looks imported, when a window first asks."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.desktop.mail_program import ThunderbirdAccess
from sendguard.guard.account import Account

if TYPE_CHECKING:
    from sendguard.bootstrap.protection import Protection


def thunderbird_access(accounts: Callable[[], Iterable[Account]]) -> ThunderbirdAccess:
    """``accounts`` are SendGuard's."""

    @cache
    def protection() -> "Protection":
        from sendguard.bootstrap.protection import Protection
        from sendguard.thunderbird.policies import policy_path

        return Protection(Path.home(), accounts, policy_path())

    return ThunderbirdAccess(
        profiles=lambda: protection().profiles(),
        use_gate=lambda way: protection().use_gate(way),
        point_back=lambda way: protection().point_back(way),
        suggested_account=lambda way: protection().suggested_account(way),
        install_addon=lambda: protection().install_addon(),
    )
