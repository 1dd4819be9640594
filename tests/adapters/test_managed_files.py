"""Linux: policy is taken from files that only root can have written, and from nothing else."""

import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sendguard.bootstrap.layers import Settings
from sendguard.settings.layers import Layer, Offer
from sendguard.system.managed import policy_here
from sendguard.system.managed_files import ManagedFiles

NOBODY = "nobody"


class Etc:
    """The folder of policies, as a package makes it, and this user in root's place."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "sendguard" / "policies"
        for level in ("managed", "recommended"):
            (self.folder / level).mkdir(parents=True, mode=0o755)
        self.files = ManagedFiles(self.folder, os.getuid())

    def write(self, text: str | bytes, name: str = "10.json", level: str = "managed") -> Path:
        path = self.folder / level / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def offer(self) -> Offer:
        (found,) = self.files.read()
        return found


@pytest.fixture
def etc(tmp_path: Path) -> Etc:
    return Etc(tmp_path)


def test_every_file_is_an_offer_by_its_name_and_the_later_wins(etc: Etc) -> None:
    etc.write('{"AskAnyFrom": 70}', "20-later.json")
    etc.write('{"AskAnyFrom": 50}', "10-first.json")
    etc.write('{"AskReplyFrom": 15}', level="recommended")
    etc.write("not for us", "README.txt")
    found = etc.files.read()
    assert [offer.layer for offer in found] == [Layer.MACHINE, Layer.MACHINE, Layer.RECOMMENDED]
    assert [offer.values for offer in found] == [{"AskAnyFrom": 50}, {"AskAnyFrom": 70}, {"AskReplyFrom": 15}]
    assert found[0].source == str(etc.folder / "managed" / "10-first.json")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b'\xef\xbb\xbf{"AskAnyFrom": 50}', {"AskAnyFrom": 50}),
        ('{"$schema": "sendguard.schema.json", "AskAnyFrom": 50}', {"AskAnyFrom": 50}),
        ("{}", {}),
        (" " * (1024 * 1024 - 2) + "{}", {}),
        ('{"BlockedLists": ["Ärzte | Geschlossen."]}', {"BlockedLists": ["Ärzte | Geschlossen."]}),
    ],
    ids=["BOM", "$schema", "empty object", "exactly 1 MiB", "umlauts"],
)
def test_what_is_right_is_taken(etc: Etc, text: str | bytes, values: dict[str, object]) -> None:
    etc.write(text)
    assert etc.offer() == Offer(Layer.MACHINE, str(etc.folder / "managed" / "10.json"), values)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "syntax"),
        ('{"AskAnyFrom": 50,}', "syntax"),
        ('{"AskAnyFrom": 50} {}', "syntax"),
        ('{"AskAnyFrom": NaN}', "syntax"),
        ('{"AskAnyFrom": -Infinity}', "syntax"),
        ('{"AskAnyFrom": ' + "9" * 5000 + "}", "syntax"),
        ("[" * 100_000 + "]" * 100_000, "syntax"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "syntax"),
        ('["AskAnyFrom"]', "not_an_object"),
        ("null", "not_an_object"),
        ('{"AskAnyFrom": 50, "AskAnyFrom": 900}', "repeated_key"),
        ('{"x": {"a": 1, "a": 2}}', "repeated_key"),
        ('{"BlockedLists": ["Ärzte"]}'.encode("latin-1"), "encoding"),
        ('{"AskAnyFrom": 50}'.encode("utf-16"), "encoding"),
        (" " * (1024 * 1024 - 1) + "{}", "too_large"),
    ],
)
def test_what_could_be_read_otherwise_is_not_taken_at_all(etc: Etc, text: str | bytes, why: str) -> None:
    etc.write(text)
    assert (etc.offer().values, etc.offer().broken) == ({}, why)


def make_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def make_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.chmod(0o664), "writable"),
        (lambda path: path.chmod(0o646), "writable"),
        (make_link, "link"),
        (make_dangling_link, "link"),
        (make_fifo, "kind"),
        (make_folder, "kind"),
    ],
    ids=["the group writes", "others write", "link", "dangling link", "FIFO", "folder"],
)
def test_what_another_could_have_written_is_not_believed(etc: Etc, spoil: Callable[[Path], None], why: str) -> None:
    spoil(etc.write('{"AskAnyFrom": 900}'))
    assert etc.offer().broken == why


def test_a_file_of_another_owner_is_not_believed(tmp_path: Path) -> None:
    etc = Etc(tmp_path)
    etc.write('{"AskAnyFrom": 900}')
    (found,) = ManagedFiles(etc.folder, os.getuid() + 1).read()
    assert found.broken == "folder_owner"


@pytest.mark.parametrize("which", [0, 1, 2], ids=["sendguard", "policies", "managed"])
@pytest.mark.parametrize(("mode", "why"), [(0o775, "folder_writable"), (0o1777, "folder_writable")])
def test_a_folder_that_others_can_write_to_makes_nothing_in_it_believed(
    etc: Etc, which: int, mode: int, why: str
) -> None:
    etc.write('{"AskAnyFrom": 900}')
    (etc.folder.parent, etc.folder, etc.folder / "managed")[which].chmod(mode)
    assert etc.offer() == Offer(Layer.MACHINE, str(etc.folder / "managed"), broken=why)


def test_a_folder_that_is_a_link_makes_nothing_in_it_believed(etc: Etc) -> None:
    etc.write('{"AskAnyFrom": 900}')
    (etc.folder / "managed").rename(etc.folder / "real")
    (etc.folder / "managed").symlink_to("real")
    assert etc.offer().broken == "folder_link"


def test_where_the_folder_is_a_file_nothing_is_taken_and_it_is_told(etc: Etc) -> None:
    (etc.folder / "managed").rmdir()
    (etc.folder / "managed").write_text("{}")
    assert etc.offer().broken == "unreadable"


def test_without_any_folder_nothing_is_said(tmp_path: Path) -> None:
    files = ManagedFiles(tmp_path / "sendguard" / "policies", os.getuid())
    assert files.read() == ()
    assert files.stamp() == files.stamp()


# While it runs


@pytest.fixture
def settings(etc: Etc, tmp_path: Path) -> Settings:
    etc.write('{"AskAnyFrom": 50}')
    return Settings(tmp_path / "settings.toml", etc.files)


def test_a_file_replaced_while_running_is_seen(etc: Etc, settings: Settings) -> None:
    assert settings.values.number("AskAnyFrom") == 50
    etc.write('{"AskAnyFrom": 40}', "new").rename(etc.folder / "managed" / "10.json")
    settings.refresh()
    assert settings.values.number("AskAnyFrom") == 40


def test_an_added_file_a_removed_one_and_a_changed_mode_are_seen(etc: Etc, settings: Settings) -> None:
    added = etc.write('{"AskReplyFrom": 5}', "20.json")
    settings.refresh()
    assert settings.values.number("AskReplyFrom") == 5
    added.chmod(0o666)
    settings.refresh()
    assert settings.values.number("AskReplyFrom") == 20
    assert settings.resolution.faults[0].why == "writable"
    added.unlink()
    settings.refresh()
    assert not settings.resolution.faults


def test_a_folder_that_vanishes_and_comes_back_is_seen(etc: Etc, settings: Settings) -> None:
    managed = etc.folder / "managed"
    managed.rename(etc.folder / "away")
    settings.refresh()
    assert settings.values.number("AskAnyFrom") == 100
    (etc.folder / "away").rename(managed)
    settings.refresh()
    assert settings.values.number("AskAnyFrom") == 50


def test_nothing_is_read_again_while_nothing_has_changed(etc: Etc, settings: Settings) -> None:
    before = settings.resolution
    settings.refresh()
    assert settings.resolution is before


# Two users on one machine


@pytest.fixture
def shared_place() -> Iterator[Path]:
    """A folder that everybody may enter: pytest's own are this user's alone."""
    if os.getuid() != 0:
        pytest.skip("only root can be two users")
    with tempfile.TemporaryDirectory(prefix="sendguard-two-users-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


ATTEMPTS = """
cd "$1/sendguard/policies/managed"
id -un
echo '{"AskAnyFrom": 0}' > 10.json                       # change it
echo '{"AskAnyFrom": 0}' > 99.json                       # add another
mv 10.json 10.off; rm -f 10.json                         # take it away
ln -sf "$2/mine.json" 10.json; ln -s "$2/mine.json" 99.json
chmod 666 10.json; chown "$(id -u)" 10.json
cd ..
mv managed gone; rmdir managed; rm -rf managed
ln -s "$2" managed; mkdir managed
mv ../policies ../off; mv ../../sendguard ../../off; chmod 777 . ..
mount --bind "$2" managed
mkdir -p "$2/sendguard/policies/managed"; cp "$2/mine.json" "$2/sendguard/policies/managed"
exit 0
"""


def as_nobody(place: Path, own: Path) -> str:
    user = pwd.getpwnam(NOBODY)
    own.mkdir()
    (own / "mine.json").write_text('{"AskAnyFrom": 0, "BlockedLists": []}')
    os.chown(own, user.pw_uid, user.pw_gid)
    done = subprocess.run(
        ["/bin/sh", "-c", ATTEMPTS, "attempts", place, own],
        user=user.pw_uid, group=user.pw_gid, extra_groups=[], env={"PATH": os.environ["PATH"], "HOME": str(own)},
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert done.stdout.split()[0] == NOBODY
    assert done.stderr.count("\n") >= 10, "these attempts were meant to fail"
    return done.stderr


def test_an_ordinary_user_cannot_loosen_roots_policy_whatever_they_try(shared_place: Path) -> None:
    etc = Etc(shared_place)
    etc.write('{"AskAnyFrom": 50, "BlockedLists": ["all | Closed."], "MonitorOnly": false}')
    before = tree(etc.folder.parent)
    own = shared_place / "home"
    settings = Settings(own / "settings.toml", etc.files)
    as_nobody(shared_place, own)
    (own / "settings.toml").write_text("AskAnyFrom = 0\nBlockedLists = []\nMonitorOnly = true\nAskReplyFrom = 35\n")
    settings.refresh()
    assert tree(etc.folder.parent) == before
    assert settings.values.number("AskAnyFrom") == 50
    assert settings.values.lines("BlockedLists") == ("all | Closed.",)
    assert not settings.values.switch("MonitorOnly")
    assert settings.values.number("AskReplyFrom") == 35
    assert [(fault.name, fault.why) for fault in settings.resolution.faults] == [("MonitorOnly", "not_yours")]


def test_what_an_ordinary_user_puts_where_root_left_a_door_open_is_not_believed(shared_place: Path) -> None:
    etc = Etc(shared_place)
    managed = etc.folder / "managed"
    etc.write('{"AskAnyFrom": 50}')
    managed.chmod(0o777)
    user = pwd.getpwnam(NOBODY)
    subprocess.run(
        ["/bin/sh", "-c", "echo '{\"AskAnyFrom\": 0}' > 99.json; mv 10.json 10.off"],
        cwd=managed, user=user.pw_uid, group=user.pw_gid, extra_groups=[], check=True, timeout=30,
    )  # fmt: skip
    settings = Settings(shared_place / "settings.toml", etc.files)
    assert settings.values.number("AskAnyFrom") == 100
    assert settings.resolution["AskAnyFrom"].locked is False
    (shared_place / "settings.toml").write_text("AskAnyFrom = 900\n")
    settings.refresh()
    assert settings.values.number("AskAnyFrom") == 100, "no looser than the default while the policy is not believed"
    managed.chmod(0o755)
    settings.refresh()
    assert settings.values.number("AskAnyFrom") == 100
    assert settings.resolution.faults[0].why == "owner"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_another_user_reads_what_root_said(shared_place: Path) -> None:
    """The whole reader in a process of that user: nothing of it needs more than the right to read."""
    etc = Etc(shared_place)
    etc.write('{"AskAnyFrom": 50}')
    user = pwd.getpwnam(NOBODY)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # no other interpreter: this one may lie where only root may look
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            values = ManagedFiles(etc.folder, 0).read()[0].values
            os.write(writing, repr((os.getuid(), dict(values))).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as said:
        assert said.read() == repr((user.pw_uid, {"AskAnyFrom": 50}))
    os.waitpid(child, 0)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (
            path.lstat().st_uid,
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (folder, *sorted(folder.rglob("*")))
    }


# Which reader


@pytest.mark.skipif(sys.platform != "linux", reason="the readers of other systems are not run here")
def test_here_policy_is_in_files() -> None:
    assert isinstance(policy_here(), ManagedFiles)
