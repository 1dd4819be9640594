"""What IT deploys is made of the one declaration, is never stale, and is what each system's own tools take."""

import json
import plistlib
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sendguard.bootstrap.policy_files import templates
from sendguard.settings.declared import SETTINGS
from sendguard.settings.layers import Layer, Offer, resolve
from sendguard.settings.outputs import apple, examples, group_policy, group_policy_texts, intune, schema
from sendguard.settings.outputs.described import explained
from sendguard.settings.outputs.reference import reference
from sendguard.settings.setting import Setting, Type, Users
from sendguard.settings.values import checked
from sendguard.wording.catalogue import Catalogue

ROOT = Path(__file__).parents[2]
GENERATED = templates()
WINDOWS = {"p": group_policy.NAMESPACE}
ENGLISH, GERMAN = (Catalogue.for_language(language).text for language in ("en", "de"))
PROPERTIES = json.loads(schema.schema(ENGLISH))["properties"]
SCHEMAS = {setting.name: Draft202012Validator(PROPERTIES[setting.name]) for setting in SETTINGS}


@pytest.mark.parametrize("name", GENERATED)
def test_no_generated_file_is_stale(name: str) -> None:
    assert (ROOT / name).read_bytes() == GENERATED[name], "run `make policies`"


def test_no_file_is_kept_that_nobody_generates_any_more() -> None:
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / "packaging/policies").rglob("*") if path.is_file()}
    assert kept | {"docs/settings.md"} == set(GENERATED)


# Examples


@pytest.mark.parametrize(
    ("layer", "values"), [(Layer.MACHINE, examples.MANAGED), (Layer.RECOMMENDED, examples.RECOMMENDED)]
)
def test_the_examples_are_taken_as_they_stand(layer: Layer, values: dict[str, object]) -> None:
    said = json.loads(examples.as_json(values))
    resolution = resolve([Offer(layer, "example", said)])
    assert not resolution.faults
    for name, value in values.items():
        assert resolution[name].value == value
        assert resolution[name].layer is layer


# JSON Schema


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    found = json.loads(schema.schema(ENGLISH))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def test_the_schema_takes_the_examples_the_defaults_and_a_schema_of_its_own(validator: Draft202012Validator) -> None:
    for values in (examples.MANAGED, examples.RECOMMENDED):
        validator.validate(json.loads(examples.as_json(values)))
    validator.validate({setting.name: plain(setting.default) for setting in SETTINGS} | {"$schema": "x"})
    validator.validate({"DirectoryFolder": "/there"})
    assert not validator.is_valid({"AskAnyForm": 3})


def test_the_schema_says_what_it_has_no_words_for() -> None:
    assert (
        PROPERTIES["AskAnyFrom"] | {"x-stricter": "lower", "x-offAtZero": True, "x-unit": "people"}
        == (PROPERTIES["AskAnyFrom"])
    )
    assert PROPERTIES["AuditKey"]["writeOnly"] is True
    assert PROPERTIES["PolicyKeys"]["x-machineOnly"] is True
    assert PROPERTIES["DirectoryFolder"]["deprecated"] is True
    assert PROPERTIES["DirectoryFolder"]["x-nowCalled"] == "Directory"


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10_000_001), st.floats(), st.text(max_size=12),
    st.sampled_from(["off", "ask", "", "https://it.x.test/p", "http://it.x.test", "A" * 43 + "=", "host:6514"]),
    st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["all | Closed.", "A" * 43 + "="]), st.none()), max_size=3),
)  # fmt: skip


@given(st.sampled_from(SETTINGS), VALUES)
def test_schema_and_resolver_agree_about_every_value(setting: Setting, value: object) -> None:
    schema_of = SCHEMAS[setting.name]
    if isinstance(value, float) and value.is_integer():
        return  # JSON Schema takes 3.0 for a whole number
    taken, why = checked(setting, value)
    if isinstance(value, list) and any(isinstance(line, str) and not line.strip() for line in value):
        return  # blank lines are no entries to us
    if setting.type is Type.RULES and why == "rule":
        return  # only ``policy check`` knows the options of rules
    assert schema_of.is_valid(value) == (not why), (taken, why)


def plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


# ADMX and ADML


def parsed(document: bytes | str) -> Xml.Element:
    return Xml.fromstring(document)  # noqa: S314 - our own


def admx() -> Xml.Element:
    return parsed(group_policy.admx())


def texts(say: Any) -> tuple[dict[str, str], dict[str, Xml.Element]]:
    root = parsed(group_policy_texts.adml(say))
    strings = {each.attrib["id"]: each.text or "" for each in root.iterfind(".//p:string", WINDOWS)}
    presentations = {each.attrib["id"]: each for each in root.iterfind(".//p:presentation", WINDOWS)}
    return strings, presentations


def test_every_id_has_letters_digits_and_underscores_only_and_is_there_once() -> None:
    root, strings = admx(), parsed(group_policy_texts.adml(ENGLISH))
    named = [[each.attrib["name"] for each in root.iterfind(f".//p:{tag}", WINDOWS)] for tag in ("policy", "category")]
    named += [
        [each.attrib["id"] for each in strings.iterfind(f".//p:{tag}", WINDOWS)] for tag in ("string", "presentation")
    ]
    for names in named:
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names)
    for element in root.iterfind(".//p:elements/*", WINDOWS):
        assert re.fullmatch(r"[A-Za-z0-9_]+", element.attrib["id"])


@pytest.mark.parametrize("say", [ENGLISH, GERMAN], ids=["en", "de"])
def test_every_reference_of_the_template_is_answered_and_nothing_is_left_over(say: Any) -> None:
    strings, presentations = texts(say)
    source = group_policy.admx().decode()
    assert set(re.findall(r"\$\(string\.(\w+)\)", source)) == set(strings)
    assert set(re.findall(r"\$\(presentation\.(\w+)\)", source)) == set(presentations)
    assert all(text.strip() for text in strings.values())


def test_categories_and_supported_systems_are_defined_in_the_template_itself() -> None:
    root = admx()
    categories = {each.attrib["name"] for each in root.iterfind(".//p:category", WINDOWS)}
    supported = {each.attrib["name"] for each in root.iterfind(".//p:definition", WINDOWS)}
    assert {each.attrib["ref"] for each in root.iterfind(".//p:parentCategory", WINDOWS)} <= categories
    assert {each.attrib["ref"] for each in root.iterfind(".//p:policy/p:supportedOn", WINDOWS)} == supported
    assert root.find("p:policyNamespaces/p:using", WINDOWS) is None
    used = {each.attrib["ref"] for each in root.iterfind(".//p:policy/p:parentCategory", WINDOWS)}
    parents = {each.attrib["ref"] for each in root.iterfind(".//p:category/p:parentCategory", WINDOWS)}
    assert used | parents == categories


CONTROLS = {"decimal": "decimalTextBox", "enum": "dropdownList", "list": "listBox", "text": "textBox"}


@pytest.mark.parametrize("say", [ENGLISH, GERMAN], ids=["en", "de"])
def test_every_element_has_the_control_of_its_kind(say: Any) -> None:
    _, presentations = texts(say)
    for policy in admx().iterfind(".//p:policy", WINDOWS):
        elements = policy.findall("p:elements/*", WINDOWS)
        if "presentation" not in policy.attrib:
            assert not elements
            assert policy.find("p:enabledValue/p:decimal", WINDOWS) is not None
            assert policy.find("p:disabledValue/p:decimal", WINDOWS) is not None
            continue
        controls = list(presentations[policy.attrib["presentation"][len("$(presentation.") : -1]])
        wanted = [(each.attrib["id"], CONTROLS[tag(each)]) for each in elements]
        assert [(each.attrib["refId"], tag(each)) for each in controls] == wanted
        assert all("".join(each.itertext()).strip() for each in controls)


