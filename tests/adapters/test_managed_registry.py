"""Windows: policy as Group Policy writes it, read from ``.reg`` files. The registry itself is not run here."""

import sys
from pathlib import Path

import pytest

from sendguard.bootstrap.layers import Settings
from sendguard.settings.layers import Layer, resolve
from sendguard.system.managed_registry import ManagedRegistry, registry_here
from tests.adapters.registry_kit import RegText

FIXTURE = Path(__file__).parent / "policy_fixtures" / "group_policy.reg"
HEAD = "Windows Registry Editor Version 5.00\n\n"
MACHINE = r"HKEY_LOCAL_MACHINE\Software\Policies\SendGuard"


def read(text: str) -> ManagedRegistry:
    return ManagedRegistry(RegText(text))


def machine(*lines: str) -> ManagedRegistry:
    return read(HEAD + f"[{MACHINE}]\n" + "\n".join(lines))


def test_what_group_policy_wrote_is_in_force_layer_by_layer() -> None:
    offers = read(FIXTURE.read_text()).read()
    assert [(offer.layer, offer.source) for offer in offers] == [
        (Layer.MACHINE, r"HKEY_LOCAL_MACHINE\Software\Policies\SendGuard"),
        (Layer.USER_POLICY, r"HKEY_CURRENT_USER\Software\Policies\SendGuard"),
        (Layer.RECOMMENDED, r"HKEY_LOCAL_MACHINE\Software\Policies\SendGuard\Recommended"),
        (Layer.RECOMMENDED, r"HKEY_CURRENT_USER\Software\Policies\SendGuard\Recommended"),
    ]
    resolution = resolve(offers)
    assert not resolution.faults
    values = resolution.values
    assert values.number("AskAnyFrom") == 30, "a user's policy tightens the machine's"
    assert values.number("BlockFrom") == 10_000
    assert values.text("CheckSubject") == "ask"
    assert values.lines("OrganisationDomains") == ("example.org", "*.example.org")
    assert values.switch("StartAtLogin") is True
    assert values.number("AskReplyFrom") == 12, "of two recommendations the user's"
    assert values.lines("KnownLists") == ("team@example.org | 38",)
    assert resolution["MonitorOnly"].value is False
    assert offers[0].values["MonitorOnly"] is True


def test_a_list_is_in_the_order_of_its_numbers() -> None:
    lists = resolve(read(FIXTURE.read_text()).read()).values.lines("BlockedLists")
    assert lists == (
        'all-staff@example.org | Closed "for now".', "C:\\odd@example.org", "third@example.org", "tenth@example.org",
    )  # fmt: skip


def test_a_list_may_be_a_multi_string_and_beside_a_subkey_both_hold() -> None:
    multi = '"BlockedLists"=hex(7):61,00,00,00,62,00,00,00,00,00'
    subkey = f'\n\n[{MACHINE}\\blockedlists]\n"1"="c"\n"zz"="e"\n"2"="d"\n'
    assert machine(multi).read()[0].values == {"BlockedLists": ["a", "b"]}
    both = resolve(machine(multi + subkey).read()).values.lines("BlockedLists")
    assert set(both) == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize(
    ("line", "why", "value"),
    [
        ('"AskAnyFrom"="900"', "type", 100),
        ('"AskAnyFrom"=hex:01,02', "type", 100),
        ('"AskAnyFrom"=hex(2):39,00,00,00', "type", 100),
        ('"AskAnyFrom"=dword:ffffffff', "range", 100),
        ('"MonitorOnly"=dword:00000002', "type", False),
        ('"MonitorOnly"="true"', "type", False),
        ('"CheckSubject"=dword:00000001', "choice", "notice"),
        ('"BlockedLists"="all"', "type", ()),
    ],
)
def test_a_value_of_another_type_is_told_and_guards(line: str, why: str, value: object) -> None:
    resolution = resolve(machine(line).read())
    (fault,) = resolution.faults
    assert (fault.why, fault.source) == (why, MACHINE)
    assert (resolution[fault.name].value, resolution[fault.name].locked) == (value, True)


def test_a_number_may_be_a_qword_and_a_name_in_any_case() -> None:
    assert resolve(machine('"askanyfrom"=hex(b):1e,00,00,00,00,00,00,00').read())["AskAnyFrom"].value == 30


def test_a_wrong_entry_in_a_list_is_told_and_the_others_hold() -> None:
    found = resolve(machine(f'\n[{MACHINE}\\BlockedLists]\n"1"="all"\n"2"=dword:00000001').read())
    assert found["BlockedLists"].value == ("all",)
    assert found.faults[0].why == "type"


def test_a_subkey_that_is_no_setting_is_told() -> None:
    found = resolve(machine(f'\n[{MACHINE}\\Blocklists]\n"1"="all"').read())
    assert [(fault.name, fault.why) for fault in found.faults] == [("blocklists", "name")]


def test_a_key_that_cannot_be_read_locks_the_guarding_values() -> None:
    registry = RegText(FIXTURE.read_text())
    registry.refused.add(MACHINE.casefold())
    offers = ManagedRegistry(registry).read()
    assert offers[0].broken == "unreadable"
    assert ManagedRegistry(registry).stamp() != read(FIXTURE.read_text()).stamp()


def test_without_any_key_nothing_is_said() -> None:
    assert read(HEAD).read() == ()
    assert read(HEAD).stamp() == read(HEAD).stamp()


def test_a_change_while_running_is_seen(tmp_path: Path) -> None:
    registry = RegText(FIXTURE.read_text())
    settings = Settings(tmp_path / "settings.toml", ManagedRegistry(registry))
    registry.merge(HEAD + f'[{MACHINE}]\n"AskAnyFrom"=dword:00000014\n')
    settings.refresh()
    assert settings.values.number("AskAnyFrom") == 20
    registry.merge(HEAD + f'[{MACHINE}\\BlockedLists]\n"4"="late@example.org"\n')
    settings.refresh()
    assert "late@example.org" in settings.values.lines("BlockedLists")


@pytest.mark.skipif(sys.platform == "win32", reason="there is one")
def test_elsewhere_there_is_no_registry() -> None:
    with pytest.raises(OSError, match="no registry"):
        registry_here()
