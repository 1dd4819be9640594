"""Every text a person may read is translated, and numbers and days are written as the language writes them."""

import importlib.util
import re
import string
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Message

from sendguard.settings.declared import PAGES, SETTINGS
from sendguard.wording.catalogue import LOCALES, Catalogue, system_language

NOON = datetime(2026, 11, 24, 12, 0).astimezone()


def translations() -> ModuleType:
    path = Path(__file__).parents[2] / "packaging" / "translations.py"
    spec = importlib.util.spec_from_file_location("translations", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def catalogue(language: str) -> Catalogue:
    return Catalogue.for_language(language, now=lambda: NOON)


def texts(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
    said = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return tuple(ids), tuple(said)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_german_has_every_text_of_the_code_and_no_other() -> None:
    german = translations().read(LOCALES / "de" / "LC_MESSAGES" / "sendguard.po")
    wanted = {message.id for message in translations().extracted() if message.id}
    had = {message.id for message in german if message.id}
    assert not wanted - had, "run python packaging/translations.py and translate these"
    assert not had - wanted, "run python packaging/translations.py: these are said no more"


def test_no_german_text_is_missing_or_guessed_and_all_fill_in_the_same_values() -> None:
    for message in translations().read(LOCALES / "de" / "LC_MESSAGES" / "sendguard.po"):
        if message.id:
            ids, said = texts(message)
            assert all(said), ids
            assert not message.fuzzy, ids
            assert {frozenset(placeholders(text)) for text in said} == {frozenset(placeholders(ids[-1]))}, ids


def test_german_says_Sie() -> None:
    for message in translations().read(LOCALES / "de" / "LC_MESSAGES" / "sendguard.po"):
        for text in texts(message)[1]:
            assert not re.search(r"\b(du|dein|deine[mnrs]?|dich|dir)\b", text or ""), text


def test_the_texts_of_the_settings_are_translated() -> None:
    german = catalogue("de")
    for text in (*PAGES.values(), *(setting.title for setting in SETTINGS), *(s.description for s in SETTINGS)):
        assert german.text(text) != text


def test_a_language_without_catalogue_is_said_in_english() -> None:
    assert Catalogue.for_language("fi").text("today") == "today"


def test_no_language_means_the_one_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_AT.UTF-8")
    assert Catalogue.for_language("").text("today") == "heute"
    monkeypatch.delenv("LANG")
    assert len(system_language()) >= 1


@pytest.mark.parametrize(("language", "said"), [("en", "850,112"), ("de", "850.112")])
def test_thousands_are_grouped_as_the_language_does(language: str, said: str) -> None:
    assert catalogue(language).number(850_112) == said


@pytest.mark.parametrize(
    ("at", "english", "german"),
    [
        (NOON, "today", "heute"),
        (NOON - timedelta(days=1), "yesterday", "gestern"),
        (datetime(2026, 11, 7, 9).astimezone(), "7 November", "7. November"),
        (datetime(2016, 11, 14, 9).astimezone(), "14 November 2016", "14. November 2016"),
        (datetime(2026, 11, 25, 9).astimezone(), "25 November", "25. November"),
    ],
)
def test_days_are_said_in_words(at: datetime, english: str, german: str) -> None:
    assert catalogue("en").date(at) == english
    assert catalogue("de").date(at) == german


def test_a_time_is_said_in_the_zone_of_this_computer() -> None:
    at = NOON.astimezone(timezone(timedelta(hours=-7)))
    assert catalogue("en").moment(at) == "today, 12:00"
    assert catalogue("en").moment(NOON.astimezone(UTC)) == "today, 12:00"


def test_braces_in_a_value_stay_as_they_are() -> None:
    assert catalogue("en").text("This reply goes to {people}.", people="{0} {x}") == "This reply goes to {0} {x}."
