"""Settings and accounts in TOML files a person can read."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from sendguard.guard.account import Account, ExchangeServer, Login, Security, Server
from sendguard.mail.address import normalise
from sendguard.settings.layers import Layer, Offer
from sendguard.storage.places import replace_file


class FileUnreadable(Exception):
    """A file could not be read; the message says which and where, and holds no address."""


def load_settings(path: Path) -> Offer:
    """The person's own settings. Never raises: a file that cannot be read says nothing, and that it is broken."""
    try:
        return Offer(Layer.USER, path.name, _load(path))
    except FileUnreadable:
        return Offer(Layer.USER, path.name, broken="file")


def save_settings(path: Path, own: Mapping[str, object]) -> None:
    """Write the person's own settings. Raises OSError."""
    replace_file(path, tomli_w.dumps(own).encode())


def load_accounts(path: Path) -> tuple[Account, ...]:
    """The accounts. Raises FileUnreadable: an account left out silently would be one left unguarded."""
    found = _load(path).get("account", [])
    try:
        return tuple(_account(entry) for entry in found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileUnreadable(
            f"{path.name}: an account is not complete or not valid ({type(error).__name__})"
        ) from error


def save_accounts(path: Path, accounts: tuple[Account, ...]) -> None:
    """Write the accounts. Raises OSError."""
    replace_file(path, tomli_w.dumps({"account": [_entry(account) for account in accounts]}).encode())


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise FileUnreadable(f"{path.name}: {type(error).__name__}") from error
    except tomllib.TOMLDecodeError as error:
        raise FileUnreadable(f"{path.name}: {error}") from error


def _account(entry: Mapping[str, Any]) -> Account:
    return Account(
        name=str(entry["name"]),
        identities=tuple(normalise(address) for address in entry["identities"]),
        imap=_server(entry.get("imap")),
        smtp=_server(entry.get("smtp")),
        exchange=_exchange(entry.get("exchange")),
        gate_port=int(entry.get("gate_port", 0)),
        ews_gate_port=int(entry.get("ews_gate_port", 0)),
        outbox=str(entry.get("outbox", "Guarded Outbox")),
        watch_drafts=bool(entry.get("watch_drafts", True)),
    )


def _server(entry: Mapping[str, Any] | None) -> Server | None:
    if entry is None:
        return None
    return Server(str(entry["host"]), int(entry["port"]), Security(entry["security"]), str(entry.get("user", "")))


def _exchange(entry: Mapping[str, Any] | None) -> ExchangeServer | None:
    if entry is None:
        return None
    more = {name: str(entry.get(name, "")) for name in ("user", "client_id", "tenant")}
    return ExchangeServer(str(entry["url"]), Login(entry["login"]), **more)


def _entry(account: Account) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": account.name,
        "identities": list(account.identities),
        "gate_port": account.gate_port,
        "ews_gate_port": account.ews_gate_port,
        "outbox": account.outbox,
        "watch_drafts": account.watch_drafts,
    }
    for service, server in (("imap", account.imap), ("smtp", account.smtp)):
        if server is not None:
            entry[service] = {
                "host": server.host,
                "port": server.port,
                "security": server.security.value,
                "user": server.user,
            }
    if account.exchange is not None:
        entry["exchange"] = asdict(account.exchange)
    return entry
