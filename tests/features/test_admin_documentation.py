"""docs/admin.md: its Linux part, run as root as it stands."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SENDGUARD = Path(sys.executable).with_name("sendguard")
PAGE = (ROOT / "docs" / "admin.md").read_text("utf-8")

SYSTEM = Path("/etc/sendguard")
OWN_ETC = 'cp -a /etc "$1/etc" && mount --bind "$1/etc" /etc && cd "$1" && exec bash -euo pipefail -c "$2"'
"""Nothing of this machine's /etc is changed: in this process alone it is a copy."""
MAY_MOUNT = ("unshare", "--mount", "mount", "--bind", "/etc", "/etc")


def documented() -> list[str]:
    """The blocks a person types, in their order."""
    return re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def type_in(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Type a script as root, where /etc is this test's own: by a mount, or in a machine that is thrown away."""
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can be given an /etc of their own")
    if subprocess.run(MAY_MOUNT, capture_output=True).returncode == 0:
        yield lambda script: typed(["unshare", "--mount", "bash", "-c", OWN_ETC, "own-etc", tmp_path, script], tmp_path)
        return
    if not is_thrown_away() or SYSTEM.exists():
        pytest.skip("nothing can be mounted here, and this machine's own /etc is left alone")
    yield lambda script: typed(["bash", "-euo", "pipefail", "-c", script], tmp_path)
    shutil.rmtree(SYSTEM)


def is_thrown_away() -> bool:
    """Whether this is a chroot: its root is no place where anything is mounted."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return all(line.split()[4] != "/" for line in mounts)


def typed(command: list[str | Path], folder: Path) -> str:
    home = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    home |= {"HOME": str(folder), "PATH": f"{SENDGUARD.parent}:{os.environ['PATH']}", "LANGUAGE": "en"}
    done = subprocess.run(command, cwd=folder, env=home, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def values(shown: str) -> dict[str, Any]:
    return {row["name"]: row["value"] for row in json.loads(shown)["settings"]}


def test_the_pilot_is_in_force_as_documented_and_its_questions_too(
    tmp_path: Path, type_in: Callable[[str], str]
) -> None:
    pilot, questions, *_ = documented()
    show = "\nsendguard policy show --json > shown-{}.json\n"
    said = type_in(pilot + show.format(1) + questions + show.format(2))
    first, second = (values((tmp_path / f"shown-{number}.json").read_text()) for number in (1, 2))
    assert (first["MonitorOnly"], first["HistoryDays"], first["StartAtLogin"]) == (True, 180, True)
    assert first["ProtectedLists"] == ["all-staff@example.org | Ask the communications team first: 555 0199."]
    assert (second["MonitorOnly"], second["AskAnyFrom"], second["TypeFrom"]) == (False, 150, 1000)
    assert second["OrganisationDomains"] == ["example.org", "*.example.org"]
    assert "Your organisation decides about 4 settings on this computer." in said
    assert "Your organisation decides about 7 settings on this computer." in said
    assert "!" not in said
    shown = json.loads((tmp_path / "shown-2.json").read_text())
    assert shown["problems"] == []


def test_an_emergency_is_prepared_and_met_as_documented(tmp_path: Path, type_in: Callable[[str], str]) -> None:
    pilot, _, once, then = documented()
    said = type_in(pilot + once + "\nsendguard policy show --json > shown.json\n" + then)
    shown = values((tmp_path / "shown.json").read_text())
    assert shown["PolicyAddress"] == "https://www.example.org/sendguard/policy.signed"
    assert shown["PolicyKeys"] == [(tmp_path / "policy.pub").read_text().strip()]
    signed = json.loads(said[said.rindex('{\n "format"') :])
    (rule,) = signed["settings"]["BlockedLists"]
    assert rule.startswith("croydonpractices@example.org | This list reaches everybody by mistake. Do not reply: we")


def test_without_a_safe_mode_the_documented_file_is_not_believed(type_in: Callable[[str], str]) -> None:
    pilot = documented()[0].replace("install -m 644", "install -m 666")
    said = type_in(pilot)
    assert "10-pilot.json is taken: others than an administrator can write to it." in said


def test_every_setting_and_file_the_page_names_is_there() -> None:
    from sendguard.settings.declared import BY_NAME

    for name in ("MonitorOnly", "BlockedLists", "ProtectedLists", "BlockedThreads", "PolicyKeys", "PolicySerialFloor"):
        assert name in BY_NAME
        assert f"`{name}`" in PAGE
    for name in re.findall(r"`((?:windows|macos)/[\w./-]+)`", PAGE):
        assert (ROOT / "packaging" / "policies" / name).exists(), name
    for name in re.findall(r"\]\(([\w.]+\.md)\)", PAGE):
        assert (ROOT / "docs" / name).exists(), name


def test_the_page_says_which_parts_were_not_run() -> None:
    for system in ("### Windows: Group Policy", "### Windows: Intune", "### macOS: Jamf, Intune, any MDM"):
        assert f"{system} (not run here)" in PAGE
