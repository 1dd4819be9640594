"""A private D-Bus session in which nothing runs that the test did not ask for; with a keyring when asked."""

import os
from pathlib import Path

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

from tests.servers.processes import Daemon

# Nothing is started on demand but what lies in this session's own folder of services: no keyring of the machine,
# no prompt, no settings daemon.
_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

_SERVICES = Path("/usr/share/dbus-1/services")


class SessionBus:
    """A D-Bus session; ``environment`` is what a program needs to be in it, and at home nowhere else.

    With ``accessibility``, AT-SPI is started when first asked for. There is no keyring until ``unlock_keyring``.
    """

    def __init__(self, folder: Path, *, accessibility: bool = True) -> None:
        """Write the configuration into ``folder``, which becomes HOME and XDG_RUNTIME_DIR as well."""
        self.folder = folder
        self.address = f"unix:path={folder}/bus"
        self._daemons: list[Daemon] = []
        for name in ("services", "home", "runtime"):
            (folder / name).mkdir()
        (folder / "runtime").chmod(0o700)
        if accessibility:
            name = "org.a11y.Bus.service"
            (folder / "services" / name).symlink_to(_SERVICES / name)
        (folder / "bus.conf").write_text(_CONFIGURATION.format(folder=folder))
        home = folder / "home"
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        self.environment = {
            **kept,
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(folder / "runtime"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_STATE_HOME": str(home / ".local" / "state"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "DBUS_SESSION_BUS_ADDRESS": self.address,
        }

    def __enter__(self) -> "SessionBus":
        """Start the session."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the session and everything in it."""
        self.stop()

    def start(self) -> None:
        """Start the bus."""
        command = ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self.folder}/bus.conf"]
        self.run(command).wait_until_ready((self.folder / "bus").exists)

    def stop(self) -> None:
        """End everything in the session, the newest first."""
        while self._daemons:
            self._daemons.pop().stop()

    def run(self, command: list[str], *, stdin: bytes = b"", pass_fds: tuple[int, ...] = ()) -> Daemon:
        """Start a program in this session; it ends with the session at the latest. Its words: ``folder/NAME.log``."""
        log = self.folder / f"{Path(command[0]).name}.log"
        daemon = Daemon(command, log=log, env=self.environment, stdin=stdin, pass_fds=pass_fds)
        self._daemons.append(daemon)
        return daemon

    def unlock_keyring(self, password: str = "keyring password") -> None:
        """Start gnome-keyring, unlocked: from now on passwords can be kept and read."""
        command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
        keyring = self.run(command, stdin=password.encode())
        keyring.wait_until_ready(lambda: self._has("org.freedesktop.secrets"))

    def _has(self, name: str) -> bool:
        bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
        with open_dbus_connection(self.address) as connection:
            reply = connection.send_and_get_reply(new_method_call(bus, "NameHasOwner", "s", (name,)), timeout=5)
            return bool(reply.body[0])
