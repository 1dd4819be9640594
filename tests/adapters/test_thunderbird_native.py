"""How Thunderbird is told where the host is, and the add-on's file."""

import json
import subprocess
import sys
import zipfile
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path

import pytest

from sendguard.thunderbird import addon, host
from sendguard.thunderbird.native import NativeHost


class FakeKey:
    """A registry key in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        return self.values.get(name)

    def write(self, name: str, value: str) -> None:
        self.values[name] = value

    def remove(self, name: str) -> None:
        self.values.pop(name, None)


def test_installed_it_is_found_and_removed_it_is_not(tmp_path: Path) -> None:
    native = NativeHost(tmp_path / "data folder", tmp_path)
    assert not native.status().installed
    native.install()
    native.install()
    assert native.status().working
    manifest = json.loads((tmp_path / ".mozilla" / "native-messaging-hosts" / "sendguard.json").read_text())
    assert manifest["allowed_extensions"] == [addon.ADDON_ID]
    assert manifest["type"] == "stdio"
    said = subprocess.run([manifest["path"], "manifest", addon.ADDON_ID], input=b"", capture_output=True, check=True)
    assert said.stdout[4:] == host.NOT_RUNNING
    native.remove()
    native.remove()
    assert not native.status().installed
    assert list((tmp_path / "data folder").iterdir()) == []


def test_a_host_that_was_moved_is_installed_but_does_not_work(tmp_path: Path) -> None:
    NativeHost(tmp_path, tmp_path, python="/gone/python").install()
    assert NativeHost(tmp_path, tmp_path).status() == NativeHost(tmp_path, tmp_path, python="/gone/python").status()
    assert NativeHost(tmp_path, tmp_path).status().installed
    assert not NativeHost(tmp_path, tmp_path).status().working
    NativeHost(tmp_path, tmp_path).launcher.unlink()
    assert not NativeHost(tmp_path, tmp_path).status().working


@pytest.mark.parametrize("content", ["", "[]", '{"name": "other"}', '{"name": "sendguard"}', "\xff"])
def test_a_manifest_that_is_not_ours_is_not_installed(tmp_path: Path, content: str) -> None:
    native = NativeHost(tmp_path, tmp_path)
    native.install()
    native.manifest.write_text(content, encoding="latin-1")
    assert not native.status().installed


def test_on_macos_the_manifest_lies_in_mozillas_folder(tmp_path: Path) -> None:
    native = NativeHost(tmp_path / "data", tmp_path, platform="darwin")
    native.install()
    where = tmp_path / "Library" / "Application Support" / "Mozilla" / "NativeMessagingHosts" / "sendguard.json"
    assert json.loads(where.read_text())["path"] == str(tmp_path / "data" / "thunderbird-host")
    assert native.status().working


def test_on_windows_the_registry_names_the_manifest_and_a_batch_file_starts_the_host(tmp_path: Path) -> None:
    key = FakeKey()

    def open_key() -> AbstractContextManager[FakeKey]:
        return nullcontext(key)

    native = NativeHost(tmp_path, tmp_path, platform="win32", python=sys.executable, open_key=open_key)
    native.install()
    assert key.values == {"": str(tmp_path / "sendguard.json")}
    launcher = (tmp_path / "thunderbird-host.bat").read_bytes()
    assert launcher.startswith(b"@echo off\r\n")
    assert launcher.endswith(b" %*\r\n")
    assert b"-I -S" in launcher
    assert native.status().working
    key.values.clear()
    assert not native.status().working
    native.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_cannot_be_opened_is_not_working(tmp_path: Path) -> None:
    def closed() -> AbstractContextManager[FakeKey]:
        raise OSError

    native = NativeHost(tmp_path, tmp_path, platform="win32", open_key=lambda: nullcontext(FakeKey()))
    native.install()
    assert not NativeHost(tmp_path, tmp_path, platform="win32", open_key=closed).status().working
    assert not NativeHost(tmp_path, tmp_path, platform="win32").status().working


def test_the_add_on_is_the_same_to_the_octet_however_often_it_is_made(tmp_path: Path) -> None:
    one, other = addon.write_xpi(tmp_path / "one"), addon.write_xpi(tmp_path / "other")
    assert one.name == f"{addon.ADDON_ID}.xpi"
    assert one.read_bytes() == other.read_bytes() == addon.xpi()
    with zipfile.ZipFile(BytesIO(addon.xpi())) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = archive.namelist()
    assert names == sorted(names)
    assert {"manifest.json", "background.js", "_locales/de/messages.json", "icons/watching.svg"} <= set(names)


def test_the_add_on_calls_itself_what_the_host_and_the_program_call_it() -> None:
    files = addon.files()
    manifest = json.loads(files["manifest.json"].read_text())
    assert manifest["browser_specific_settings"]["gecko"]["id"] == host.ADDON == addon.ADDON_ID
    assert manifest["version"] == addon.version()
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{addon.version()}"\n' in project


def test_every_text_of_the_add_on_is_there_in_both_languages_and_no_other() -> None:
    files = addon.files()
    texts = {name: json.loads(files[f"_locales/{name}/messages.json"].read_text()) for name in ("en", "de")}
    assert texts["en"].keys() == texts["de"].keys()
    code = "".join(path.read_text() for name, path in files.items() if name.endswith((".js", ".html", "manifest.json")))
    by_code = ("why_", "now_", "came_")
    for name in texts["en"]:
        assert name in code or name.startswith(by_code), f"{name} is not used"
    reasons = {name.removeprefix("why_") for name in texts["en"] if name.startswith("why_")}
    assert reasons == {name.removeprefix("now_") for name in texts["en"] if name.startswith("now_")} - {"went"}
    for reason in reasons:
        in_host = f'"{reason}"' in Path(host.__file__).read_text()
        in_gate = f'"{reason}"' in (Path(host.__file__).parent / "conversation.py").read_text()
        assert f'"{reason}"' in code or in_host or in_gate, f"nothing ever says {reason}"
