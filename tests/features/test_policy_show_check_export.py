"""``sendguard policy``: what is in force here, and files for IT's pipelines."""

import json
import os
import plistlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sendguard.cli import main
from sendguard.cli.policy import FORMATS
from sendguard.remote.document import Document
from sendguard.settings.declared import SETTINGS
from sendguard.system.managed_files import ManagedFiles

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "packaging" / "policies"


@pytest.fixture(autouse=True)
def managed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of mandatory policy, and a home of this test's own."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("LANGUAGE", "en")
    folder = tmp_path / "etc" / "policies"
    (folder / "managed").mkdir(parents=True)
    files = ManagedFiles(folder, os.getuid())
    monkeypatch.setattr("sendguard.system.managed.policy_here", lambda: files)
    return folder / "managed"


def run(*arguments: str | Path, code: int = 0) -> str:
    result: Result = CliRunner().invoke(main, ["policy", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def own(tmp_path: Path, text: str) -> None:
    place = tmp_path / "home" / "sendguard"
    place.mkdir(parents=True)
    (place / "settings.toml").write_text(text)


def payload(**settings: object) -> str:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    return Document("nhs.test", 1, at, at + timedelta(days=30), settings).payload().decode()


# show


def test_show_names_value_source_what_it_overrides_and_problems(managed: Path, tmp_path: Path) -> None:
    (managed / "10.json").write_text('{"AskAnyFrom": 50, "CheckSubject": "never", "AuditKey": "hush"}')
    (managed / "20.json").write_text('{"AskAnyForm": 1}')
    (managed / "30.json").write_text("{")
    own(tmp_path, "AskAnyFrom = 900\nAskReplyFrom = 35\n")
    said = run("show")
    assert said.startswith("Your organisation decides about ")
    assert f"! Nothing of {managed}/30.json is taken: it cannot be read as what it should be." in said
    assert f"! {managed}/20.json, AskAnyForm: no setting is called that." in said
    assert (
        f"AskAnyFrom = 50 people\n    policy of this computer ({managed}/10.json)\n"
        "    overrides your own settings (settings.toml): 900 people\n"
    ) in said
    assert f"    ! {managed}/10.json, CheckSubject: its value is none of the choices. One of: off, notice, ask." in said
    assert (
        "AskReplyFrom = 20 people\n    built in\n    overrides your own settings (settings.toml): 35 people\n" in said
    )
    assert "AuditKey = (not shown)" in said
    assert "hush" not in said
    assert "HistoryDays" not in said
    assert "HistoryDays = 90 days\n    built in" in run("show", "--all")


def test_show_as_json_has_every_setting_and_masks_keys(managed: Path) -> None:
    (managed / "10.json").write_text('{"AskAnyFrom": 50, "AuditKey": "hush"}')
    said = run("show", "--json")
    found = json.loads(said)
    assert found["managed"] is True
    assert [row["name"] for row in found["settings"]] == [setting.name for setting in SETTINGS]
    assert "hush" not in said


def test_a_computer_without_policy_says_so() -> None:
    assert run("show").splitlines() == [
        "No policy of an organisation is in force on this computer.",
        f"{len(SETTINGS)} other settings have their built-in values.",
    ]


# check


def test_check_says_nothing_of_what_is_right(tmp_path: Path) -> None:
    (tmp_path / "recommended").mkdir()
    (tmp_path / "recommended" / "10.json").write_text('{"AskReplyFrom": 15}')
    examples = [*sorted((TEMPLATES / "linux").rglob("*.json")), TEMPLATES / "macos" / "sendguard.mobileconfig"]
    assert len(examples) == 3
    (tmp_path / "payload.json").write_text(payload(BlockedLists=["all | Closed."]))
    assert run("check", *examples, tmp_path / "payload.json", tmp_path / "recommended" / "10.json") == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '{"AskAnyFrom": "50"}', "AskAnyFrom: its value is of the wrong kind. A whole number from 0 to"),
        ("a.json", '{"AskAnyFrom": -1}', "AskAnyFrom: its value is too small or too large."),
        ("a.json", '{"MonitorOnly": 1}', "MonitorOnly: its value is of the wrong kind. On or off: true or false"),
        ("a.json", '{"PolicyAddress": "ftp://x"}', "PolicyAddress: its value does not have the right form. A text."),
        ("a.json", '{"BlockedLists": ["all | until=soon"]}', "BlockedLists: a rule in it cannot be read."),
        ("a.json", '{"AskAnyForm": 50}', "AskAnyForm: no setting is called that."),
        ("a.json", '{"AskAnyFrom": 50,}', "is taken: it cannot be read as what it should be."),
        ("a.json", '{"AskAnyFrom": 50, "AskAnyFrom": 60}', "is taken: it says the same name twice."),
        ("a.json", "[]", "is taken: it does not hold names with values."),
        ("a.plist", "{}", "is taken: it cannot be read as what it should be."),
        ("a.mobileconfig", plistlib.dumps({"PayloadContent": []}).decode(), "it does not hold names with values."),
        ("a.plist", plistlib.dumps({"Recommended": []}).decode(), "Recommended is taken: it does not hold names"),
        ("a.plist", plistlib.dumps({"Recommended": {"PolicyMinutes": 5}}).decode(), "only the policy of the whole"),
        (
            "recommended/a.json",
            '{"PolicyMinutes": 5}',
            "PolicyMinutes: only the policy of the whole machine can set it",
        ),
        ("payload.json", payload(Language="de"), "Language: a signed policy can only make stricter"),
        ("payload.json", payload(AskAnyFrom=-1), "AskAnyFrom: its value is too small"),
        ("payload.json", payload().replace("serial", "number"), "it is no payload of a signed policy"),
        ("payload.json", '{"settings": []}', "it is no payload of a signed policy"),
    ],
)
def test_check_fails_and_says_each_thing_wrong_on_a_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (line,) = run("check", path, code=1).splitlines()
    assert str(path) in line
    assert said in line


