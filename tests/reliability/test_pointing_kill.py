"""kill -9 at every step of pointing Thunderbird's server at the gate and back: nothing lost, nothing half done."""

import itertools
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sendguard.thunderbird.profiles import Profile
from tests.adapters.thunderbird_profile import WORK, Home


def run(home: Home, what: str, step: int = 0) -> bool:
    """Whether it got to its end; otherwise it was killed."""
    command = [sys.executable, "-m", "tests.reliability.pointing_child", str(home.folder), what, str(step)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    return ended.returncode == 0


def copied(home: Home, folder: Path) -> Home:
    shutil.copytree(home.folder, folder)
    return Home(folder, Profile(folder / ".thunderbird" / "x.default", "default"))


@pytest.mark.parametrize("what", ["gate", "back"])
def test_pointing_killed_at_any_step_is_whole_and_can_be_done_again(tmp_path: Path, what: str) -> None:
    start = Home.make(tmp_path / "start")
    if what == "back":
        assert run(start, "gate")
    done = copied(start, tmp_path / "done")
    assert run(done, what)
    for step in itertools.count(1):
        home = copied(start, tmp_path / f"killed-{step}")
        if run(home, what, step):
            break
        if home.preferences != start.preferences:
            assert home.found(WORK).ways[0].guarded == done.found(WORK).ways[0].guarded
        assert home.passwords.items() >= Home.make(tmp_path / f"fresh-{step}").passwords.items()
        assert len(home.found(WORK).ways) == 5
        assert not home.found(WORK).in_use
        run(home, what)
        assert home.found(WORK).ways[0].guarded == done.found(WORK).ways[0].guarded
        assert home.passwords == done.passwords
        assert home.logins.count(b'"hostname"') == done.logins.count(b'"hostname"'), "each is copied once"
        if what == "back":
            assert home.preferences == done.preferences
        assert not list(home.profile.folder.glob(".*.new"))
    assert step > 5


@pytest.mark.parametrize("what", ["gate", "back"])
@pytest.mark.parametrize("octets", [0, 1, 700, 2000, 3000])
def test_a_disk_that_is_full_in_the_middle_of_a_write_leaves_the_preferences_whole(
    tmp_path: Path, what: str, octets: int
) -> None:
    home = Home.make(tmp_path)
    if what == "back":
        assert run(home, "gate")
    before = home.preferences
    command = [sys.executable, "-m", "tests.reliability.pointing_child", str(home.folder), what, "0", str(octets)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "NotPointed: profile_not_written" in ended.stderr
    assert home.preferences == before
    assert home.found(WORK).ways[0].identity.address == "ana@work.test"
    assert run(home, what), "with room again it is done"
