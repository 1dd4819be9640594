"""Where SendGuard keeps its files: as each system wants it, or all in one folder for practice and tests."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from sendguard.files import write_whole

APPLICATION = "sendguard"


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one person's SendGuard; made private to them when first used."""

    config: Path
    data: Path
    logs: Path

    @classmethod
    def of_this_user(cls) -> "Places":
        """The system's own places (XDG, %APPDATA%, ~/Library)."""
        return cls(
            platformdirs.user_config_path(APPLICATION, appauthor=False),
            platformdirs.user_data_path(APPLICATION, appauthor=False),
            platformdirs.user_log_path(APPLICATION, appauthor=False),
        )

    @classmethod
    def under(cls, folder: Path) -> "Places":
        """Everything in one folder."""
        return cls(folder / "config", folder / "data", folder / "logs")

    def make(self) -> "Places":
        """Make the folders, readable by this user only."""
        for folder in (self.config, self.data, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    @property
    def settings(self) -> Path:
        """The person's settings, TOML."""
        return self.config / "settings.toml"

    @property
    def accounts(self) -> Path:
        """The accounts, TOML; never a secret."""
        return self.config / "accounts.toml"

    @property
    def ledger(self) -> Path:
        """The durable record."""
        return self.data / "ledger.sqlite"

    @property
    def thunderbird_door(self) -> Path:
        """Where the native messaging host finds the running SendGuard; ``thunderbird.host`` knows it by itself."""
        return self.data / "thunderbird.door"

    @property
    def directory(self) -> Path:
        """The folder of fetched directories."""
        return self.data / "directory"

    @property
    def audit(self) -> Path:
        """The folder of the audit."""
        return self.data / "audit"

    @property
    def policy(self) -> Path:
        """The folder of the signed policy that was fetched last."""
        return self.data / "policy"


def installation_key(places: Places) -> bytes:
    """The key of this installation's pseudonyms (32 octets), made at first use. Raises OSError."""
    path = places.data / "pseudonyms.key"
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != 32:
        key = secrets.token_bytes(32)
        replace_file(path, key)
    return key


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, synced, readable by this user only, its folder too. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, content)
