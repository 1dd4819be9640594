"""Where Thunderbird is installed, and a copy of that with enterprise policies of its own."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

INSTALLED = Path("/usr/lib/thunderbird")
PROGRAM = "thunderbird-bin"


def installation_with(folder: Path, policies: Mapping[str, object]) -> Path:
    """Make an installation in ``folder``, which is not there yet, whose policies.json says ``policies``; returns it.

    Only the program itself is copied, for it looks for everything beside where it really lies; the rest are links.
    """
    folder.mkdir()
    for each in INSTALLED.iterdir():
        if each.name not in {PROGRAM, "distribution"}:
            (folder / each.name).symlink_to(each)
    shutil.copy(INSTALLED / PROGRAM, folder)
    (folder / "distribution").mkdir()
    (folder / "distribution" / "policies.json").write_text(json.dumps({"policies": dict(policies)}))
    return folder