def test_check_tells_of_every_file(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"AskAnyFrom": -1, "Mystery": 1}')
    (tmp_path / "large.json").write_bytes(b" " * (1024 * 1024) + b"{}")
    lines = run("check", *sorted(tmp_path.glob("*.json")), code=1).splitlines()
    assert len(lines) == 5
    assert lines[-1].endswith("it is larger than 1 MiB. Make it smaller.")


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert "nowhere.json cannot be read" in run("check", tmp_path / "nowhere.json", code=2)


# export


KEPT = {
    "schema": "sendguard.schema.json",
    "admx": "windows/sendguard.admx",
    "adml": "windows/en-US/sendguard.adml",
    "mobileconfig": "macos/sendguard.mobileconfig",
    "plist": "macos/org.sendguard.SendGuard.plist",
    "manifest": "macos/org.sendguard.SendGuard.manifest.plist",
    "json": "linux/managed/10-example.json",
}


@pytest.mark.parametrize("what", KEPT)
def test_export_prints_what_is_kept_with_the_code(what: str) -> None:
    assert run("export", f"--{what}").encode() == (TEMPLATES / KEPT[what]).read_bytes()


def test_every_format_can_be_exported_into_a_file(tmp_path: Path) -> None:
    for what in FORMATS:
        assert run("export", f"--{what}", "-o", tmp_path / what) == ""
        assert (tmp_path / what).stat().st_size > 100
    assert b"Richtlinien" in run("export", "--adml", "--language", "de").encode()


