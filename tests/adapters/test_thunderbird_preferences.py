"""prefs.js: read as Thunderbird reads it, changed without touching what is not meant."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.thunderbird.preferences import MAX_OCTETS, Preferences, PreferencesUnreadable
from tests.adapters.thunderbird_profile import PREFERENCES

NAME = "mail.smtpserver.smtp1.hostname"
values = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.integers(), st.booleans()
)


def test_what_thunderbird_writes_is_read() -> None:
    found = Preferences(PREFERENCES).values
    assert found[NAME] == "smtp.work.test"
    assert found["mail.smtpserver.smtp2.port"] == 465
    assert found["mailnews.start_page.enabled"] is False
    assert found["toolkit.startup.last_success"] == -1
    assert found["font.name.serif.x-western"] == "Grüße, 世界"
    assert found["mail.smtpservers"] == "smtp1,ews1,smtp2", "what stands inside another value is none"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("user_pref('a', 'it\\'s');", "it's"),
        ('user_pref ( "a" ,\n  "two\\nlines\\x41\\u00e4" ) ;', "two\nlinesAä"),
        ('user_pref("a", 1); user_pref("a", 2);', 2),
        ('// user_pref("a", 1);\nuser_pref("a", true); // not 2', True),
        ('/* user_pref("a", 1); */ sticky_pref("a", "b");', "b"),
        ('# user_pref("a", 1);\npref("a", +3, locked);', 3),
        ('user_pref("a", nonsense);\nuser_pref("a", "b"', None),
        ('\ufeffuser_pref("a", 1);\r\n', 1),
    ],
)
def test_what_a_person_writes_is_read_too(text: str, value: object) -> None:
    assert Preferences(text).values.get("a") == value


def test_a_change_touches_its_own_lines_only() -> None:
    changed = Preferences(PREFERENCES).changed({NAME: "127.0.0.1", "new.one": 'a "b" \\', "mail.smtpservers": None})
    before, after = PREFERENCES.splitlines(), changed.text.splitlines()
    assert set(before) - set(after) == {
        'user_pref("mail.smtpserver.smtp1.hostname", "smtp.work.test");',
        'user_pref("mail.smtpservers", "smtp1,ews1,smtp2");',
    }
    assert set(after) - set(before) == {
        'user_pref("mail.smtpserver.smtp1.hostname", "127.0.0.1");',
        'user_pref("new.one", "a \\"b\\" \\\\");',
    }
    assert after.index('user_pref("mail.smtpserver.smtp1.hostname", "127.0.0.1");') == before.index(
        'user_pref("mail.smtpserver.smtp1.hostname", "smtp.work.test");'
    )


@pytest.mark.parametrize("text", [PREFERENCES, PREFERENCES.replace("\n", "\r\n")])
def test_a_change_and_back_is_the_same_file_to_the_octet(text: str) -> None:
    changed = Preferences(text).changed({NAME: "127.0.0.1", "mail.smtpserver.smtp1.port": 20025})
    assert changed.text.count("\r\n") == (changed.text.count("\n") if "\r\n" in text else 0)
    assert changed.changed({NAME: "smtp.work.test", "mail.smtpserver.smtp1.port": None}).text == text


@given(st.dictionaries(st.text("ab.\"\\'é", min_size=1), values), st.text("ab.", min_size=1), values)
def test_any_value_is_written_so_that_it_is_read_again(
    before: dict[str, str | int], name: str, value: str | int
) -> None:
    made = Preferences().changed(before)
    assert made.values == before
    changed = made.changed({name: value})
    assert changed.values == before | {name: value}
    assert changed.changed({name: before.get(name)}).values == before


def test_octets_that_are_no_utf_8_stay(tmp_path: Path) -> None:
    (tmp_path / "prefs.js").write_bytes(b'user_pref("old", "\xff\xfe");\nuser_pref("a", 1);\n')
    changed = Preferences.load(tmp_path / "prefs.js").changed({"a": 2})
    assert changed.octets == b'user_pref("old", "\xff\xfe");\nuser_pref("a", 2);\n'


def test_a_change_that_could_be_read_otherwise_is_not_made() -> None:
    broken = Preferences('user_pref("a", 1);\n/* a comment that does not end')
    with pytest.raises(PreferencesUnreadable):
        broken.changed({"b": 'x*/ user_pref("c", 2); /*'})


def test_a_file_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    assert Preferences.load(tmp_path / "not there").values == {}
    (tmp_path / "large").write_bytes(b" " * (MAX_OCTETS + 1))
    for name in ("large", "."):
        with pytest.raises(PreferencesUnreadable):
            Preferences.load(tmp_path / name)
