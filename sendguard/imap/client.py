"""imapclient with three traps taken out of its IDLE (facts/imap-smtp-thunderbird.md §7)."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from imapclient import IMAPClient

ANSWERS_AT_ONCE = 0.5
"""Of the time asked for: an IDLE that ends empty before this share of it has ended because the connection has."""

LOOK_UP_EVERY = 60.0
"""Seconds after which a wait looks whether the computer slept meanwhile."""
SLEPT = 30.0
"""Seconds the clock on the wall is ahead of the one that stands still in sleep."""


class ConnectionEnded(OSError):
    """The server has closed the connection: where imapclient would answer with nothing, at once and for ever.

    Or this computer slept: then nobody would tell that it was closed.
    """


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the server said of the selected folder without being asked."""

    arrived: bool = False
    left: bool = False

    def __bool__(self) -> bool:
        return self.arrived or self.left

    def __or__(self, other: "Pushed") -> "Pushed":
        return Pushed(self.arrived or other.arrived, self.left or other.left)


class Client(IMAPClient):  # type: ignore[misc]
    """imapclient, and what it loses: words buffered with the answer to IDLE, or said during another command."""

    _read_buffer_first = False

    def said_meanwhile(self) -> Pushed:
        """What was said of the folder during other commands, each time once. Take it out after SELECT, too."""
        return Pushed(*(self._imap.response(word)[1] != [None] for word in ("EXISTS", "EXPUNGE")))

    def wait_idle(self, seconds: float) -> Pushed:
        """IDLE until the folder changes or the time is over. Raises ConnectionEnded."""
        until = time.monotonic() + seconds
        self.idle()
        self._read_buffer_first = True
        pushed = _pushed(self.idle_check(0))
        while not pushed and (left := until - time.monotonic()) > 0:
            pushed = _pushed(self._look(min(left, LOOK_UP_EVERY)))
        return pushed | _pushed(self.idle_done()[1])

    def _look(self, seconds: float) -> list[tuple[Any, ...]]:
        began, on_the_wall = time.monotonic(), time.time()
        lines: list[tuple[Any, ...]] = self.idle_check(seconds)
        passed = time.monotonic() - began
        ended = not lines and passed < seconds * ANSWERS_AT_ONCE
        if ended or time.time() - on_the_wall - passed > SLEPT:
            raise ConnectionEnded
        return lines

    def poll(self) -> Pushed:
        """Ask once, by NOOP."""
        return _pushed(self.noop()[1])

    def hang_up(self) -> None:
        """From any thread: end whatever the connection waits for."""
        with suppress(OSError):  # it has ended already
            self.socket().shutdown(socket.SHUT_RDWR)

    def _poll_socket(self, sock: Any, timeout: float | None = None) -> Any:
        return self._buffered() or super()._poll_socket(sock, timeout)

    def _select_poll_socket(self, sock: Any, timeout: float | None = None) -> Any:
        return self._buffered() or super()._select_poll_socket(sock, timeout)

    def _buffered(self) -> bool:
        """Once after IDLE: a push that came in one packet with the "+" is in the reader, and no poll sees it there."""
        first, self._read_buffer_first = self._read_buffer_first, False
        return first


def _pushed(lines: list[tuple[Any, ...]]) -> Pushed:
    found = Pushed()
    for line in lines:
        if line[0] == b"BYE":
            raise ConnectionEnded
        word = line[1] if len(line) > 1 else b""
        found |= Pushed(word == b"EXISTS", word == b"EXPUNGE" or line[0] == b"VANISHED")
    return found
