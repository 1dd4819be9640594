"""What other systems call a value becomes what the declaration wants; what is reported holds no key and no code."""

import json

import pytest

from sendguard.settings.declared import BY_NAME
from sendguard.settings.foreign import as_declared
from sendguard.settings.layers import Layer, Offer, resolve
from sendguard.settings.report import masked, report

CODE = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ({"MonitorOnly": 1}, {"MonitorOnly": True}),
        ({"MonitorOnly": 0}, {"MonitorOnly": False}),
        ({"MonitorOnly": True}, {"MonitorOnly": True}),
        ({"MonitorOnly": 2}, {"MonitorOnly": 2}),
        ({"MonitorOnly": "1"}, {"MonitorOnly": "1"}),
        ({"AskAnyFrom": 1}, {"AskAnyFrom": 1}),
        ({"AskAnyFrom": True}, {"AskAnyFrom": True}),
        ({"askANYfrom": 5}, {"AskAnyFrom": 5}),
        ({"AskAnyFrom": 5, "askanyfrom": 6}, {"AskAnyFrom": 5, "askanyfrom": 6}),
        ({"directoryfolder": "/there"}, {"DirectoryFolder": "/there"}),
        ({"Mystery": 1}, {"Mystery": 1}),
    ],
)
def test_names_and_switches_become_what_is_declared(written: dict[str, object], declared: dict[str, object]) -> None:
    found = as_declared(written)
    assert found == declared
    assert [type(value) for value in found.values()] == [type(value) for value in declared.values()]


def test_what_is_of_a_wrong_type_is_told_and_guards() -> None:
    resolution = resolve([Offer(Layer.MACHINE, "HKLM", as_declared({"MonitorOnly": 2, "askanyfrom": "900"}))])
    assert [(fault.name, fault.why) for fault in resolution.faults] == [("MonitorOnly", "type"), ("AskAnyFrom", "type")]
    assert resolution["MonitorOnly"].value is False
    assert resolution["AskAnyFrom"].value == 100
    assert resolution["AskAnyFrom"].locked


def test_a_report_names_value_source_what_is_overridden_and_what_is_wrong() -> None:
    offers = [
        Offer(Layer.MACHINE, "it.json", {"AskAnyFrom": 50, "CheckSubject": "never"}),
        Offer(Layer.USER, "settings.toml", {"AskAnyFrom": 900}),
        Offer(Layer.MACHINE, "broken.json", broken="syntax"),
    ]
    found = report(resolve(offers))
    rows = {row["name"]: row for row in found["settings"]}
    assert found["managed"] is True
    assert rows["AskAnyFrom"] == {
        "name": "AskAnyFrom", "value": 50, "layer": "machine", "source": "it.json", "locked": True,
        "overrides": [{"value": 900, "layer": "user", "source": "settings.toml"}], "problems": [],
    }  # fmt: skip
    problem = {"layer": "machine", "source": "it.json", "name": "CheckSubject", "why": "choice"}
    assert rows["CheckSubject"]["problems"] == [problem]
    assert found["problems"] == [{"layer": "machine", "source": "broken.json", "name": "", "why": "syntax"}, problem]


def test_keys_and_codes_are_masked_wherever_they_stand() -> None:
    rule = f"all | Closed. | code={CODE} | approver=ann@x.test"
    offers = [
        Offer(Layer.MACHINE, "a", {"AuditKey": "first secret", "BlockedLists": [rule]}),
        Offer(Layer.MACHINE, "b", {"AuditKey": "second secret"}),
        Offer(Layer.USER, "own", {"AuditKey": "third secret"}),
    ]
    said = json.dumps(report(resolve(offers)))
    assert "secret" not in said
    assert CODE not in said
    assert "all | Closed. | code=*** | approver=ann@x.test" in said
    assert masked(BY_NAME["AuditKey"], "") == ""


def test_what_nobody_has_said_anything_about_is_not_worth_a_note() -> None:
    resolution = resolve([Offer(Layer.REMOTE, "signed", {"AskAnyFrom": 900}), Offer(Layer.USER, "own", {"Audit": 3})])
    noted = {name for name, resolved in resolution.by_name.items() if resolved.is_noteworthy}
    assert noted == {"AskAnyFrom", "Audit"}
