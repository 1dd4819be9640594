"""Passwords: in the system's keyring, or in memory for this session when no keyring answers. Never in a file."""

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

_SERVICE = "SendGuard"
KEYRING_SECONDS = 30.0
"""A keyring may ask its person to unlock it; after this long it counts as not answering."""

T = TypeVar("T")


class KeyringSecrets:
    """``guard.ports.Secrets``. keyring is imported at first use, in a thread: it talks to the session bus."""

    def __init__(self, seconds: float = KEYRING_SECONDS) -> None:
        self._seconds = seconds
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="keyring")
        self._session: dict[str, str] = {}

    def get(self, account: str, service: str) -> str | None:
        """The secret, None when there is none or the keyring gives no answer."""
        key = _key(account, service)
        if key in self._session:
            return self._session[key]
        return self._ask(lambda keyring: keyring.get_password(_SERVICE, key))

    def set(self, account: str, service: str, secret: str) -> bool:
        """Keep a secret; False when only this session knows it."""
        key = _key(account, service)

        def store(keyring: Any) -> bool:
            keyring.set_password(_SERVICE, key, secret)
            return bool(keyring.get_password(_SERVICE, key) == secret)

        if self._ask(store):
            self._session.pop(key, None)
            return True
        self._session[key] = secret
        return False

    def delete(self, account: str) -> None:
        """Forget an account's secrets."""
        for service in ("imap", "smtp"):
            key = _key(account, service)
            self._session.pop(key, None)
            self._ask(lambda keyring, key=key: keyring.delete_password(_SERVICE, key))  # type: ignore[misc]

    def _ask(self, what: Callable[[Any], T]) -> T | None:
        """Run in the keyring's thread. Every backend has errors of its own: all of them mean "no answer"."""
        try:
            return self._worker.submit(lambda: what(importlib.import_module("keyring"))).result(self._seconds)
        except (Exception, FutureTimeout):
            return None


class SessionSecrets:
    """Secrets in memory only: for practice and tests."""

    def __init__(self, **secrets: str) -> None:
        self._secrets = secrets

    def get(self, account: str, service: str) -> str | None:
        """The secret for an account's service, or for the account."""
        return self._secrets.get(_key(account, service), self._secrets.get(account))

    def set(self, account: str, service: str, secret: str) -> bool:
        """Keep it for this session."""
        self._secrets[_key(account, service)] = secret
        return False

    def delete(self, account: str) -> None:
        """Forget them."""
        for service in ("imap", "smtp"):
            self._secrets.pop(_key(account, service), None)


def _key(account: str, service: str) -> str:
    return f"{service}:{account}"
