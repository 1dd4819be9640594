"""Windows: one key under HKEY_CURRENT_USER, by ``winreg``. Not run here."""

import sys

if sys.platform == "win32":
    import winreg
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
