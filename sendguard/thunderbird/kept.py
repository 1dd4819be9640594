"""Replacing a file of somebody else's, with what it was before beside it."""

from pathlib import Path

from sendguard.files import PRIVATE, write_whole


def backup_of(path: Path) -> Path:
    """Where a file's former content is: ``prefs.js`` has ``prefs.before-sendguard.js``."""
    return path.with_name(f"{path.stem}.before-sendguard{path.suffix}")


def replace_keeping(path: Path, octets: bytes) -> None:
    """Put new content in a file's place, whole or not at all, with its rights; the old one is kept as ``backup_of``.

    What an earlier try left behind that was killed is taken away. For one process at a time. Raises OSError.
    """
    real = path.resolve()
    for left in real.parent.glob(f".{real.stem}.*.new"):
        left.unlink(missing_ok=True)
    write_whole(backup_of(real), real.read_bytes(), PRIVATE)
    write_whole(real, octets, real.stat().st_mode & 0o777)