def test_one_policy_becomes_a_profile_a_property_list_and_rows_for_intune(tmp_path: Path) -> None:
    (tmp_path / "recommended").mkdir()
    (tmp_path / "recommended" / "a.json").write_text('{"AskReplyFrom": 15}')
    (tmp_path / "a.json").write_text(
        '{"AskAnyFrom": 50, "DirectoryFolder": "/srv/staff", "BlockedLists": ["all | No."]}'
    )
    (tmp_path / "b.json").write_text('{"AskAnyFrom": 40, "BlockedLists": ["staff"], "MonitorOnly": false}')
    sources = [arg for name in ("a.json", "b.json", "recommended/a.json") for arg in ("--from", tmp_path / name)]
    wanted = {
        "AskAnyFrom": 40, "Directory": "/srv/staff", "BlockedLists": ["all | No.", "staff"], "MonitorOnly": False,
    }  # fmt: skip
    assert json.loads(run("export", "--json", *sources)) == wanted
    assert plistlib.loads(run("export", "--plist", *sources).encode()) == wanted | {"Recommended": {"AskReplyFrom": 15}}
    (payload,) = plistlib.loads(run("export", "--mobileconfig", *sources).encode())["PayloadContent"]
    assert payload["BlockedLists"] == ["all | No.", "staff"]
    rows = dict(line.split("\t") for line in run("export", "--oma-uri", *sources).splitlines())
    base = "./Device/Vendor/MSFT/Policy/Config/SendGuard~Policy~SendGuard"
    assert rows[f"{base}~organisation/MonitorOnly"] == "<disabled/>"
    assert rows[f"{base}_recommended~sizes_recommended/AskReplyFrom_recommended"] == (
        '<enabled/><data id="AskReplyFrom" value="15"/>'
    )
    assert len(rows) == 5


def test_what_export_wrote_is_what_check_takes(tmp_path: Path) -> None:
    run("export", "--plist", "-o", tmp_path / "one.plist")
    run("export", "--json", "--from", tmp_path / "one.plist", "-o", tmp_path / "two.json")
    assert run("check", tmp_path / "one.plist", tmp_path / "two.json") == ""


def test_a_policy_with_a_mistake_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"AskAnyFrom": -1}')
    said = run("export", "--plist", "--from", tmp_path / "a.json", "-o", tmp_path / "out", code=2)
    assert "AskAnyFrom: its value is too small or too large." in said
    assert not (tmp_path / "out").exists()


def test_export_all_writes_every_template_into_a_folder(tmp_path: Path) -> None:
    said = run("export", "--all", tmp_path / "templates").splitlines()
    assert str(tmp_path / "templates" / "windows" / "de-DE" / "sendguard.adml") in said
    assert (tmp_path / "templates" / "settings.md").exists()
    assert all(Path(line).is_file() for line in said)


def test_export_wants_one_thing_and_a_place_it_can_write_to(tmp_path: Path) -> None:
    assert "Name one format" in run("export", code=2)
    assert "Name one format" in run("export", "--json", "--all", tmp_path, code=2)
    assert "cannot be written" in run("export", "--json", "-o", tmp_path / "no" / "where", code=2)
    (tmp_path / "file").touch()
    assert "cannot be written" in run("export", "--all", tmp_path / "file" / "x", code=2)


def test_doctor_names_policy_files_that_are_not_believed(managed: Path) -> None:
    (managed / "10.json").write_text('{"AskAnyFrom": 900}')
    (managed / "10.json").chmod(0o666)
    said = CliRunner().invoke(main, ["doctor"], catch_exceptions=False).output
    assert f"! Nothing of {managed}/10.json is taken: others than an administrator can write to it." in said
    found = json.loads(CliRunner().invoke(main, ["doctor", "--json"], catch_exceptions=False).stdout)
    assert found["policy"] == [{"layer": "machine", "source": f"{managed}/10.json", "name": "", "why": "writable"}]
    assert found["self_test"]["holds"] is True


def test_doctor_calls_nothing_guarded_while_the_organisation_only_monitors(managed: Path) -> None:
    from sendguard.guard.account import Account, Security, Server
    from sendguard.storage.files import save_accounts
    from sendguard.storage.places import Places

    account = Account("work", ("me@x.test",), smtp=Server("127.0.0.1", 25, Security.PLAIN), gate_port=20_025)
    save_accounts(Places.of_this_user().accounts, (account,))
    examine = ["doctor", "--json"]
    assert standings(CliRunner().invoke(main, examine, catch_exceptions=False).stdout) == {"guarded", "open"}
    (managed / "10.json").write_text('{"MonitorOnly": true}')
    assert standings(CliRunner().invoke(main, examine, catch_exceptions=False).stdout) == {"monitored", "open"}


def standings(said: str) -> set[str]:
    return {path["standing"] for path in json.loads(said)["paths"]}
