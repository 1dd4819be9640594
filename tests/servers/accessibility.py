"""The screen as a screen reader sees it: find widgets by role and name, read them, press and type, by AT-SPI.

Speaks to the accessibility bus directly (at-spi2-core's XML interfaces), so that neither pyatspi nor its Python
is needed.
"""

from collections.abc import Iterator
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

from tests.servers.processes import wait_until

_ACCESSIBLE = "org.a11y.atspi.Accessible"
_ACTION = "org.a11y.atspi.Action"
_TEXT = "org.a11y.atspi.Text"
_EDITABLE = "org.a11y.atspi.EditableText"
_COMPONENT = "org.a11y.atspi.Component"
_ROOT = "/org/a11y/atspi/accessible/root"

# AtspiStateType (atspi-constants.h), the ones tests ask for.
_STATES = {
    "active": 1,
    "checked": 4,
    "editable": 7,
    "enabled": 8,
    "focusable": 11,
    "focused": 12,
    "modal": 16,
    "sensitive": 24,
    "showing": 25,
    "visible": 30,
    "is default": 39,
}


class Widget:
    """One accessible object; every question is asked anew, so it can be watched for a change."""

    def __init__(self, desktop: "AccessibleDesktop", owner: str, path: str) -> None:
        """Point to an object on the accessibility bus."""
        self._desktop, self._owner, self._path = desktop, owner, path

    def __repr__(self) -> str:
        """Show role and name."""
        return f"<{self.role} {self.name!r}>"

    @property
    def role(self) -> str:
        """AT-SPI's name of the role: 'push button', 'label', 'dialog', 'text', 'check box', 'spin button'..."""
        return str(self._call(_ACCESSIBLE, "GetRoleName"))

    @property
    def name(self) -> str:
        """The accessible name."""
        return str(self._property(_ACCESSIBLE, "Name"))

    @property
    def description(self) -> str:
        """The accessible description."""
        return str(self._property(_ACCESSIBLE, "Description"))

    @property
    def text(self) -> str:
        """The text in it, for what has the Text interface (labels in Qt do not: they have their text as name)."""
        return str(self._call(_TEXT, "GetText", "ii", (0, -1)))

    @property
    def states(self) -> set[str]:
        """Those of the states tests ask for that are on: enabled, focused, showing, modal, checked, is default..."""
        low, high = self._call(_ACCESSIBLE, "GetState")
        bits = low | high << 32
        return {name for name, bit in _STATES.items() if bits >> bit & 1}

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Left, top, width and height on the screen."""
        left, top, width, height = self._call(_COMPONENT, "GetExtents", "u", (0,))
        return (left, top, width, height)

    def children(self) -> list["Widget"]:
        """Return what lies directly in it."""
        return [Widget(self._desktop, *child) for child in self._call(_ACCESSIBLE, "GetChildren")]

    def everything(self) -> Iterator["Widget"]:
        """Walk through it and all that lies in it, depth first; what vanishes on the way is left out."""
        yield self
        try:
            children = self.children()
        except DBusErrorResponse:
            return
        for child in children:
            yield from child.everything()

    def actions(self) -> list[str]:
        """Return the names of what can be done with it."""
        return [action[0] for action in self._call(_ACTION, "GetActions")]

    def press(self) -> None:
        """Do its first action: what a click does."""
        self._call(_ACTION, "DoAction", "i", (0,))

    def type(self, text: str) -> None:
        """Replace the text in it."""
        self._call(_EDITABLE, "SetTextContents", "s", (text,))

    def focus(self) -> None:
        """Give it the keyboard."""
        self._call(_COMPONENT, "GrabFocus")

    def _call(self, interface: str, method: str, signature: str = "", arguments: tuple[Any, ...] = ()) -> Any:
        return self._desktop.call(self._owner, self._path, interface, method, signature, arguments)

    def _property(self, interface: str, name: str) -> Any:
        return self._desktop.property(self._owner, self._path, interface, name)


class AccessibleDesktop:
    """All programs of one session, as the accessibility bus knows them."""

    def __init__(self, session_bus_address: str) -> None:
        """Connect; starts the session's accessibility bus when nobody has yet."""
        a11y = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
        with open_dbus_connection(session_bus_address) as session:
            reply = session.send_and_get_reply(new_method_call(a11y, "GetAddress"), timeout=10)
        self._connection: DBusConnection = open_dbus_connection(str(reply.body[0]))

    def __enter__(self) -> "AccessibleDesktop":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()

    def programs(self) -> list[Widget]:
        """Return every program that can be read, SendGuard among others."""
        return Widget(self, "org.a11y.atspi.Registry", _ROOT).children()

    def all_found(self, role: str = "", name: str = "") -> list[Widget]:
        """Return the showing widgets of a role, of a name, or both; '' is any."""
        return [
            widget for program in self.programs() for widget in program.everything() if self._fits(widget, role, name)
        ]

    def find(self, role: str = "", name: str = "", seconds: float = 10) -> Widget:
        """Wait for a showing widget of a role, of a name, or both; return the first."""
        return wait_until(lambda: self.all_found(role, name), f"{role or 'widget'} named {name!r}", seconds)[0]

    def wait_until_gone(self, role: str = "", name: str = "", seconds: float = 10) -> None:
        """Wait until no such widget shows any more."""
        wait_until(lambda: not self.all_found(role, name), f"end of {role or 'widget'} {name!r}", seconds)

    def outline(self) -> str:
        """Return everything there is, a widget a line, indented: to look at when a test does not find its own."""
        return "\n".join(line for program in self.programs() for line in self._lines(program, 0))

    def call(
        self, owner: str, path: str, interface: str, method: str, signature: str, arguments: tuple[Any, ...]
    ) -> Any:
        """Call a method and return its result, or the tuple of them; DBusErrorResponse when the object is gone."""
        address = DBusAddress(path, owner, interface)
        message = new_method_call(address, method, signature or None, arguments)
        reply = unwrap_msg(self._connection.send_and_get_reply(message, timeout=10))
        return reply[0] if len(reply) == 1 else reply

    def property(self, owner: str, path: str, interface: str, name: str) -> Any:
        """Return a property's value; DBusErrorResponse when the object is gone."""
        message = Properties(DBusAddress(path, owner, interface)).get(name)
        return unwrap_msg(self._connection.send_and_get_reply(message, timeout=10))[0][1]

    @staticmethod
    def _fits(widget: Widget, role: str, name: str) -> bool:
        try:
            return (
                (not role or widget.role == role) and (not name or widget.name == name) and "showing" in widget.states
            )
        except DBusErrorResponse:  # it went away while we looked
            return False

    def _lines(self, widget: Widget, depth: int) -> Iterator[str]:
        yield f"{'  ' * depth}{widget!r} {' '.join(sorted(widget.states))}"
        for child in widget.children():
            yield from self._lines(child, depth + 1)
