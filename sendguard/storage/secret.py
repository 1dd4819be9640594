"""Passwords: in the system's keyring, or in memory for this session when no keyring answers. Never in a file."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sendguard.guard.ports import SERVICES

_SERVICE = "SendGuard"
KEYRING_SECONDS = 60.0
"""A keyring may ask its person to unlock it; after this long it counts as not answering, and its process is ended."""

Ask = Callable[[Mapping[str, str]], "dict[str, Any] | None"]
"""Puts one question to the keyring (see ``keyring_process``); None when there is no answer."""


class KeyringSecrets:
    """``guard.ports.Secrets``. Blocks while the keyring is asked; what it said is kept in memory for this session."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask or ask_in_a_process
        self._lock = threading.Lock()
        self._session: dict[str, str] = {}

    def get(self, account: str, service: str) -> str | None:
        """The secret, None when there is none or the keyring gives no answer."""
        key = _key(account, service)
        with self._lock:  # two threads that want the same do not ask twice
            if key not in self._session:
                secret = (self._ask({"verb": "get", "service": _SERVICE, "user": key}) or {}).get("secret")
                if secret is None:
                    return None
                self._session[key] = secret
            return self._session[key]

    def set(self, account: str, service: str, secret: str) -> bool:
        """Keep a secret; False when only this session knows it."""
        key = _key(account, service)
        with self._lock:
            self._session[key] = secret
            kept = self._ask({"verb": "set", "service": _SERVICE, "user": key, "secret": secret})
        return kept is not None and kept.get("secret") == secret

    def delete(self, account: str) -> None:
        """Forget an account's secrets."""
        with self._lock:
            for service in SERVICES:
                self._session.pop(_key(account, service), None)
                self._ask({"verb": "delete", "service": _SERVICE, "user": _key(account, service)})


def ask_in_a_process(question: Mapping[str, str]) -> dict[str, Any] | None:
    """Ask the system's keyring; None when it fails, or lets wait longer than ``KEYRING_SECONDS``."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sendguard.storage.keyring_process"],
            input=json.dumps(question),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a backend's complaint may name what it was asked for
            text=True,
            timeout=KEYRING_SECONDS,
            check=True,
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return found if isinstance(found, dict) and "error" not in found else None


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
        for service in SERVICES:
            self._secrets.pop(_key(account, service), None)


def _key(account: str, service: str) -> str:
    return f"{service}:{account}"
