"""Who decides about a setting: machine policy, signed policy, user policy, the user, recommendations, the default.

Pure. Readers only say what each source holds; who wins, what is locked and what is wrong is found here, and everything
that was overridden is kept, to be shown.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sendguard.settings.declared import BY_FORMER_NAME, BY_NAME, SETTINGS
from sendguard.settings.setting import Setting, Users, Value, stricter_of
from sendguard.settings.values import Values, checked


class Layer(StrEnum):
    """Where a value comes from, the strongest first."""

    MACHINE = "machine"
    """Mandatory policy of the whole machine."""
    REMOTE = "remote"
    """The signed policy the organisation publishes: it can only tighten."""
    USER_POLICY = "user_policy"
    """Mandatory policy for one user: below a machine's it can only tighten."""
    USER = "user"
    """The user's own settings."""
    RECOMMENDED = "recommended"
    """Policy a user may change."""
    BUILT_IN = "built_in"

    @property
    def is_mandatory(self) -> bool:
        """Whether a user cannot change what it says."""
        return self in MANDATORY


MANDATORY = frozenset({Layer.MACHINE, Layer.REMOTE, Layer.USER_POLICY})


@dataclass(frozen=True, slots=True)
class Offer:
    """What one source says: ``source`` is a file's path, a registry key or an address.

    ``broken`` is a code (``owner``, ``syntax``, …) where it cannot be believed or read: then ``values`` is empty.
    """

    layer: Layer
    source: str
    values: Mapping[str, object] = field(default_factory=dict)
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A value that a source says, and that is valid."""

    layer: Layer
    source: str
    value: Value


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what a source says of ``name``, or with all of it where that is empty. ``why`` is a code."""

    layer: Layer
    source: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value in force, who said it, and whether the user can change it; what else was said, the strongest first."""

    setting: Setting
    value: Value
    layer: Layer
    source: str = ""
    locked: bool = False
    overridden: tuple[Said, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def is_noteworthy(self) -> bool:
        """Whether anybody has said anything about it."""
        return self.layer is not Layer.BUILT_IN or bool(self.overridden or self.faults)

    @property
    def is_managed(self) -> bool:
        """Whether the organisation decided it."""
        return self.locked or self.layer.is_mandatory


@dataclass(frozen=True, slots=True)
class Resolution:
    """Every setting as it is in force. ``faults`` are all of them, those of whole sources first."""

    by_name: Mapping[str, Resolved]
    faults: tuple[Fault, ...] = ()

    def __getitem__(self, name: str) -> Resolved:
        return self.by_name[name]

    @property
    def values(self) -> Values:
        """The values in force."""
        return Values({name: resolved.value for name, resolved in self.by_name.items()})

    @property
    def is_managed(self) -> bool:
        """Whether the organisation decides about anything."""
        return any(resolved.is_managed for resolved in self.by_name.values())


def resolve(offers: Iterable[Offer]) -> Resolution:
    """Find what is in force. Of one layer the later offer wins; where more entries guard more, both hold.

    A mandatory value that is not valid locks the guarding default. A mandatory source that cannot be read locks
    nothing, but no limit it may have held is looser than its default. Never raises.
    """
    readings = [_read(offer) for offer in offers]
    whole = tuple(fault for reading in readings for fault in reading.faults if not fault.name)
    guarded = any(fault.layer.is_mandatory for fault in whole)
    by_name = {setting.name: _resolve(setting, readings, guarded) for setting in SETTINGS}
    single = tuple(fault for reading in readings for fault in reading.faults if fault.name)
    return Resolution(by_name, whole + single)


@dataclass(frozen=True, slots=True)
class _Reading:
    layer: Layer
    source: str
    values: Mapping[str, Value]
    faults: tuple[Fault, ...]


def _read(offer: Offer) -> _Reading:
    values: dict[str, Value] = {}
    faults = [Fault(offer.layer, offer.source, "", offer.broken)] if offer.broken else []
    for written, raw in offer.values.items():
        name = written if written in BY_NAME else BY_FORMER_NAME.get(written, written)
        if name != written and name in offer.values:
            continue  # the new name stands beside the old one
        setting = BY_NAME.get(name)
        why = "name" if setting is None else _not_theirs(setting, offer.layer)
        if setting is not None and not why:
            value, why = checked(setting, raw)
            if value is not None:
                values[name] = value
        if why:
            faults.append(Fault(offer.layer, offer.source, name, why))
    return _Reading(offer.layer, offer.source, values, tuple(faults))


def _not_theirs(setting: Setting, layer: Layer) -> str:
    """Why a layer may not say anything about a setting; empty when it may."""
    match layer:
        case Layer.MACHINE:
            return ""
        case Layer.USER if setting.users is not Users.CHANGE:
            return "not_yours"
        case Layer.REMOTE if setting.stricter is None:
            return "only_tightens"
        case _:
            return "machine_only" if setting.machine_only else ""


def _resolve(setting: Setting, readings: list[_Reading], guarded: bool) -> Resolved:
    said = {layer: found for layer in Layer if (found := _said(setting, layer, readings)) is not None}
    faults = tuple(fault for reading in readings for fault in reading.faults if fault.name == setting.name)
    base = _base(setting, said, faults)
    value, decider, locked = base.value, base, base.layer.is_mandatory
    for layer in (Layer.USER_POLICY, Layer.REMOTE):
        if (found := said.get(layer)) and (tighter := stricter_of(setting, value, found.value)) != value:
            value, decider, locked = tighter, found, True
    unsure = guarded or any(fault.layer.is_mandatory and fault.why not in _REFUSED for fault in faults)
    if unsure and Layer.MACHINE not in said and (tighter := stricter_of(setting, value, setting.default)) != value:
        value, decider, locked = tighter, Said(Layer.BUILT_IN, "", setting.default), True
    overridden = tuple(each for each in said.values() if each.value != value)
    return Resolved(setting, value, decider.layer, decider.source, locked, overridden, faults)


_REFUSED = frozenset({"only_tightens", "machine_only"})
"""Faults of a policy that wanted what it may not: nothing it could have guarded is missing."""


def _base(setting: Setting, said: Mapping[Layer, Said], faults: tuple[Fault, ...]) -> Said:
    """What is in force before lower mandatory layers tighten it."""
    for layer in (Layer.MACHINE, Layer.USER_POLICY):
        if layer in said:
            return said[layer]
        for fault in faults:
            if fault.layer is layer and fault.why not in _REFUSED:
                return Said(layer, fault.source, setting.default)
    for layer in (Layer.USER, Layer.RECOMMENDED):
        if layer in said:
            return said[layer]
    return Said(Layer.BUILT_IN, "", setting.default)


def _said(setting: Setting, layer: Layer, readings: list[_Reading]) -> Said | None:
    """What one layer says: its last source's value; where more entries guard more, those of all its sources."""
    found: Said | None = None
    for reading in _of(layer, setting.name, readings):
        value = reading.values[setting.name]
        if found is not None and setting.stricter == "more":
            value = stricter_of(setting, found.value, value)
        found = Said(layer, reading.source, value)
    return found


def _of(layer: Layer, name: str, readings: list[_Reading]) -> Iterator[_Reading]:
    return (reading for reading in readings if reading.layer is layer and name in reading.values)


def own_changes(offers: Iterable[Offer], own: Mapping[str, object], edits: Mapping[str, Value]) -> dict[str, object]:
    """The user's own settings once ``edits`` were made to them.

    What equals the value that would be in force without the user is not kept, so that a later recommendation counts.
    ``own`` is what the user's file held; what cannot be understood in it stays as it is.
    """
    without = resolve(offer for offer in offers if offer.layer is not Layer.USER)
    kept = {BY_FORMER_NAME.get(name, name): value for name, value in own.items()}
    for name, value in edits.items():
        if value == without[name].value:
            kept.pop(name, None)
        else:
            kept[name] = value
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}
