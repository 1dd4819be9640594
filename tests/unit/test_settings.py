"""Every setting is declared once, and a wrong value never loosens a limit."""

import re
from datetime import UTC, datetime

import pytest

from sendguard.settings.declared import BY_FORMER_NAME, BY_NAME, PAGES, SETTINGS
from sendguard.settings.rule_line import RuleLine, read_rule
from sendguard.settings.setting import Setting, Type, Users, Value, stricter_of
from sendguard.settings.values import Values, checked, problem

CODE = "0123456789abcdef" * 4


def test_names_are_letters_and_digits_and_defaults_are_valid() -> None:
    assert len(BY_NAME) == len(SETTINGS)
    for setting in SETTINGS:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", setting.name)
        assert problem(setting, setting.default) == ""
        assert setting.page in PAGES
        assert setting.title
        assert setting.description


def test_no_former_name_is_a_name_or_stands_for_two() -> None:
    former = [name for setting in SETTINGS for name in setting.former]
    assert len(former) == len(set(former) - set(BY_NAME)) == len(BY_FORMER_NAME)
    assert BY_FORMER_NAME["DirectoryFolder"] == "Directory"


def test_what_says_whom_to_trust_is_no_users_to_change() -> None:
    assert all(setting.users is not Users.CHANGE for setting in SETTINGS if setting.machine_only)


def test_what_is_not_given_has_its_default() -> None:
    assert Values().number("AskAnyFrom") == 100
    assert Values().text("Language") == ""
    assert Values().switch("StartAtLogin") is False
    assert "all-*" in Values().lines("ListPatterns")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("AskAnyFrom", -1, "range"),
        ("AskAnyFrom", "50", "type"),
        ("AskAnyFrom", True, "type"),
        ("StartAtLogin", 1, "type"),
        ("CheckSubject", "never", "choice"),
        ("CheckSubject", 3, "choice"),
        ("Directory", 3, "type"),
        ("ListPatterns", "all", "type"),
        ("PolicyAddress", "http://it.nhs.test/policy", "form"),
        ("PolicyAddress", "https://user@it.nhs.test/policy", "form"),
        ("AuditSyslog", "collector", "form"),
    ],
)
def test_a_value_that_is_not_valid_is_not_taken_and_told(name: str, value: object, why: str) -> None:
    assert checked(BY_NAME[name], value) == (None, why)


@pytest.mark.parametrize(
    ("name", "raw", "value", "why"),
    [
        ("AskAnyFrom", 50, 50, ""),
        ("ListPatterns", ["all", " "], ("all",), ""),
        ("ListPatterns", ["all", 3], ("all",), "type"),
        ("PolicyKeys", ["A" * 43 + "=", "no key"], ("A" * 43 + "=",), "form"),
        ("PolicyAddress", "http://127.0.0.1:8080/policy", "http://127.0.0.1:8080/policy", ""),
        ("BlockedLists", ["all | Closed.", "staff | until=soon"], ("all | Closed.", "staff | until=soon"), "rule"),
    ],
)
def test_of_a_list_everything_is_taken_that_can_be_and_of_rules_every_one(
    name: str, raw: object, value: Value, why: str
) -> None:
    assert checked(BY_NAME[name], raw) == (value, why)


@pytest.mark.parametrize(
    ("name", "one", "other", "stricter"),
    [
        ("AskAnyFrom", 100, 50, 50),
        ("AskAnyFrom", 0, 50, 50),
        ("AskAnyFrom", 50, 0, 50),
        ("GrowthFactor", 3, 2, 2),
        ("CheckSubject", "off", "ask", "ask"),
        ("CheckSubject", "ask", "notice", "ask"),
        ("MonitorOnly", True, False, False),
        ("MonitorOnly", False, True, False),
        ("BlockedLists", ("all", "staff"), ("staff", "board"), ("all", "staff", "board")),
        ("OrganisationDomains", ("x.test",), ("y.test",), ("x.test",)),
        ("Language", "de", "en", "de"),
        ("HistoryDays", 3, 4, 3),
    ],
)
def test_of_two_values_the_one_that_guards_more_is_the_stricter(
    name: str, one: Value, other: Value, stricter: Value
) -> None:
    assert stricter_of(BY_NAME[name], one, other) == stricter


def test_a_direction_may_also_be_up_or_on() -> None:
    high = Setting("Such", Type.NUMBER, 1, "", "", "", stricter="higher")
    on = Setting("Such", Type.SWITCH, False, "", "", "", stricter="true")
    assert stricter_of(high, 3, 4) == 4
    assert stricter_of(on, False, True) is True


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("all", RuleLine("all")),
        (" all-* |  Closed. ", RuleLine("all-*", "Closed.")),
        ("all | a | b", RuleLine("all", "a | b")),
        ("all | see until=x | y", RuleLine("all", "see until=x | y")),
        ("all | Closed. | until=2026-12-01", RuleLine("all", "Closed.", datetime(2026, 12, 2, tzinfo=UTC))),
        ("all | until=2026-12-01T18:00Z", RuleLine("all", "", datetime(2026, 12, 1, 18, tzinfo=UTC))),
        (f"all | m | code={CODE.upper()} | code={CODE}", RuleLine("all", "m", codes=(CODE, CODE))),
        (f"all | approver=Ann@x.test | code={CODE}", RuleLine("all", "", None, (CODE,), ("Ann@x.test",))),
    ],
)
def test_a_rule_is_a_pattern_a_message_and_what_lifts_it(line: str, rule: RuleLine) -> None:
    assert read_rule(line) == rule


@pytest.mark.parametrize(
    "line",
    [
        "",
        " | message",
        "all | until=soon",
        "all | until=2026-12-01T18:00",
        "all | until=2026-12-01 | until=2026-12-02",
        "all | code=1234",
        "all | approver=Ann",
        "all\n | message",
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_rule(line)


def test_every_type_of_setting_is_checked() -> None:
    assert {setting.type for setting in SETTINGS} == set(Type)
