"""Files that are there whole or not at all."""

import os
import secrets
from pathlib import Path

PRIVATE, PUBLIC = 0o600, 0o644
"""For this user only; for a web server as well."""


def write_whole(path: Path, octets: bytes | bytearray, mode: int = PRIVATE) -> None:
    """Put a file in the place of another, synced before it gets its name. Raises OSError, and then nothing changed."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with open(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), "wb"
        ) as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last, where a system lets us."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
