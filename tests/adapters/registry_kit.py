"""A registry out of ``.reg`` text, as regedit exports it (version 5.00)."""

import re
from collections.abc import Hashable, Mapping
from errno import ENOENT

_KEY = re.compile(r"\[(?P<hive>HKEY_\w+)\\(?P<key>.*)\]")
_VALUE = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"=(?P<value>.*)')
_HEX = re.compile(r"hex(?:\((?P<kind>[0-9a-f]+)\))?:(?P<octets>.*)")
REG_BINARY = 3


class RegText:
    """``managed_registry.Registry`` over ``.reg`` text; names of keys whatever their case, as Windows has them."""

    def __init__(self, text: str) -> None:
        self.keys: dict[str, dict[str, tuple[int, object]]] = {}
        self.times: dict[str, int] = {}
        self.refused: set[str] = set()
        self.merge(text)

    def merge(self, text: str) -> None:
        """What double-clicking the file does."""
        header, *lines = text.replace("\\\n  ", "").splitlines()
        assert header == "Windows Registry Editor Version 5.00"
        values: dict[str, tuple[int, object]] = {}
        for line in lines:
            if found := _KEY.fullmatch(line):
                name = f"{found['hive']}\\{found['key']}".casefold()
                values = self.keys.setdefault(name, {})
                self.times[name] = self.times.get(name, 0) + 1
            elif found := _VALUE.fullmatch(line):
                values[_plain(found["name"])] = _value(found["value"])
            else:
                assert not line or line.startswith(";"), line

    def values(self, hive: str, key: str) -> Mapping[str, tuple[int, object]]:
        return self._at(hive, key)

    def subkeys(self, hive: str, key: str) -> tuple[str, ...]:
        self._at(hive, key)
        start = f"{hive}\\{key}\\".casefold()
        return tuple(
            name[len(start) :] for name in self.keys if name.startswith(start) and "\\" not in name[len(start) :]
        )

    def changed(self, hive: str, key: str) -> Hashable:
        self._at(hive, key)
        return self.times[f"{hive}\\{key}".casefold()]

    def _at(self, hive: str, key: str) -> dict[str, tuple[int, object]]:
        name = f"{hive}\\{key}".casefold()
        if name in self.refused:
            raise PermissionError(13, "Access is denied")
        if name not in self.keys:
            raise FileNotFoundError(ENOENT, "no such key")
        return self.keys[name]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _value(text: str) -> tuple[int, object]:
    if text.startswith("dword:"):
        return 4, int(text[6:], 16)
    if text.startswith('"'):
        return 1, _plain(text[1:-1])
    found = _HEX.fullmatch(text)
    assert found, text
    octets = bytes.fromhex(found["octets"].replace(",", " "))
    match int(found["kind"] or "3", 16):
        case 7:
            return 7, [line for line in octets.decode("utf-16-le").split("\0") if line]
        case 11:
            return 11, int.from_bytes(octets, "little")
        case kind:
            return kind, octets
