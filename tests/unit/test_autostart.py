"""Start at login: a file on Linux and macOS, a registry value on Windows, and an honest no elsewhere."""

import plistlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sendguard.system.autostart import AutostartFile, NoAutostart, autostart_here
from sendguard.system.launchd import LABEL
from sendguard.system.run_key import NAME, RunKey, open_run_key
from sendguard.system.xdg import desktop_entry

COMMAND = ("/opt/my programs/50%/python3", "-m", "sendguard", "run")


def test_on_linux_a_desktop_entry_is_written_and_taken_away(tmp_path: Path) -> None:
    autostart = autostart_here("linux", {"HOME": str(tmp_path)})
    assert not autostart.is_set()
    assert autostart.set(True)
    assert autostart.is_set()
    assert "-m sendguard run" in (tmp_path / ".config" / "autostart" / "sendguard.desktop").read_text()
    assert autostart.set(False)
    assert autostart.set(False)
    assert not autostart.is_set()


def test_the_desktop_entry_quotes_what_has_to_be_quoted(tmp_path: Path) -> None:
    entry = desktop_entry(COMMAND)
    assert 'Exec="/opt/my programs/50%%/python3" -m sendguard run' in entry
    if validate := shutil.which("desktop-file-validate"):
        path = tmp_path / "sendguard.desktop"
        path.write_text(entry)
        assert subprocess.run([validate, path], capture_output=True, check=False).stdout == b""


def test_on_macos_a_launch_agent_is_written(tmp_path: Path) -> None:
    autostart = autostart_here("darwin", {"HOME": str(tmp_path)})
    assert autostart.set(True)
    with (tmp_path / "Library" / "LaunchAgents" / f"{LABEL}.plist").open("rb") as file:
        agent = plistlib.load(file)
    assert agent["Label"] == LABEL
    assert agent["ProgramArguments"][1:] == ["-m", "sendguard", "run"]
    assert agent["RunAtLoad"] is True


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    autostart = AutostartFile(tmp_path / "file" / "sendguard.desktop", "x")
    assert not autostart.set(True)
    assert not autostart.is_set()


class FakeKey:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        return self.values.get(name)

    def write(self, name: str, value: str) -> None:
        self.values[name] = value

    def remove(self, name: str) -> None:
        self.values.pop(name, None)


def test_on_windows_a_value_is_set_and_taken_away() -> None:
    key = FakeKey()

    @contextmanager
    def opened() -> Iterator[FakeKey]:
        yield key

    run_key = RunKey(opened, COMMAND)
    assert not run_key.is_set()
    assert run_key.set(True)
    assert key.values == {NAME: '"/opt/my programs/50%/python3" -m sendguard run'}
    assert run_key.is_set()
    assert run_key.set(False)
    assert not run_key.is_set()


def test_a_registry_that_does_not_answer_is_said() -> None:
    run_key = RunKey(open_run_key, COMMAND)
    with pytest.raises(OSError, match="no registry"):
        open_run_key()
    assert not run_key.is_set()
    assert not run_key.set(True)
    assert isinstance(autostart_here("win32", {}), RunKey)


def test_another_system_has_no_way_and_says_so() -> None:
    nowhere = autostart_here("plan9", {})
    assert isinstance(nowhere, NoAutostart)
    assert not nowhere.is_set()
    assert not nowhere.set(True)
    assert nowhere.set(False)
