"""What Thunderbird's add-on needs on this computer: the native messaging host SendGuard is reached by, and its file."""

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sendguard.bootstrap.once import WrongInput
from sendguard.storage.places import Places
from sendguard.thunderbird.addon import ADDON_ID, FILE_NAME, write_xpi
from sendguard.thunderbird.addon import version as version_of_addon
from sendguard.thunderbird.door import is_answered
from sendguard.thunderbird.native import REGISTRY, HostStatus, NativeHost
from sendguard.thunderbird.policies import PolicyFile, PolicyNotWritten, policy_path


def native_host(places: Places | None = None) -> NativeHost:
    """The host of this user: what ``install``, ``remove`` and ``status`` are about."""
    folder = (places or Places.of_this_user()).data
    if sys.platform == "win32":
        from sendguard.system.registry import RegistryKey

        return NativeHost(folder, Path.home(), open_key=lambda: RegistryKey(REGISTRY))
    return NativeHost(folder, Path.home())


def is_found_by_thunderbird(places: Places) -> bool:
    """Whether Thunderbird's add-on is to find this SendGuard: then it guards without an account of its own, too."""
    return native_host(places).status().installed


def install_host(folder: Path | None = None) -> tuple[HostStatus, Path]:
    """Let Thunderbird find SendGuard, and put the add-on's file into ``folder``, by default SendGuard's own.

    Raises WrongInput where something cannot be written.
    """
    host = native_host()
    try:
        host.install()
        return host.status(), write_xpi(folder or host.folder)
    except OSError as error:
        raise _cannot_write(error) from error


def remove_host() -> None:
    """Take away what ``install_host`` wrote. Raises WrongInput where it cannot."""
    host, policies = native_host(), policy_path()
    try:
        host.remove()
        (host.folder / FILE_NAME).unlink(missing_ok=True)
        if policies is not None:
            with suppress(PolicyNotWritten):  # then it is not ours to take back
                PolicyFile(policies, ADDON_ID).withdraw()
    except OSError as error:
        raise _cannot_write(error) from error


def host_report() -> dict[str, Any]:
    """How the host stands: ``installed``, ``working``, ``running`` (a SendGuard listens), ``manifest``, ``lines``."""
    host = native_host()
    found = host.status()
    running = is_answered(host.door)
    if not found.installed:
        lines = ["Thunderbird does not find SendGuard. Run: sendguard thunderbird install"]
    elif not found.working:
        lines = ["Thunderbird looks for SendGuard where it is not any more. Run: sendguard thunderbird install"]
    else:
        lines = [f"Thunderbird finds SendGuard by {found.manifest}."]
    lines.append("SendGuard is running." if running else "SendGuard is not running: the add-on sends nothing.")
    return asdict(found) | {"running": running, "addon": version_of_addon(), "lines": lines}


def _cannot_write(error: OSError) -> WrongInput:
    return WrongInput(f"{error.filename or 'A file'} cannot be written: {error.strerror}. Nothing else was changed.")
