"""kill -9 at every step of a publish and of a refresh: what was in force still is, and the next try is a clean one."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sendguard.directories.feed_state import Health
from tests.adapters.feed_rig import Desktop, Works
from tests.servers.processes import wait_until
from tests.servers.static_site import Misbehaviour, StaticSite


def run(*arguments: object) -> bool:
    """Run the child; tell whether it came to its end before its step did."""
    command = [sys.executable, "-m", "tests.reliability.feed_child", *map(str, arguments)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode in (0, -signal.SIGKILL), child.stderr
    return child.returncode == 0


@pytest.mark.timeout(180)
def test_a_publish_killed_at_any_step_leaves_a_folder_any_desktop_can_use_and_the_next_one_is_clean(
    tmp_path: Path,
) -> None:
    works = Works.at(tmp_path / "works")
    works.publish()
    works.publish()
    index = works.build()
    published = works.folder
    seen = set()
    for step in range(1, 60):
        works.folder = tmp_path / f"folder-{step}"
        shutil.copytree(published, works.folder)
        ended = run("publish", works.folder, works.place / "key.pem", index, step)
        offered = works.manifest().sequence
        seen.add(offered)
        with StaticSite(works.folder) as site:
            desktop = Desktop(site, works, tmp_path / f"desktop-{step}")
            assert desktop.feed().refresh().health is Health.FRESH
            assert desktop.sequence() == offered
            works.publish(index)
            assert desktop.feed().refresh().health is Health.FRESH
            assert desktop.sequence() == works.manifest().sequence == 3
        assert not list(works.folder.glob(".*.new"))
        if ended:
            break
    assert ended
    assert step > 10
    assert seen == {2, 3}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", ["snapshot", "deltas"])
def test_a_refresh_killed_at_any_step_leaves_the_index_in_force_and_the_next_one_is_clean(
    tmp_path: Path, way: str
) -> None:
    works = Works.at(tmp_path / "works")
    works.publish()
    before = tmp_path / "before"
    seen = set()
    with StaticSite(works.folder) as site:
        if way == "deltas":
            assert Desktop(site, works, before).feed().refresh().sequence == 1
        for _ in range(2):
            works.publish()
        before.mkdir(exist_ok=True)
        for step in range(1, 60):
            folder = tmp_path / f"desktop-{step}"
            shutil.copytree(before, folder)
            ended = run("fetch", site.url, works.key.public, folder, step)
            desktop = Desktop(site, works, folder)
            seen.add(desktop.sequence())
            assert desktop.feed().refresh().health is Health.FRESH
            assert desktop.sequence() == 3
            assert not list(desktop.feed().folder.glob(".*.new"))
            assert not list(desktop.feed().folder.glob("*.part*"))
            if ended:
                break
    assert ended
    assert step > 8
    assert seen == {1 if way == "deltas" else 0, 3}


def test_a_refresh_killed_while_octets_come_in_is_gone_on_with(tmp_path: Path) -> None:
    works = Works.at(tmp_path / "works")
    works.publish()
    size = works.manifest().snapshot.size
    with StaticSite(works.folder) as site:
        site.misbehave["/snapshot-1.zst"] = Misbehaviour(stall_after=size // 2)
        desktop = Desktop(site, works, tmp_path / "desktop")
        command = [sys.executable, "-m", "tests.reliability.feed_child", "fetch", site.url, str(works.key.public)]
        child = subprocess.Popen([*command, str(desktop.folder), "0"], stdout=subprocess.DEVNULL)
        part = desktop.feed().folder / "snapshot-1.zst.part"
        try:
            wait_until(lambda: part.exists() and part.stat().st_size > 0, "first octets")
        finally:
            child.kill()
            child.wait()
        have = part.stat().st_size
        site.heal()
        assert desktop.feed().refresh().health is Health.FRESH
        assert site.requests[-1].sent == size - have
