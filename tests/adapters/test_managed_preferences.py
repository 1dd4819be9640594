"""macOS: managed preferences, read from property lists. macOS itself is not run here."""

import os
import plistlib
import pwd
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.bootstrap.layers import Settings
from sendguard.settings.layers import Layer, resolve
from sendguard.system.believable import Unbelievable
from sendguard.system.managed import NoPolicy, policy_here
from sendguard.system.managed_preferences import FILE, ManagedPreferences, preferences_here
from sendguard.system.policy_plist import read_preferences

FIXTURE = Path(__file__).parent / "policy_fixtures" / "managed_preferences.plist"


class Library:
    """``/Library/Managed Preferences``, and this user in root's place."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "Managed Preferences"
        (self.folder / "ana").mkdir(parents=True)
        self.preferences = ManagedPreferences("ana", self.folder, os.getuid())

    def write(self, octets: bytes, user: str = "") -> Path:
        path = self.folder / user / FILE
        path.write_bytes(octets)
        return path


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def test_the_computers_preferences_their_recommendations_and_the_users(library: Library) -> None:
    path = library.write(FIXTURE.read_bytes())
    user = library.write(plistlib.dumps({"AskAnyFrom": 30, "MonitorOnly": 0}, fmt=plistlib.FMT_BINARY), "ana")
    found = library.preferences.read()
    assert [(offer.layer, offer.source) for offer in found] == [
        (Layer.MACHINE, str(path)),
        (Layer.RECOMMENDED, f"{path}, Recommended"),
        (Layer.USER_POLICY, str(user)),
    ]
    resolution = resolve(found)
    assert not resolution.faults
    assert resolution.values.number("AskAnyFrom") == 30
    assert resolution.values.switch("StartAtLogin") is True
    assert resolution.values.switch("MonitorOnly") is False
    assert resolution.values.lines("BlockedLists") == ("all-staff@example.org | Closed.",)


def test_plistutils_binary_is_read_like_its_text(library: Library) -> None:
    binary = library.folder / FILE
    subprocess.run(["plistutil", "-i", FIXTURE, "-f", "bin", "-o", binary], check=True, capture_output=True)
    read = library.preferences.read()
    library.write(FIXTURE.read_bytes())
    assert library.preferences.read() == read
    assert read[0].values["AskAnyFrom"] == 50


@pytest.mark.parametrize(
    "value", [20.0, "20", b"20", datetime(2026, 1, 1), {"a": 1}, [20]], ids=lambda value: type(value).__name__
)
def test_a_value_of_another_type_is_told_and_guards(library: Library, value: object) -> None:
    library.write(plistlib.dumps({"AskAnyFrom": value}))
    resolution = resolve(library.preferences.read())
    assert [(fault.name, fault.why) for fault in resolution.faults] == [("AskAnyFrom", "type")]
    assert resolution["AskAnyFrom"].locked


def test_recommendations_that_are_no_dictionary_are_told(library: Library) -> None:
    library.write(plistlib.dumps({"AskAnyFrom": 30, "Recommended": ["x"]}))
    found = library.preferences.read()
    assert [offer.broken for offer in found] == ["", "not_an_object"]
    assert found[0].values == {"AskAnyFrom": 30}


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "syntax"),
        (b"{}", "syntax"),
        (FIXTURE.read_bytes()[:-20], "syntax"),
        (b"bplist00" + bytes(40), "syntax"),
        (plistlib.dumps(["AskAnyFrom"]), "not_an_object"),
        (b"x" * (1024 * 1024 + 1), "too_large"),
        (
            b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
            b"<plist><dict><key>&b;</key><true/></dict></plist>",
            "syntax",
        ),
    ],
    ids=["empty", "JSON", "cut off", "binary zeros", "array", "1 MiB + 1", "entities"],
)
def test_what_is_no_property_list_is_told_and_no_limit_is_looser(library: Library, octets: bytes, why: str) -> None:
    library.write(octets)
    assert [(offer.layer, offer.broken) for offer in library.preferences.read()] == [(Layer.MACHINE, why)]


@given(st.binary(max_size=200), st.integers(0, 900), st.booleans())
def test_whatever_the_octets_it_ends_in_values_or_a_code(noise: bytes, at: int, binary: bool) -> None:
    whole = plistlib.dumps(plistlib.loads(FIXTURE.read_bytes()), fmt=plistlib.FMT_BINARY)
    whole = whole if binary else FIXTURE.read_bytes()
    with suppress(Unbelievable):
        read_preferences(whole[:at] + noise + whole[at + len(noise) :])


def make_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.chmod(0o666), "writable"),
        (make_link, "link"),
        (lambda path: path.parent.chmod(0o777), "folder_writable"),
    ],
    ids=["others write", "link", "others write to the folder"],
)
@pytest.mark.parametrize("user", ["", "ana"])
def test_what_another_could_have_written_is_not_believed(
    library: Library, user: str, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(library.write(FIXTURE.read_bytes(), user))
    (found,) = library.preferences.read()
    assert (found.broken, dict(found.values)) == (why, {})


def test_a_file_of_another_owner_is_not_believed(library: Library) -> None:
    library.write(FIXTURE.read_bytes())
    (found,) = ManagedPreferences("ana", library.folder, os.getuid() + 1).read()
    assert found.broken == "folder_owner"


def test_a_profile_that_comes_and_goes_is_seen(library: Library, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.toml", library.preferences)
    assert not settings.resolution.is_managed
    path = library.write(FIXTURE.read_bytes())
    settings.refresh()
    assert settings.resolution.is_managed
    path.unlink()
    settings.refresh()
    assert not settings.resolution.is_managed


def test_whose_preferences_they_are_is_not_asked_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "HOME"):
        monkeypatch.setenv(name, "/tmp/mine")
    own = pwd.getpwuid(os.getuid()).pw_name
    assert any(own in str(each) for each in preferences_here()._places)


def test_each_system_has_its_reader() -> None:
    assert isinstance(policy_here("darwin"), ManagedPreferences)
    assert isinstance(policy_here("plan9"), NoPolicy)
    assert (NoPolicy().read(), NoPolicy().stamp()) == ((), ())
