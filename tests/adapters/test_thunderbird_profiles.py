"""Where Thunderbird's profiles are on each system, and whether one is open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sendguard.thunderbird.profile_lock import ProfileInUse, is_open, kept_closed
from sendguard.thunderbird.profiles import Profile, profiles


def profile_in(folder: Path, name: str = "Profiles/a.default", ini: str = "") -> Path:
    place = folder / name
    place.mkdir(parents=True)
    (place / "prefs.js").write_text('user_pref("a", 1);\n')
    (folder / "profiles.ini").write_text(ini or f"[Profile0]\nName=default\nIsRelative=1\nPath={name}\n")
    return place


@pytest.mark.parametrize(
    ("platform", "place", "sandbox"),
    [
        ("linux", ".thunderbird", ""),
        ("linux", ".var/app/org.mozilla.Thunderbird/.thunderbird", "Flatpak"),
        ("linux", "snap/thunderbird/common/.thunderbird", "Snap"),
        ("darwin", "Library/Thunderbird", ""),
        ("win32", "AppData/Roaming/Thunderbird", ""),
    ],
)
def test_each_systems_profiles_are_found(tmp_path: Path, platform: str, place: str, sandbox: str) -> None:
    folder = profile_in(tmp_path / place)
    assert profiles(tmp_path, platform) == (Profile(folder, "default", sandbox=sandbox),)


def test_the_profile_an_installation_opens_comes_first(tmp_path: Path) -> None:
    root = tmp_path / ".thunderbird"
    profile_in(root, "one")
    profile_in(root, "two")
    listed = "[Profile0]\nName=one\nIsRelative=1\nPath=one\nDefault=1\n[Profile1]\nName=two\nIsRelative=1\nPath=two\n"
    (root / "profiles.ini").write_text(listed)
    assert [(each.name, each.is_default) for each in profiles(tmp_path, "linux")] == [("one", True), ("two", False)]
    (root / "installs.ini").write_text("[FDC34C9F024745EB]\nDefault=two\nLocked=1\n")
    assert [(each.name, each.is_default) for each in profiles(tmp_path, "linux")] == [("two", True), ("one", False)]
    (root / "installs.ini").unlink()
    (root / "profiles.ini").write_text(listed + "[InstallFDC34C9F024745EB]\nDefault=two\nLocked=1\n")
    assert [each.name for each in profiles(tmp_path, "linux")] == ["two", "one"]


def test_a_profile_elsewhere_is_found_and_one_that_was_never_used_is_not(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "prefs.js").write_text("")
    root = tmp_path / ".thunderbird"
    (root / "unused").mkdir(parents=True)
    ini = f"[Profile0]\nIsRelative=0\nPath={elsewhere}\n[Profile1]\nIsRelative=1\nPath=unused\n[Profile2]\nName=x\n"
    (root / "profiles.ini").write_text(ini)
    assert profiles(tmp_path, "linux") == (Profile(elsewhere, "elsewhere"),)


@pytest.mark.parametrize("ini", ["", "Path=x\n", "[Profile0\n", "\0\xff", "[Profile0]\nPath=a\n[Profile0]\nPath=b\n"])
def test_a_list_of_profiles_that_is_none_finds_nothing_and_breaks_nothing(tmp_path: Path, ini: str) -> None:
    (tmp_path / ".thunderbird").mkdir()
    (tmp_path / ".thunderbird" / "profiles.ini").write_text(ini)
    assert profiles(tmp_path, "linux") == ()


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(profile_in(tmp_path), "default")


LOCK = (
    "import fcntl, os, sys; file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
    "fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB); print('locked', flush=True); sys.stdin.read()"
)
"""What Thunderbird does, and then waits."""


def test_a_lock_of_another_process_is_seen_and_ends_with_it(profile: Profile) -> None:
    assert not is_open(profile)
    command = [sys.executable, "-c", LOCK, str(profile.folder / ".parentlock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        assert is_open(profile)
        with pytest.raises(ProfileInUse), kept_closed(profile):
            raise AssertionError("never inside")
        other.kill()
    assert not is_open(profile)


def test_to_look_leaves_nothing_in_the_profile(profile: Profile) -> None:
    before = list(profile.folder.iterdir())
    assert not is_open(profile)
    assert list(profile.folder.iterdir()) == before


def test_while_we_keep_it_closed_nobody_else_gets_in(profile: Profile) -> None:
    with kept_closed(profile):
        command = [sys.executable, "-c", LOCK, str(profile.folder / ".parentlock")]
        refused = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    assert b"BlockingIOError" in refused.stderr


@pytest.mark.parametrize(
    ("owner", "in_use"),
    [
        ("127.0.1.1:{pid}", True),
        ("127.0.1.1:+{pid}", False),
        ("127.0.1.1:999999999", False),
        ("nonsense", False),
        ("127.0.1.1:1", True),
    ],
)
def test_the_link_counts_where_it_says_that_there_is_no_lock_on_the_file(
    profile: Profile, owner: str, in_use: bool
) -> None:
    (profile.folder / "lock").symlink_to(owner.format(pid=os.getpid()))
    assert is_open(profile) is in_use
