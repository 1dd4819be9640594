"""Who decided, what is in force, and what is wrong with it, in words."""

import pytest

from sendguard.settings.declared import BY_NAME
from sendguard.settings.layers import Fault, Layer, Offer, Said, resolve
from sendguard.settings.setting import Value
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.policies import FAULTS
from sendguard.wording.sentences import Sentences

IT = "/etc/sendguard/policies/managed/10.json"


def say(language: str = "en") -> Sentences:
    return Sentences(Catalogue.for_language(language))


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_fault_has_a_sentence_of_its_own_that_names_where_it_is(language: str) -> None:
    names = {why: "AskAnyFrom" if why in NAMED else "" for why in FAULTS}
    said = {why: say(language).settings_fault(Fault(Layer.MACHINE, IT, name, why)) for why, name in names.items()}
    assert all(IT in sentence for sentence in said.values())
    assert all("AskAnyFrom" in said[why] for why in NAMED)
    alike = {"folder_owner", "folder_writable", "folder_link"}  # said of folders as of files
    assert len(set(said.values())) == len(FAULTS - alike)
    trouble = {why: say(language).trouble(f"policy_{why}") for why in FAULTS}
    assert all("{" not in sentence.replace('{ "Name"', "") for sentence in trouble.values())


NAMED = {"type", "range", "choice", "form", "rule", "name", "not_yours", "only_tightens", "machine_only"}


def test_the_codes_with_words_are_all_there_are() -> None:
    sources = {"owner", "writable", "link", "kind", "too_large", "encoding", "syntax", "repeated_key", "not_an_object"}
    folders = {"folder_owner", "folder_writable", "folder_link", "folder_kind"}
    assert sources | folders | NAMED | {"unreadable", "file", "signed", "keys", "payload"} == FAULTS


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(Layer.MACHINE, IT, "AskAnyFrom", "range"),
         f"{IT}, AskAnyFrom: its value is too small or too large. A whole number from 0 to 10000000. 0 is off."),
        (Fault(Layer.MACHINE, IT, "CheckSubject", "choice"),
         f"{IT}, CheckSubject: its value is none of the choices. One of: off, notice, ask."),
        (Fault(Layer.MACHINE, IT, "AskAnyForm", "name"),
         f"{IT}, AskAnyForm: no setting is called that. Is it misspelt?"),
        (Fault(Layer.MACHINE, IT, "", "owner"),
         f"Nothing of {IT} is taken: it belongs to somebody who may not set policy. It must be an administrator's"
         " (root's)."),
        (Fault(Layer.MACHINE, "/etc/x", "", "folder_kind"),
         "Nothing of /etc/x is taken: it is no folder. Put a folder there."),
        (Fault(Layer.REMOTE, "", "", "brand_new_code"),
         "Nothing of signed policy is taken: it cannot be read. Every user must be able to read it (chmod a+r)."),
    ],
)  # fmt: skip
def test_a_fault_says_where_what_and_what_is_allowed(fault: Fault, said: str) -> None:
    assert say().settings_fault(fault) == said


def test_what_stands_in_a_file_cannot_turn_the_sentence_around() -> None:
    fault = Fault(Layer.MACHINE, IT, "Ask\u202eAny\n\x1b[31m", "name")
    said = say().settings_fault(fault)
    assert "\u202e" not in said
    assert "\x1b" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AskAnyFrom", 1500, "1,500 people"),
        ("AskAnyFrom", 0, "Off"),
        ("GrowthFactor", 3, "3"),
        ("MonitorOnly", True, "On"),
        ("MonitorOnly", False, "Off"),
        ("CheckSubject", "ask", "Always ask"),
        ("Directory", "", "–"),
        ("Directory", "/srv/staff", "/srv/staff"),
        ("BlockedLists", (), "–"),
        ("BlockedLists", ("a | code=" + "0" * 64, "b\u202e"), "a | code=***\nb"),
        ("AuditKey", "hush", "(not shown)"),
        ("AuditKey", "", "–"),
    ],
)
def test_a_value_reads_as_in_the_settings(name: str, value: Value, said: str) -> None:
    assert say().value(BY_NAME[name], value) == said


def test_who_decided_is_named_with_its_place() -> None:
    assert say().layer(Layer.MACHINE, IT) == f"policy of this computer ({IT})"
    assert say("de").layer(Layer.BUILT_IN) == "eingebaut"
    own = Said(Layer.USER, "settings.toml", 900)
    assert say().overridden(BY_NAME["AskAnyFrom"], own) == "your own settings (settings.toml): 900 people"


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        ((), "No policy of an organisation is in force on this computer."),
        ((Offer(Layer.USER, "x", {"AskAnyFrom": 5}),), "No policy of an organisation is in force on this computer."),
        ((Offer(Layer.MACHINE, "x", {"AskAnyFrom": 5}),),
         "Your organisation decides about 1 setting on this computer."),
        ((Offer(Layer.MACHINE, "x", {"AskAnyFrom": 5, "Audit": True}),),
         "Your organisation decides about 2 settings on this computer."),
    ],
)  # fmt: skip
def test_whether_the_computer_is_managed_is_said(offers: tuple[Offer, ...], said: str) -> None:
    assert say().standing(resolve(offers)) == said


def test_a_trouble_with_policy_says_what_is_safe_and_where_more_stands() -> None:
    assert say().trouble("policy_folder_writable") == (
        "Something in your organisation's policy is not taken: others than an administrator can write to it. Take that"
        " right from them (chmod go-w). What it may have guarded has its guarding value. The page Policies says where"
        " it is; tell your IT."
    )
