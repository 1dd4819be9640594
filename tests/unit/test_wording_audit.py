"""What the audit's lines and the history's numbers say, in both languages."""

from dataclasses import replace
from datetime import datetime

import pytest

from sendguard.guard.audit import AuditLine, By, Line
from sendguard.guard.hindsight import AtThreshold, Hindsight
from sendguard.guard.ledger import Outcome, State
from sendguard.policy.action import Action
from sendguard.wording import audit
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.desktop.examples import record

NOW = datetime(2026, 11, 24, 12, 0).astimezone()
PLAIN = AuditLine(Line.DECISION, NOW, "1", people="1", verdict="send", decision="send", by=By.PERSON, seconds=0.4)


def say(language: str = "en") -> Sentences:
    return Sentences(Catalogue.for_language(language, now=lambda: NOW))


def test_every_kind_verdict_state_and_outcome_has_words_in_both_languages() -> None:
    for words in (audit.LINES, audit.VERDICTS, audit.WHO):
        for msgid in words.values():
            assert say("de").catalogue.text(msgid) != msgid
    assert set(audit.LINES) == set(Line)
    assert set(audit.WHO) == set(By) - {By.PERSON}
    for outcome in Outcome:
        assert outcome.value not in say().audit_line(replace(PLAIN, decision=outcome))[4]
    for state in State:
        assert say().audit_line(replace(PLAIN, kind=Line.END, state=state))[4] == say().state(state)


@pytest.mark.parametrize(
    ("people", "english", "german"),
    [
        ("", "", ""),
        ("1", "1 person", "1 Person"),
        ("0", "0 people", "0 Personen"),
        ("1000-9999", "1,000–9,999 people", "1.000–9.999 Personen"),
        ("100000+", "100,000+ people", "100.000+ Personen"),
        ("10-49 or more", "10–49 people or more", "10–49 Personen oder mehr"),
        ("unknown", "nobody knows how many people", "niemand weiß, wie viele Personen"),
    ],
)
def test_a_band_is_said_in_words(people: str, english: str, german: str) -> None:
    assert say().audit_line(replace(PLAIN, people=people))[2] == english
    assert say("de").audit_line(replace(PLAIN, people=people))[2] == german


def test_a_code_of_another_version_and_a_hostile_file_are_shown_as_they_are_and_cleaned() -> None:
    line = replace(PLAIN, verdict="later\u202e", decision="\x1b[31m", people="\u202e9", by="x", seconds=None)
    said = say().audit_line(line)
    assert said[2:4] == ("9 people", "later")
    assert "\x1b" not in said[4]


def test_the_days_are_summed_up_with_what_there_is_to_say() -> None:
    quiet = Hindsight(30, 412, 0, 0, 0, 0, 0, (AtThreshold(50, 31, 1), AtThreshold(1000, 1, 0)))
    assert say().hindsight(quiet) == (
        "In the last 30 days: 412 messages; asked about 0.",
        "from 50 people: 31 messages, 1 of them a reply",
        "from 1,000 people: 1 message, 0 of them replies",
    )
    full = replace(quiet, days=1, messages=1, asked=3, changed_mind=1, would_ask=9, refused=2, unknown=4)
    assert say().hindsight(full)[0] == (
        "In the last 1 day: 1 message; asked about 3, 1 time you changed your mind, 9 would have been asked about, "
        "2 refused by a rule, 4 to lists of unknown size."
    )


def test_a_row_says_what_monitoring_let_go() -> None:
    monitored = record(asked=False)
    assert say().monitored(monitored) == "only monitored: you would have been asked"
    assert say().monitored(replace(monitored, action=Action.BLOCK)) == "only monitored: it would have been refused"
    assert say().monitored(replace(monitored, asked=True)) == ""
    assert say().monitored(replace(monitored, action=Action.NOTICE)) == ""
