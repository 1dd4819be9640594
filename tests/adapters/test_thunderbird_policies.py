"""Thunderbird's policies: the add-on is named in them, and nothing else is touched."""

import json
from pathlib import Path

import pytest

from sendguard.thunderbird.kept import backup_of
from sendguard.thunderbird.policies import Policy, PolicyFile, PolicyNotWritten, policy_path

ADDON = "sendguard@thunderbird.addon"
OTHERS = {
    "policies": {
        "DisableTelemetry": True,
        "Preferences": {"mailnews.tcptimeout": {"Value": 600, "Status": "locked"}},
        "ExtensionSettings": {"*": {"installation_mode": "blocked"}, "other@x.test": {"installation_mode": "allowed"}},
    },
    "comment": "Grüße von der IT",
}


@pytest.fixture
def file(tmp_path: Path) -> PolicyFile:
    path = policy_path(tmp_path, "linux")
    assert path is not None
    assert path == tmp_path / "etc/thunderbird/policies/policies.json"
    return PolicyFile(path, ADDON)


def written(file: PolicyFile, content: object) -> bytes:
    file.path.parent.mkdir(parents=True)
    octets = content if isinstance(content, bytes) else json.dumps(content).encode()
    file.path.write_bytes(octets)
    return octets


def test_where_there_is_none_one_is_made_that_everybody_can_read(file: PolicyFile, tmp_path: Path) -> None:
    assert file.is_writable
    assert file.says() is Policy.SILENT
    file.install(tmp_path / "a b.xpi")
    assert json.loads(file.path.read_bytes()) == {
        "policies": {
            "ExtensionSettings": {
                ADDON: {"installation_mode": "normal_installed", "install_url": f"file://{tmp_path}/a%20b.xpi"}
            }
        }
    }
    assert file.path.stat().st_mode & 0o777 == 0o644
    assert file.path.parent.stat().st_mode & 0o777 == 0o755
    assert file.says() is Policy.INSTALLS


def test_what_is_there_stays_and_comes_back(file: PolicyFile, tmp_path: Path) -> None:
    before = written(file, OTHERS)
    file.path.chmod(0o640)
    file.install(tmp_path / "a.xpi")
    found = json.loads(file.path.read_bytes())
    assert found["policies"]["ExtensionSettings"].pop(ADDON)["installation_mode"] == "normal_installed"
    assert found == OTHERS
    assert backup_of(file.path).read_bytes() == before
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert file.withdraw()
    assert json.loads(file.path.read_bytes()) == OTHERS
    assert not file.withdraw()


def test_it_leaves_with_what_it_brought(file: PolicyFile, tmp_path: Path) -> None:
    file.install(tmp_path / "a.xpi")
    assert file.withdraw()
    assert json.loads(file.path.read_bytes()) == {"policies": {}}


def test_what_it_has_forced_it_goes_on_to_force(file: PolicyFile, tmp_path: Path) -> None:
    mine = {"installation_mode": "force_installed", "install_url": "https://it.test/old.xpi", "updates_disabled": True}
    written(file, {"policies": {"ExtensionSettings": {ADDON: mine}}})
    file.install(tmp_path / "new.xpi")
    entry = json.loads(file.path.read_bytes())["policies"]["ExtensionSettings"][ADDON]
    assert entry == mine | {"install_url": (tmp_path / "new.xpi").as_uri()}
    assert not file.withdraw(), "that is theirs"


@pytest.mark.parametrize("mode", ["blocked", "allowed", 7])
def test_what_it_forbids_stays_forbidden(file: PolicyFile, tmp_path: Path, mode: object) -> None:
    before = written(file, {"policies": {"ExtensionSettings": {ADDON: {"installation_mode": mode}}}})
    assert file.says() is Policy.FORBIDS
    with pytest.raises(PolicyNotWritten):
        file.install(tmp_path / "a.xpi")
    assert file.path.read_bytes() == before


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b'{"policies": []}', b'{"policies": {"ExtensionSettings": []}}', b"{}", b"\xff\xfe{}",
    b'{"policies": {"ExtensionSettings": {"sendguard@thunderbird.addon": 7}}}', b"[" * 100_000,
])  # fmt: skip
def test_a_file_that_is_not_understood_is_never_touched(file: PolicyFile, tmp_path: Path, content: bytes) -> None:
    written(file, content)
    assert file.says() is Policy.UNREADABLE
    for change in (lambda: file.install(tmp_path / "a.xpi"), file.withdraw):
        with pytest.raises(PolicyNotWritten):
            change()
    assert file.path.read_bytes() == content
    assert [each.name for each in file.path.parent.iterdir()] == ["policies.json"]


def test_a_byte_order_mark_is_no_reason_to_give_up(file: PolicyFile, tmp_path: Path) -> None:
    written(file, b"\xef\xbb\xbf" + json.dumps(OTHERS).encode())
    file.install(tmp_path / "a.xpi")
    assert file.says() is Policy.INSTALLS


def test_where_nothing_may_be_written_nothing_is(file: PolicyFile, tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file where a folder should be")
    assert not file.is_writable
    with pytest.raises(PolicyNotWritten):
        file.install(tmp_path / "a.xpi")


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_on_other_systems_there_is_no_such_file(platform: str) -> None:
    assert policy_path(platform=platform) is None
