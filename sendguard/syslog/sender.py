"""Sends messages to one syslog server over TLS, from a thread and a queue of its own."""

import random
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from sendguard.syslog.message import framed

ROOM = 1_000
"""Messages that wait in memory while the server is away; half a megabyte."""
CONNECT_SECONDS = 10.0
SEND_SECONDS = 10.0
LONGEST_PAUSE = 60.0


def verifying_context() -> ssl.SSLContext:
    """TLS 1.2 or newer, the certificate verified against the system's authorities and the host's name."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def pause_after(failures: int) -> float:
    """Seconds until the next try: one, doubling to a minute, somewhere around that so that desktops do not march."""
    return min(LONGEST_PAUSE, 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class SyslogSender:
    """``send`` puts a message in the queue and returns at once; when the queue is full the message is dropped.

    ``gap`` makes the message that takes the place of dropped ones, from their number. ``tell`` is called with a code,
    once for each time the server is away, and ``sent`` after each message; both on the sender's thread.

    The protocol has no receipts (RFC 5425 §6): a message counts as sent once the system has taken it. What was on its
    way when a server died is lost, and one whose sending failed is sent again, so that it may come twice.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        gap: Callable[[int], bytes],
        tell: Callable[[str], None],
        sent: Callable[[], object] = lambda: None,
        context: Callable[[], ssl.SSLContext] = verifying_context,
        pause: Callable[[int], float] = pause_after,
        room: int = ROOM,
    ) -> None:
        self._host, self._port, self._room = host, port, room
        self._gap, self._tell, self._pause = gap, tell, pause
        self._tell_sent = sent
        self._make_context = context
        self._context: ssl.SSLContext | None = None
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self.trouble = ""
        """Why nothing can be sent now: ``certificate`` or ``unreachable``; empty when it can, or nobody has tried."""
        self._end_at: float | None = None
        self._socket: ssl.SSLSocket | None = None
        self._thread = threading.Thread(target=self._run, name="syslog", daemon=True)
        self._thread.start()

    def send(self, message: bytes) -> None:
        """Send it when the server takes it. Any thread; never waits."""
        with self._changed:
            if len(self._waiting) >= self._room:
                self._dropped += 1
                return
            self._mark_gap()
            self._waiting.append(message)
            self._changed.notify_all()

    def close(self, seconds: float = 2.0) -> None:
        """Send what waits, for at most so long; then end, whatever the server does."""
        with self._changed:
            self._end_at = time.monotonic() + seconds
            self._changed.notify_all()
        self._thread.join(seconds)
        connected = self._socket
        if connected is not None and self._thread.is_alive():
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)
            self._thread.join(1.0)

    def _run(self) -> None:
        failures = 0
        while (message := self._next()) is not None:
            try:
                self._connected().sendall(framed(message))
            except (OSError, ValueError, OverflowError) as error:  # a host name that is none, a port beyond 65535
                self._leave()
                failures += 1
                before = self.trouble
                self.trouble = "certificate" if isinstance(error, ssl.SSLCertVerificationError) else "unreachable"
                if self.trouble != before:
                    self._tell(self.trouble)
                self._wait(self._pause(failures))
            else:
                failures, self.trouble = 0, ""
                self._sent()
        self._leave()

    def _next(self) -> bytes | None:
        """The oldest message, which stays in the queue until it was sent; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._end_at is not None)
            late = self._end_at is not None and time.monotonic() >= self._end_at
            return self._waiting[0] if self._waiting and not late else None

    def _sent(self) -> None:
        with self._changed:
            self._waiting.popleft()
            if not self._waiting:
                self._mark_gap()
        self._tell_sent()

    def _mark_gap(self) -> None:
        if self._dropped:
            self._waiting.append(self._gap(self._dropped))
            self._dropped = 0

    def _wait(self, seconds: float) -> None:
        """Until the next try, or the end: then the tries are over."""
        with self._changed:
            if self._changed.wait_for(lambda: self._end_at is not None, seconds):
                self._end_at = 0.0

    def _connected(self) -> ssl.SSLSocket:
        if self._socket is not None and not _is_gone(self._socket):
            return self._socket
        self._leave()
        self._context = self._context or self._make_context()
        plain = socket.create_connection((self._host, self._port), CONNECT_SECONDS)
        try:
            self._socket = self._context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise
        self._socket.settimeout(SEND_SECONDS)
        return self._socket

    def _leave(self) -> None:
        """Say goodbye as TLS does: an end with session tickets unread would take back what is still on its way."""
        connected, self._socket = self._socket, None
        if connected is not None:
            with suppress(OSError):
                connected.settimeout(1.0)
                connected.unwrap()
            connected.close()


def _is_gone(connected: ssl.SSLSocket) -> bool:
    """Whether the server has ended the connection; what it said otherwise is read and forgotten."""
    try:
        connected.settimeout(0.0)
        while connected.recv(4096):
            pass
    except ssl.SSLWantReadError:
        connected.settimeout(SEND_SECONDS)
        return False
    except OSError:
        pass
    return True