def test_revisions_fit_and_no_key_is_one_that_mdm_may_not_write() -> None:
    root, texts = admx(), parsed(group_policy_texts.adml(ENGLISH))
    wanted = root.find("p:resources", WINDOWS)
    assert wanted is not None
    assert float(wanted.attrib["minRequiredRevision"]) <= float(texts.attrib["revision"])
    keys = {each.attrib["key"] for each in root.iter() if "key" in each.attrib}
    assert all(key.startswith(r"Software\Policies\SendGuard") for key in keys)


def test_bounds_choices_and_lengths_are_in_the_template() -> None:
    elements = {
        (policy.attrib["name"], element.attrib["id"]): element
        for policy in admx().iterfind(".//p:policy", WINDOWS)
        for element in policy.iterfind("p:elements/*", WINDOWS)
    }
    for policy in group_policy.policies():
        setting, element = policy.setting, elements.get((policy.name, policy.setting.name))
        match setting.type:
            case Type.NUMBER:
                assert element is not None
                assert (element.get("minValue"), element.get("maxValue")) == (str(setting.low), str(setting.high))
                assert setting.high <= 0xFFFFFFFF
            case Type.CHOICE:
                assert element is not None
                values = [each.text for each in element.iterfind(".//p:string", WINDOWS)]
                assert values == [choice for choice, _ in setting.choices if choice]
            case Type.TEXT | Type.PATH:
                assert element is not None
                assert element.get("maxLength") == "4096"
            case Type.LINES | Type.RULES:
                assert element is not None
                assert element.get("key") == rf"{policy.key}\{setting.name}"
            case Type.SWITCH:
                assert element is None


def test_only_what_users_may_change_is_recommended_and_whom_to_trust_is_for_machines() -> None:
    found = {each.attrib["name"]: each.attrib["class"] for each in admx().iterfind(".//p:policy", WINDOWS)}
    for setting in SETTINGS:
        assert found[setting.name] == ("Machine" if setting.machine_only else "Both")
        assert (f"{setting.name}_recommended" in found) == (setting.users is Users.CHANGE)


def tag(element: Xml.Element) -> str:
    return element.tag.partition("}")[2]


# Intune


def test_every_address_follows_the_categories_of_the_template() -> None:
    parents = {
        each.attrib["name"]: parent.attrib["ref"]
        for each in admx().iterfind(".//p:category", WINDOWS)
        if (parent := each.find("p:parentCategory", WINDOWS)) is not None
    }
    for policy in group_policy.policies():
        where = f"SendGuard~Policy~{parents[policy.category]}~{policy.category}/{policy.name}"
        assert intune.address(policy) == f"./Device/Vendor/MSFT/Policy/Config/{where}"
    assert intune.address(policy, "User").startswith("./User/Vendor/")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MonitorOnly", True, "<enabled/>"),
        ("MonitorOnly", False, "<disabled/>"),
        ("AskAnyFrom", 50, '<enabled/><data id="AskAnyFrom" value="50"/>'),
        ("Directory", 'a"b<c', '<enabled/><data id="Directory" value="a&quot;b&lt;c"/>'),
        (
            "BlockedLists",
            ("a | b", "c"),
            '<enabled/><data id="BlockedLists" value="1&#xF000;a | b&#xF000;2&#xF000;c"/>',
        ),
    ],
)
def test_a_value_is_syncml(name: str, value: Any, said: str) -> None:
    found = intune.value_of(next(setting for setting in SETTINGS if setting.name == name), value)
    assert found == said
    parsed(f"<all>{found}</all>")


def test_the_table_has_a_row_for_each_value() -> None:
    lines = intune.table(examples.MANAGED, examples.RECOMMENDED).splitlines()
    assert len(lines) == len(examples.MANAGED) + len(examples.RECOMMENDED)
    assert "./Device/Vendor/MSFT/Policy/Config/SendGuard~Policy~SendGuard~organisation/MonitorOnly\t<enabled/>" in lines


