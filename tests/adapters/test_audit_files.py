"""The audit's files: whole lines, private, one a day, and nowhere others could lead them."""

import contextlib
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sendguard.storage.audit import AuditFolder, NotOurs, append_for_collector

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)


@pytest.fixture
def folder(tmp_path: Path) -> AuditFolder:
    return AuditFolder(tmp_path / "audit")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: the full disk is not tried")
    yield place
    subprocess.run(["umount", place], check=True)


# A file a day


def test_each_day_has_a_file_that_only_its_user_reads(folder: AuditFolder, tmp_path: Path) -> None:
    folder.append(b"one", MONDAY)
    folder.append(b"two", TUESDAY)
    folder.append(b"three", TUESDAY)
    files = sorted((tmp_path / "audit").iterdir())
    assert [file.name for file in files] == ["audit-2026-11-23.jsonl", "audit-2026-11-24.jsonl"]
    assert [file.read_bytes() for file in files] == [b"one\n", b"two\nthree\n"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700


def test_days_are_read_from_one_to_another_both_included(folder: AuditFolder) -> None:
    for day, line in ((WEDNESDAY, b"w"), (MONDAY, b"m"), (TUESDAY, b"t")):
        folder.append(line, day)
    assert list(folder.lines()) == [b"m", b"t", b"w"]
    assert list(folder.lines(TUESDAY, TUESDAY)) == [b"t"]
    assert list(folder.lines(first=TUESDAY)) == [b"t", b"w"]
    assert list(folder.lines(last=TUESDAY)) == [b"m", b"t"]


def test_what_is_older_is_deleted_and_nothing_else(folder: AuditFolder, tmp_path: Path) -> None:
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        folder.append(b"x", day)
    other = tmp_path / "audit" / "audit-notes.jsonl"
    other.write_text("mine")
    assert folder.purge(TUESDAY) == 1
    assert list(folder.lines()) == [b"x", b"x"]
    assert other.exists()
    assert AuditFolder(tmp_path / "none").purge(TUESDAY) == 0


def test_what_a_crash_left_of_a_line_is_cut_off_by_the_next(folder: AuditFolder, tmp_path: Path) -> None:
    folder.append(b"whole", MONDAY)
    file = tmp_path / "audit" / "audit-2026-11-23.jsonl"
    with file.open("ab") as torn:
        torn.write(b'{"half' + b"x" * 9_000)
    assert list(folder.lines()) == [b"whole"]
    folder.append(b"next", MONDAY)
    assert file.read_bytes() == b"whole\nnext\n"
    file.write_bytes(b"only half")
    folder.append(b"next", MONDAY)
    assert file.read_bytes() == b"next\n"


def test_many_writers_leave_whole_lines(folder: AuditFolder, tmp_path: Path) -> None:
    def write(name: bytes) -> None:
        mine = AuditFolder(tmp_path / "audit")
        for _ in range(50):
            mine.append(name * 2_000, MONDAY)

    threads = [threading.Thread(target=write, args=(name,)) for name in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = list(folder.lines())
    assert len(lines) == 150
    assert all(line in {b"a" * 2_000, b"b" * 2_000, b"c" * 2_000} for line in lines)


def test_a_full_disk_leaves_no_part_of_a_line(small_disk: Path) -> None:
    folder = AuditFolder(small_disk / "audit")
    folder.append(b"first", MONDAY)
    append_for_collector(small_disk / "collected", b"first")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1024)):
            pass
    with pytest.raises(OSError, match=r"room|No space"):
        folder.append(b"y" * 8_000, MONDAY)
    with pytest.raises(OSError, match=r"room|No space"):
        append_for_collector(small_disk / "collected", b"y" * 8_000)
    assert (small_disk / "collected").read_bytes() == b"first\n"
    filler.unlink()
    folder.append(b"last", MONDAY)
    assert list(folder.lines()) == [b"first", b"last"]


# The organisation's collector


def test_the_collectors_file_is_appended_to_and_made_private(tmp_path: Path) -> None:
    place = tmp_path / "collected.jsonl"
    append_for_collector(place, b"one")
    append_for_collector(place, b"two")
    assert place.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such mode")
def test_a_file_that_may_be_written_and_not_read_is_enough(tmp_path: Path) -> None:
    place = tmp_path / "collected.jsonl"
    place.touch()
    place.chmod(0o200)
    append_for_collector(place, b"one")
    assert place.read_bytes() == b"one\n" if os.getuid() == 0 else place.stat().st_size == 4


def test_a_file_that_a_collector_moved_away_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "collected.jsonl"
    append_for_collector(place, b"one")
    place.rename(tmp_path / "collected.1")
    append_for_collector(place, b"two")
    assert place.read_bytes() == b"two\n"


def test_a_place_under_the_home_folder_may_be_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    append_for_collector(Path("~/collected.jsonl"), b"one")
    assert (tmp_path / "collected.jsonl").read_bytes() == b"one\n"


def test_a_path_that_is_not_whole_is_refused() -> None:
    with pytest.raises(NotOurs, match="relative"):
        append_for_collector(Path("collected.jsonl"), b"one")


@pytest.mark.parametrize("way", ["symbolic link", "hard link", "dangling link", "pipe", "folder"])
def test_a_file_that_leads_elsewhere_is_refused(tmp_path: Path, way: str) -> None:
    place, target = tmp_path / "collected.jsonl", tmp_path / "precious"
    target.write_text("precious")
    {
        "symbolic link": lambda: place.symlink_to(target),
        "hard link": lambda: place.hardlink_to(target),
        "dangling link": lambda: place.symlink_to(tmp_path / "nothing"),
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
    }[way]()
    with pytest.raises(OSError):  # noqa: PT011 - which error it is, the system decides
        append_for_collector(place, b"one")
    assert target.read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("way", ["linked", "open to all", "another's"])
def test_a_folder_that_others_could_swap_is_refused(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "folder"
    if way == "linked":
        (tmp_path / "real").mkdir()
        folder.symlink_to(tmp_path / "real")
    else:
        folder.mkdir()
        if way == "open to all":
            folder.chmod(0o777)
        elif os.getuid() == 0:
            os.chown(folder, 65534, 65534)
        else:
            pytest.skip("only root can make a folder of another user's")
    with pytest.raises(NotOurs):
        append_for_collector(folder / "collected.jsonl", b"one")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "collected.jsonl"
    place.touch()
    os.chown(place, 65534, 65534)
    with pytest.raises(NotOurs, match="owner"):
        append_for_collector(place, b"one")
    assert place.read_bytes() == b""
