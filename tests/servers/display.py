"""A private X display with a window manager, a tray and an accessibility bus, for tests that use the real screen."""

import ctypes
import os
import select
import subprocess
from pathlib import Path

from tests.servers.processes import Daemon, ServerFailed
from tests.servers.session_bus import SessionBus

_BYTES_OF_A_COLOUR = 12


class Display:
    """A screen of ``size`` pixels with openbox and, unless told otherwise, a tray (trayer, XEmbed).

    ``environment`` is for the program under test: it finds the screen, the session bus and the accessibility bus
    there, and a home of its own.
    """

    def __init__(self, folder: Path, *, size: tuple[int, int] = (1280, 800), tray: bool = True) -> None:
        """Prepare; everything lies in ``folder``."""
        self.bus = SessionBus(folder)
        self.environment = self.bus.environment
        self.name = ""
        self._folder = folder
        self._size = size
        self._has_tray = tray
        self._tray: Daemon | None = None

    def __enter__(self) -> "Display":
        """Start everything."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, the programs started by ``run`` too."""
        self.stop()

    def start(self) -> None:
        """Start, and return when windows are managed and the tray takes icons."""
        self.bus.start()
        try:
            self._start_server()
            self.environment |= {
                "DISPLAY": self.name,
                "QT_QPA_PLATFORM": "xcb",
                "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            }
            self.run(["openbox", "--sm-disable"]).wait_until_ready(lambda: self._has_owner("WM_S0"))
            if self._has_tray:
                self.start_tray()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, the programs started by ``run`` too."""
        self.bus.stop()

    def start_tray(self) -> None:
        """Start the tray, as a panel that starts late or again does."""
        self._tray = self.run(["trayer", "--edge", "bottom", "--align", "right", "--width", "20", "--height", "24"])
        self._tray.wait_until_ready(lambda: self._has_owner("_NET_SYSTEM_TRAY_S0"))

    def stop_tray(self) -> None:
        """Let the tray crash."""
        if self._tray is not None:
            self._tray.kill()
            self._tray = None

    def run(self, command: list[str]) -> Daemon:
        """Start a program on this display; it ends with the display at the latest."""
        return self.bus.run(command)

    def press_keys(self, *keys: str) -> None:
        """Press keys as on a keyboard, for what has the focus; named as xdotool does: Tab, space, alt+F4."""
        subprocess.run(["xdotool", "key", *keys], env=self.environment, check=True, timeout=10, capture_output=True)

    def screenshot(self, path: Path) -> None:
        """Write what is on the screen to an image file; the ending says which kind (.png)."""
        from PySide6.QtGui import QImage

        dump = (self._folder / "Xvfb_screen0").read_bytes()
        # The framebuffer is an XWD file (XWDFile.h): big-endian 32-bit words, then colours, then the pixels.
        words = [int.from_bytes(dump[at : at + 4], "big") for at in range(0, 100, 4)]
        header_size, width, height, bytes_per_line, colours = words[0], words[4], words[5], words[12], words[19]
        pixels = dump[header_size + colours * _BYTES_OF_A_COLOUR :]
        image = QImage(pixels, width, height, bytes_per_line, QImage.Format.Format_RGB32)
        if not image.save(str(path)):
            raise ServerFailed(f"could not write {path}")

    def _start_server(self) -> None:
        width, height = self._size
        reading, writing = os.pipe()
        try:
            command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
            server = self.bus.run([*command, "-noreset", "-fbdir", str(self._folder)], pass_fds=(writing,))
            os.close(writing)
            writing = -1
            server.wait_until_ready(lambda: select.select([reading], [], [], 0)[0])
            self.name = f":{os.read(reading, 16).decode().strip()}"
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)

    def _has_owner(self, selection: str) -> bool:
        """Tell whether a program holds an X selection: a window manager has WM_S0, a tray _NET_SYSTEM_TRAY_S0."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_void_p
        x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        x11.XGetSelectionOwner.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
        display = x11.XOpenDisplay(self.name.encode())
        if not display:
            return False
        try:
            return bool(x11.XGetSelectionOwner(display, x11.XInternAtom(display, selection.encode(), 0)))
        finally:
            x11.XCloseDisplay(display)
