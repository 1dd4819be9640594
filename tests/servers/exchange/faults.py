"""What goes wrong when a test wants it to: for the next calls of one operation, or of all."""

import threading
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.exchange.answers import Fault, Refused

Cut = Literal["no_answer", "reset", "wrong_element"]

EWS_DISABLED = (
    b'{"error":{"code":"ErrorAccessDenied","message":"Exchange Web Services are not currently available for this '
    b'request because none of the Allow Policies apply, or EWS is disabled."}}'
)
"""The body of a 403 as Exchange Online gives it where EWS is switched off; the wording is not certain."""


@dataclass
class Trouble:
    """One thing that goes wrong; of what it holds one thing is set."""

    operation: str | None
    times: int | None
    """How often it still happens; None for always."""
    fault: Fault | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    refused: Refused | None = None
    cut_before: bool = False
    cut_after: Cut | None = None
    until: threading.Event | None = None
    seconds: float = 0


class Faults:
    """Troubles in the order in which a test asked for them; each call meets all that are meant for it."""

    def __init__(self) -> None:
        self._troubles: list[Trouble] = []
        self._lock = threading.Lock()

    def busy(self, operation: str | None = None, *, back_off_ms: int = 300, times: int | None = 1) -> None:
        """ErrorServerBusy, with the time to wait."""
        text = "The server cannot service this request right now. Try again later."
        busy = Fault("ErrorServerBusy", text, BackOffMilliseconds=str(back_off_ms))
        self._add(Trouble(operation, times, fault=busy))

    def fault(self, operation: str | None, code: str, *, times: int | None = 1) -> None:
        """A SOAP fault of any code."""
        self._add(Trouble(operation, times, fault=Fault(code, "The test Exchange refuses this call.")))

    def error(self, operation: str | None, code: str, *, times: int | None = 1) -> None:
        """A response message of class Error; the operation is not carried out."""
        self._add(Trouble(operation, times, refused=Refused(code)))

    def http(
        self,
        operation: str | None = None,
        *,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        times: int | None = 1,
    ) -> None:
        """An answer of the web server's own, before anybody is asked who they are."""
        self._add(Trouble(operation, times, status=status, body=body, headers=headers or {}))

    def ews_disabled(self, *, times: int | None = None) -> None:
        """HTTP 403, as Exchange Online answers where EWS is switched off."""
        self.http(status=403, body=EWS_DISABLED, headers={"Content-Type": "application/json"}, times=times)

    def ambiguous(self, operation: str, *, how: Cut = "no_answer", times: int | None = 1) -> None:
        """Carry the call out, and then end the connection, reset it, or answer with ``m:Responses`` as gromox does."""
        self._add(Trouble(operation, times, cut_after=how))

    def cut_before(self, operation: str | None = None, *, times: int | None = 1) -> None:
        """End the connection once the request is read; nothing is carried out."""
        self._add(Trouble(operation, times, cut_before=True))

    def stall(
        self,
        operation: str | None = None,
        *,
        until: threading.Event | None = None,
        seconds: float = 300,
        times: int | None = 1,
    ) -> None:
        """Let a call wait before it is carried out."""
        self._add(Trouble(operation, times, until=until or threading.Event(), seconds=seconds))

    def clear(self) -> None:
        """Let nothing go wrong any more; calls that wait go on."""
        with self._lock:
            for trouble in self._troubles:
                if trouble.until is not None:
                    trouble.until.set()
            self._troubles.clear()

    def take(self, operation: str) -> list[Trouble]:
        """Return what is meant for a call, which counts as once."""
        with self._lock:
            found = [each for each in self._troubles if each.operation in (None, operation)]
            for trouble in found:
                if trouble.times is not None:
                    trouble.times -= 1
            self._troubles = [each for each in self._troubles if each.times != 0 or each.until is not None]
            return [each for each in found if each.times is None or each.times >= 0]

    def _add(self, trouble: Trouble) -> None:
        with self._lock:
            self._troubles.append(trouble)