# macOS


@pytest.mark.parametrize("name", [name for name in GENERATED if "/macos/" in name])
def test_property_lists_are_read_alike_by_two_tools(name: str, tmp_path: Path) -> None:
    path, binary = ROOT / name, tmp_path / "binary"
    subprocess.run(["plistutil", "-i", path, "-f", "bin", "-o", binary], check=True, capture_output=True)
    assert plistlib.loads(binary.read_bytes()) == plistlib.loads(path.read_bytes())


def test_the_profile_holds_the_preferences_and_replaces_itself() -> None:
    made = [plistlib.loads(apple.mobileconfig(examples.MANAGED, examples.RECOMMENDED, ENGLISH)) for _ in range(2)]
    assert made[0] == made[1]
    (payload,) = made[0]["PayloadContent"]
    assert payload["PayloadType"] == "org.sendguard.SendGuard"
    assert payload["PayloadUUID"] != made[0]["PayloadUUID"]
    said = {name: value for name, value in payload.items() if not name.startswith("Payload")}
    bare = plistlib.loads(apple.bare_plist(examples.MANAGED, examples.RECOMMENDED))
    assert said == bare
    assert bare["Recommended"] == dict(examples.RECOMMENDED)
    assert "Recommended" not in plistlib.loads(apple.bare_plist(examples.MANAGED, {}))


PFM_TYPES = {"integer": int, "boolean": bool, "string": str, "array": list, "dictionary": dict}


def test_the_manifest_describes_every_setting_in_its_own_type() -> None:
    found = plistlib.loads(apple.manifest(GERMAN))
    keys = {key["pfm_name"]: key for key in found["pfm_subkeys"]}
    assert found["pfm_domain"] == keys["PayloadType"]["pfm_default"] == apple.DOMAIN
    for setting in SETTINGS:
        key = keys[setting.name]
        assert type(key["pfm_default"]) is PFM_TYPES[key["pfm_type"]]
        assert key["pfm_title"] == GERMAN(setting.title)
        if setting.pattern:
            holder = key["pfm_subkeys"][0] if setting.type is Type.LINES else key
            assert re.fullmatch(holder["pfm_format"], "A" * 43 + "=") or setting.type is Type.TEXT
    assert keys["AuditKey"]["pfm_sensitive"] is True
    assert keys["PolicyKeys"]["pfm_targets"] == ["system"]
    assert (keys["HistoryDays"]["pfm_range_min"], keys["HistoryDays"]["pfm_range_max"]) == (1, 3650)
    assert keys["CheckSubject"]["pfm_range_list"] == ["off", "notice", "ask"]
    nested = {key["pfm_name"] for key in keys["Recommended"]["pfm_subkeys"]}
    assert nested == {setting.name for setting in SETTINGS if setting.users is Users.CHANGE}


# Words


def test_a_setting_is_explained_whole() -> None:
    setting = next(setting for setting in SETTINGS if setting.name == "AskAnyFrom")
    assert explained(setting, ENGLISH) == (
        "Any message that reaches this many people or more is held until you confirm it. A whole number from 0 to"
        " 10000000. 0 is off. Counted in people. Without policy: 100. Lower is stricter."
    )
    key = next(setting for setting in SETTINGS if setting.name == "AuditKey")
    assert "its value is shown to nobody. Only the policy of the whole machine counts." in explained(key, ENGLISH)


def test_the_reference_has_every_setting_and_its_former_names() -> None:
    page = reference(ENGLISH).decode()
    for setting in SETTINGS:
        assert f"| `{setting.name}` | **{setting.title}.**" in page.replace("\\|", "|")
    assert "Former name: DirectoryFolder." in page


def test_the_german_texts_are_german() -> None:
    english, german = (texts(say)[0] for say in (ENGLISH, GERMAN))
    same = {name for name in english if english[name] == german[name]}
    assert {english[name] for name in same} <= {"SendGuard", "English", "Deutsch"}
