"""The add-on as a file Thunderbird installs."""

import io
import zipfile
from pathlib import Path

from sendguard.files import PUBLIC, write_whole
from sendguard.thunderbird import host

ADDON_ID = host.ADDON
"""The one add-on SendGuard talks to."""
FILE_NAME = f"{ADDON_ID}.xpi"
_PACKAGE = Path(__file__).parent.parent
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip file can bear: the same files always come to the same octets."""


def resources() -> Path:
    """The folder of SendGuard's resources: in the installed package, or in the checkout."""
    installed = _PACKAGE / "resources"
    return installed if installed.is_dir() else _PACKAGE.parent / "resources"


def files() -> dict[str, Path]:
    """The files of the add-on by their names in it: its own, and the icons it shares with the program."""
    own = resources() / "thunderbird"
    found = {path.relative_to(own).as_posix(): path for path in own.rglob("*") if path.is_file()}
    return found | {f"icons/{path.name}": path for path in (resources() / "icons").glob("*.svg")}


def xpi() -> bytes:
    """The add-on as Thunderbird takes it: every file, in order of names, without times, owners or compression.

    Not compressed, since zlib's versions do not agree on the octets; it is small.
    """
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_STORED) as archive:
        for name, path in sorted(files().items()):
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, path.read_bytes())
    return octets.getvalue()


def write_xpi(folder: Path) -> Path:
    """Put the add-on into a folder, under the name Thunderbird looks for, and return its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    write_whole(path, xpi(), PUBLIC)
    return path


def version() -> str:
    """The version in the add-on's manifest."""
    import json

    return str(json.loads(files()["manifest.json"].read_text("utf-8"))["version"])
