"""Windows: the registry, by ``winreg``. Not run here."""

import sys

if sys.platform == "win32":
    import winreg
    from collections.abc import Hashable, Mapping
    from typing import Self

    class RegistryKey:
        """Opened by ``with``."""

        def __init__(self, path: str) -> None:
            self._path = path

        def __enter__(self) -> Self:
            access = winreg.KEY_READ | winreg.KEY_SET_VALUE
            self._key = winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, self._path, 0, access)
            return self

        def __exit__(self, *_: object) -> None:
            self._key.Close()

        def read(self, name: str) -> str | None:
            """A value; None when there is none."""
            try:
                return str(winreg.QueryValueEx(self._key, name)[0])
            except FileNotFoundError:
                return None

        def write(self, name: str, value: str) -> None:
            """Set a value."""
            winreg.SetValueEx(self._key, name, 0, winreg.REG_SZ, value)

        def remove(self, name: str) -> None:
            """Take a value away, where there is one."""
            try:
                winreg.DeleteValue(self._key, name)
            except FileNotFoundError:
                return

    class RegistryReader:
        """Any key, in the 64-bit view: what Group Policy wrote is found by a 32-bit Python too."""

        def values(self, hive: str, key: str) -> Mapping[str, tuple[int, object]]:
            """The type and the value of each name. Raises FileNotFoundError, OSError."""
            with self._open(hive, key) as opened:
                rows = (winreg.EnumValue(opened, number) for number in range(winreg.QueryInfoKey(opened)[1]))
                return {name: (kind, value) for name, value, kind in rows}

        def subkeys(self, hive: str, key: str) -> tuple[str, ...]:
            """The names of the keys in it. Raises FileNotFoundError, OSError."""
            with self._open(hive, key) as opened:
                return tuple(winreg.EnumKey(opened, number) for number in range(winreg.QueryInfoKey(opened)[0]))

        def changed(self, hive: str, key: str) -> Hashable:
            """When it was last written to, in units of 100 ns. Raises FileNotFoundError, OSError."""
            with self._open(hive, key) as opened:
                return winreg.QueryInfoKey(opened)[2]

        def _open(self, hive: str, key: str) -> "winreg.HKEYType":
            return winreg.OpenKeyEx(getattr(winreg, hive), key, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)
