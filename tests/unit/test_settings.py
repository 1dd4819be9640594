"""Every setting is declared once, and a wrong value never loosens a limit."""

import re

import pytest

from sendguard.settings.declared import BY_NAME, PAGES, SETTINGS, Type
from sendguard.settings.values import Invalid, Values, changed, problem, read_values


def test_names_are_letters_and_digits_and_defaults_are_valid() -> None:
    assert len(BY_NAME) == len(SETTINGS)
    for setting in SETTINGS:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", setting.name)
        assert problem(setting, setting.default) == ""
        assert setting.page in PAGES
        assert setting.title
        assert setting.description


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
        ("Directory", 3, "type"),
        ("ListPatterns", "all", "type"),
        ("ListPatterns", ["all", 3], "type"),
        ("NoSuchSetting", 3, "name"),
    ],
)
def test_a_value_that_is_not_valid_leaves_the_default_and_is_told(name: str, value: object, why: str) -> None:
    values = read_values({name: value, "TypeFrom": 400})
    assert values.invalid == (Invalid(name, why),)
    assert values.number("TypeFrom") == 400
    assert name == "NoSuchSetting" or values[name] == BY_NAME[name].default


def test_only_what_differs_is_written_and_comes_back_the_same() -> None:
    given = {"AskAnyFrom": 50, "ListPatterns": ["all", " "], "TypeFrom": 500, "StartAtLogin": True}
    values = read_values(given)
    written = changed(values)
    assert written == {"AskAnyFrom": 50, "ListPatterns": ["all"], "StartAtLogin": True}
    assert changed(read_values(written)) == written


def test_every_type_of_setting_is_checked() -> None:
    assert {setting.type for setting in SETTINGS} >= set(Type) - {Type.TEXT}
