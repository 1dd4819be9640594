"""A disk that is full: nothing leaves that could not be written down, and nothing is lost."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendguard.guard.ledger import State
from sendguard.storage.places import Places
from tests.reliability.conftest import Desk


@pytest.fixture
def small_disk(desk: Desk, tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here: the full disk is not tried")
    yield folder
    desk.stop()
    subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1024)):
            pass


def test_on_a_full_disk_every_send_is_put_off_and_passes_once_there_is_room(desk: Desk, small_disk: Path) -> None:
    files = Places.under(desk.folder)
    on_small_disk = Places.under(small_disk).make()
    for name in ("settings.toml", "accounts.toml"):
        (on_small_disk.config / name).write_bytes((files.config / name).read_bytes())
    (small_disk / "password").write_text(desk.me.password)
    desk.folder = small_disk
    desk.start()
    assert desk.submit("before")[0] == 250
    assert desk.arrived(1) == 1
    filler = small_disk / "filler"
    fill(filler)
    for number in range(8):  # the first may still fit into what the log has reserved
        code, words = desk.submit(f"full {number}")
        if code != 250:
            break
    assert code == 451
    assert "SendGuard" in words
    arrived = len(desk.dovecot.messages(desk.colleague))
    for _ in range(3):
        assert desk.submit("still full")[0] == 451
    assert desk.arrived(arrived) == arrived
    filler.unlink()
    assert desk.submit("room again")[0] == 250
    assert desk.arrived(arrived + 1) == arrived + 1
    desk.stop()
    states = {row.state for row in desk.rows()}
    assert states <= {State.SENT, State.HELD, State.APPROVED, State.SENDING, State.CANCELLED}
