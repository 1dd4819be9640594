"""Who decides about a setting. Lower layers never loosen what a stronger one said, and what is wrong guards."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendguard.settings.declared import BY_NAME, SETTINGS
from sendguard.settings.layers import Fault, Layer, Offer, Resolved, own_changes, resolve
from sendguard.settings.setting import Setting, Type, Value, stricter_of

NAME, DEFAULT = "AskAnyFrom", 100
INVALID = "many"
SOURCES = {layer: f"{layer}.source" for layer in Layer}
OFFERING = tuple(layer for layer in Layer if layer is not Layer.BUILT_IN)
MACHINE, REMOTE, USER_POLICY, USER, RECOMMENDED = OFFERING


def offer(layer: Layer, value: object, name: str = NAME) -> Offer:
    return Offer(layer, SOURCES[layer], {name: value})


def found(*offers: Offer, name: str = NAME) -> Resolved:
    return resolve(offers)[name]


def test_without_any_offer_everything_has_its_default() -> None:
    resolution = resolve([])
    assert all(resolution[setting.name].value == setting.default for setting in SETTINGS)
    assert not resolution.is_managed
    assert not resolution.faults
    assert found().layer is Layer.BUILT_IN
    assert not found().locked


EXPECTED = {  # what two layers make of: a value both hold for valid; the stronger's is 200
    # the weaker says something stricter (30), looser (900), invalid
    (MACHINE, REMOTE): ((30, True), (200, True), (200, True)),
    (MACHINE, USER_POLICY): ((30, True), (200, True), (200, True)),
    (MACHINE, USER): ((200, True), (200, True), (200, True)),
    (MACHINE, RECOMMENDED): ((200, True), (200, True), (200, True)),
    (REMOTE, USER_POLICY): ((30, True), (200, True), (100, True)),
    (REMOTE, USER): ((30, False), (200, True), (100, False)),
    (REMOTE, RECOMMENDED): ((30, False), (200, True), (100, False)),
    (USER_POLICY, USER): ((200, True), (200, True), (200, True)),
    (USER_POLICY, RECOMMENDED): ((200, True), (200, True), (200, True)),
    (USER, RECOMMENDED): ((200, False), (200, False), (200, False)),
}


@pytest.mark.parametrize("pair", list(combinations(OFFERING, 2)), ids="-".join)
@pytest.mark.parametrize(("which", "said"), [(0, 30), (1, 900), (2, INVALID)], ids=["stricter", "looser", "invalid"])
def test_every_pair_of_layers(pair: tuple[Layer, Layer], which: int, said: object) -> None:
    stronger, weaker = pair
    resolved = found(offer(stronger, 200), offer(weaker, said))
    assert (resolved.value, resolved.locked) == EXPECTED[pair][which]
    if said == INVALID:
        assert resolved.faults == (Fault(weaker, SOURCES[weaker], NAME, "type"),)
    else:
        kept = {each.value for each in resolved.overridden} | {resolved.value}
        assert kept == {200, said}


@pytest.mark.parametrize("weaker", OFFERING[1:])
@pytest.mark.parametrize(("said", "value"), [(30, 30), (900, 100)])
def test_an_invalid_machine_value_locks_the_guarding_default(weaker: Layer, said: int, value: int) -> None:
    resolved = found(offer(MACHINE, INVALID), offer(weaker, said))
    expected = value if weaker in {REMOTE, USER_POLICY} else DEFAULT
    assert (resolved.value, resolved.locked) == (expected, True)
    assert resolved.faults == (Fault(MACHINE, SOURCES[MACHINE], NAME, "type"),)


@pytest.mark.parametrize("layer", [REMOTE, USER_POLICY])
def test_an_invalid_mandatory_value_below_the_machine_keeps_users_from_loosening_the_default(layer: Layer) -> None:
    loose = found(offer(layer, INVALID), offer(USER, 900))
    assert (loose.value, loose.locked) == (DEFAULT, True)


@pytest.mark.parametrize("layer", [MACHINE, REMOTE, USER_POLICY])
def test_a_mandatory_source_that_cannot_be_read_makes_no_limit_looser_than_its_default(layer: Layer) -> None:
    broken = Offer(layer, "it.json", broken="syntax")
    resolution = resolve([broken, Offer(USER, "own", {NAME: 900, "AskReplyFrom": 5, "CheckSubject": "off"})])
    assert resolution[NAME].value == DEFAULT
    assert resolution[NAME].locked
    assert resolution["AskReplyFrom"].value == 5
    assert resolution["CheckSubject"].value == "notice"
    assert resolution.faults[0] == Fault(layer, "it.json", "", "syntax")


def test_a_broken_file_beside_a_good_one_leaves_the_good_one_in_force() -> None:
    resolution = resolve([Offer(MACHINE, "a.json", {NAME: 900}), Offer(MACHINE, "b.json", broken="owner")])
    assert resolution[NAME].value == 900


def test_a_users_broken_file_leaves_the_defaults() -> None:
    resolution = resolve([Offer(USER, "settings.toml", broken="file")])
    assert resolution[NAME].value == DEFAULT
    assert not resolution[NAME].locked


def test_of_one_layer_the_later_source_wins_and_lists_add_up() -> None:
    sources = [
        Offer(MACHINE, "10.json", {NAME: 50, "BlockedLists": ["all"]}),
        Offer(MACHINE, "20.json", {NAME: 70, "BlockedLists": ["all", "staff"]}),
    ]
    resolution = resolve(sources)
    assert resolution[NAME].value == 70
    assert resolution[NAME].source == "20.json"
    assert resolution["BlockedLists"].value == ("all", "staff")
    assert resolution.is_managed


def test_blocked_lists_of_every_mandatory_layer_hold() -> None:
    layers = [offer(layer, [str(layer)], "BlockedLists") for layer in (MACHINE, USER_POLICY, REMOTE)]
    resolved = found(*layers, name="BlockedLists")
    assert resolved.value == ("machine", "user_policy", "remote")
    assert resolved.locked


def test_a_signed_policy_adds_to_the_lists_a_user_blocks() -> None:
    resolved = found(offer(USER, ["mine"], "BlockedLists"), offer(REMOTE, ["all"], "BlockedLists"), name="BlockedLists")
    assert resolved.value == ("mine", "all")


def test_what_is_no_users_to_change_is_not_taken_from_a_user() -> None:
    resolved = found(offer(USER, True, "MonitorOnly"), name="MonitorOnly")
    assert resolved.value is False
    assert resolved.faults == (Fault(USER, SOURCES[USER], "MonitorOnly", "not_yours"),)


@pytest.mark.parametrize("layer", [REMOTE, USER_POLICY, RECOMMENDED])
def test_whom_to_trust_is_said_by_the_machine_alone(layer: Layer) -> None:
    key = "A" * 43 + "="
    resolved = found(offer(layer, [key], "PolicyKeys"), name="PolicyKeys")
    assert resolved.value == ()
    assert resolved.faults[0].why == ("only_tightens" if layer is REMOTE else "machine_only")
    assert found(offer(MACHINE, [key], "PolicyKeys"), name="PolicyKeys").value == (key,)


def test_a_signed_policy_cannot_set_what_has_no_stricter_side() -> None:
    resolved = found(offer(REMOTE, ["x.test"], "OrganisationDomains"), name="OrganisationDomains")
    assert resolved.value == ()
    assert resolved.faults[0].why == "only_tightens"
    assert not resolved.locked


def test_a_signed_policy_ends_monitoring() -> None:
    resolved = found(offer(MACHINE, True, "MonitorOnly"), offer(REMOTE, False, "MonitorOnly"), name="MonitorOnly")
    assert (resolved.value, resolved.layer) == (False, REMOTE)


def test_a_former_name_is_still_read_and_yields_to_the_new_one() -> None:
    assert found(offer(USER, "/there", "DirectoryFolder"), name="Directory").value == "/there"
    both = Offer(USER, "own", {"Directory": "/new", "DirectoryFolder": "/old"})
    assert resolve([both])["Directory"].value == "/new"
    assert not resolve([both]).faults


def test_a_name_nobody_knows_is_told() -> None:
    resolution = resolve([offer(MACHINE, 3, "AskAnyForm")])
    assert resolution.faults == (Fault(MACHINE, SOURCES[MACHINE], "AskAnyForm", "name"),)


def test_own_settings_keep_what_differs_from_what_would_be_in_force_without_them() -> None:
    policy = [Offer(RECOMMENDED, "maybe.json", {NAME: 60}), Offer(USER, "own", {"TypeFrom": 300})]
    own = {"TypeFrom": 300, "DirectoryFolder": "/there", "Mystery": 1}
    edits: dict[str, Value] = {NAME: 40, "TypeFrom": 500, "ProtectedLists": ("all",)}
    changed = own_changes(policy, own, edits)
    assert changed == {"Directory": "/there", "Mystery": 1, NAME: 40, "ProtectedLists": ["all"]}
    assert own_changes(policy, changed, {NAME: 60, "ProtectedLists": ()}) == {"Directory": "/there", "Mystery": 1}


def valid(setting: Setting) -> st.SearchStrategy[Value]:
    match setting.type:
        case Type.NUMBER:
            return st.integers(setting.low, min(setting.high, setting.low + 5))
        case Type.SWITCH:
            return st.booleans()
        case Type.CHOICE:
            return st.sampled_from([choice for choice, _ in setting.choices])
        case _:
            return st.lists(st.sampled_from(["a", "b | c", "d"]), max_size=3).map(tuple)


TIGHTENED = tuple(setting for setting in SETTINGS if setting.stricter)
JUNK = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.booleans(), st.lists(st.integers(), max_size=2))


@given(st.data())
def test_no_combination_of_lower_layers_loosens_a_machines_value(data: st.DataObject) -> None:
    setting = data.draw(st.sampled_from(TIGHTENED))
    machine = data.draw(valid(setting))
    said = st.one_of(valid(setting), JUNK)
    lower = [
        Offer(layer, "", {setting.name: data.draw(said)}, "")
        for layer in data.draw(st.lists(st.sampled_from(OFFERING[1:]), max_size=6))
    ]
    broken = [Offer(layer, "", broken="syntax") for layer in data.draw(st.lists(st.sampled_from(OFFERING), max_size=2))]
    offers = data.draw(st.permutations([Offer(MACHINE, "", {setting.name: machine}), *lower, *broken]))
    value = resolve(offers)[setting.name].value
    if isinstance(value, tuple) and isinstance(machine, tuple):
        assert set(value) >= set(machine)
    else:
        assert stricter_of(setting, machine, value) == value
        assert value == machine or stricter_of(setting, value, machine) == value


@given(st.data())
def test_no_offer_whatever_makes_resolving_fail_or_gives_an_invalid_value(data: st.DataObject) -> None:
    names = st.one_of(st.sampled_from(sorted(BY_NAME)), st.text(max_size=8))
    offers = [
        Offer(layer, "", data.draw(st.dictionaries(names, JUNK, max_size=4)), data.draw(st.sampled_from(["", "owner"])))
        for layer in data.draw(st.lists(st.sampled_from(OFFERING), max_size=4))
    ]
    resolution = resolve(offers)
    assert set(resolution.by_name) == set(BY_NAME)
    for setting in SETTINGS:
        assert type(resolution[setting.name].value) is type(setting.default)
