"""The settings in force, found anew whenever something that decides about them has changed."""

import threading
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Protocol

from sendguard.settings.layers import Offer, Resolution, own_changes, resolve
from sendguard.settings.setting import Value
from sendguard.settings.values import Values
from sendguard.storage.files import load_settings, save_settings
from sendguard.system.managed import PolicySource


class SignedPolicy(Protocol):
    """The policy the organisation publishes, as far as it has come."""

    def offer(self, values: Values) -> Offer | None:
        """What it says under the settings of the machine's own policy; None where none is followed or none has come."""
        ...

    def stamp(self) -> Hashable:
        """Something that differs once it does."""
        ...


class Settings:
    """Every layer of settings on this machine. Thread-safe; never raises but for ``save_own``."""

    def __init__(self, own: Path, policy: PolicySource, signed: SignedPolicy | None = None) -> None:
        self._own = own
        self._policy = policy
        self._signed = signed
        self._lock = threading.RLock()
        self._watchers: list[Callable[[Resolution], None]] = []
        self._stamp = self._now()
        self._offers: tuple[Offer, ...] = ()
        self._resolution = self._read()

    @property
    def resolution(self) -> Resolution:
        """What is in force, who decided it, and what is wrong."""
        return self._resolution

    @property
    def values(self) -> Values:
        """The values in force."""
        return self._values

    def watch(self, watcher: Callable[[Resolution], None]) -> None:
        """Call ``watcher`` after every change, on the thread that noticed it."""
        self._watchers.append(watcher)

    def refresh(self) -> None:
        """See whether anything has changed. Cheap where nothing has: some look-ups of files' states."""
        stamp = self._now()
        if stamp == self._stamp:
            return
        with self._lock:
            if stamp == self._stamp:
                return
            self._stamp, before = stamp, self._resolution
            self._resolution = self._read()
            changed = self._resolution != before
        for watcher in self._watchers if changed else ():
            watcher(self._resolution)

    def save_own(self, edits: Mapping[str, Value]) -> None:
        """Write what the person changed, and put it in force. Raises OSError."""
        with self._lock:
            own = load_settings(self._own)
            save_settings(self._own, own_changes(self._offers, own.values, edits))
        self.refresh()

    def _now(self) -> Hashable:
        return self._policy.stamp(), _state(self._own), self._signed.stamp() if self._signed else None

    def _read(self) -> Resolution:
        offers = [*self._policy.read(), load_settings(self._own)]
        if self._signed is not None and (signed := self._signed.offer(resolve(offers).values)) is not None:
            offers.append(signed)
        self._offers = tuple(offers)
        found = resolve(offers)
        self._values = found.values
        return found


def _state(path: Path) -> Hashable:
    try:
        state = path.stat()
    except OSError as error:
        return error.errno
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino
