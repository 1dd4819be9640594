r"""Windows: policy in the registry, as Group Policy and Intune write it. Not run here; tested against ``.reg`` files.

    HKEY_LOCAL_MACHINE\Software\Policies\SendGuard                mandatory, for the whole machine
    HKEY_CURRENT_USER\Software\Policies\SendGuard                 mandatory, for one user (who cannot write there)
    …\Recommended                                                 under either: what users may change

A number or a switch is a DWORD, a text a REG_SZ, a list a REG_MULTI_SZ or a subkey of the setting's name with the
values ``1``, ``2``, and so on; where there are both, both hold. A value of another type is told, and guards.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Protocol

from sendguard.settings.foreign import as_declared
from sendguard.settings.layers import Layer, Offer
from sendguard.settings.outputs.apple import RECOMMENDED
from sendguard.settings.outputs.group_policy import KEY

MACHINE, USER = "HKEY_LOCAL_MACHINE", "HKEY_CURRENT_USER"
REG_SZ, REG_DWORD, REG_MULTI_SZ, REG_QWORD = 1, 4, 7, 11
"""Types of values, as winnt.h numbers them."""
_PLACES = (
    (MACHINE, KEY, Layer.MACHINE),
    (USER, KEY, Layer.USER_POLICY),
    (MACHINE, rf"{KEY}\{RECOMMENDED}", Layer.RECOMMENDED),
    (USER, rf"{KEY}\{RECOMMENDED}", Layer.RECOMMENDED),
)


class Registry(Protocol):
    """Reading the registry, in its 64-bit view."""

    def values(self, hive: str, key: str) -> Mapping[str, tuple[int, object]]:
        """The type and the value of each name in a key. Raises FileNotFoundError, OSError."""
        ...

    def subkeys(self, hive: str, key: str) -> tuple[str, ...]:
        """The names of the keys in a key. Raises FileNotFoundError, OSError."""
        ...

    def changed(self, hive: str, key: str) -> Hashable:
        """When a key was last written to. Raises FileNotFoundError, OSError."""
        ...


class Unknown:
    """A value of a type that no setting has."""


class ManagedRegistry:
    """Both hives, mandatory and recommended. Of two recommendations the user's counts."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def stamp(self) -> Hashable:
        """When each key was written to."""
        return tuple(self._stamp(hive, key) for hive, key, _ in _PLACES)

    def read(self) -> tuple[Offer, ...]:
        """An offer a key that is there."""
        return tuple(offer for hive, key, layer in _PLACES for offer in self._offers(hive, key, layer))

    def _stamp(self, hive: str, key: str) -> Hashable:
        try:
            within = [(name, self._registry.changed(hive, rf"{key}\{name}")) for name in self._lists(hive, key)]
            return self._registry.changed(hive, key), tuple(within)
        except OSError as error:
            return error.errno

    def _offers(self, hive: str, key: str, layer: Layer) -> Iterator[Offer]:
        source = rf"{hive}\{key}"
        try:
            values: dict[str, object] = {
                name: value_of(*found) for name, found in self._registry.values(hive, key).items()
            }
            spelt = {name.casefold(): name for name in values}
            for subkey in self._lists(hive, key):
                name = spelt.get(subkey.casefold(), subkey)
                values[name] = [*_entries(values.get(name)), *self._list(hive, rf"{key}\{subkey}")]
        except FileNotFoundError:
            return
        except OSError:
            yield Offer(layer, source, broken="unreadable")
            return
        yield Offer(layer, source, as_declared(values))

    def _lists(self, hive: str, key: str) -> tuple[str, ...]:
        return tuple(name for name in self._registry.subkeys(hive, key) if name.casefold() != RECOMMENDED.casefold())

    def _list(self, hive: str, key: str) -> list[object]:
        """The entries of a list, by their numbers; what has no number stands last."""
        found = self._registry.values(hive, key)
        return [value_of(*found[name]) for name in sorted(found, key=_place)]


def value_of(kind: int, value: object) -> object:
    """A value as JSON would hold it; one of ``Unknown`` for a type that no setting has."""
    match kind, value:
        case (1, str()):
            return value
        case (4 | 11, int()):
            return value
        case (7, list() | None):
            return value or []
        case _:
            return Unknown()


def _entries(value: object) -> list[object]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _place(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, name


def registry_here() -> ManagedRegistry:
    """The registry of this machine and this user. Raises OSError on other systems than Windows."""
    import sys

    if sys.platform == "win32":
        from sendguard.system.registry import RegistryReader

        return ManagedRegistry(RegistryReader())
    raise OSError("there is no registry on this system")
