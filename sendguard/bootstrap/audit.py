"""The audit: each decision and each end as a line, in files of this computer and, where IT wants it, at a collector.

It fails open, and says so: an audit that cannot be written neither lets a message out that needs an answer nor stops
one that does not. The ledger, on which promises rest, fails closed; the audit is for looking back, and a full log
server must not stop a hospital's mail. What was lost is a line of its own as soon as lines can be written again.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.guard.audit import AuditLine, Line, end_of, line_of, to_json
from sendguard.guard.ledger import Outcome, Record, State
from sendguard.guard.ports import Activity
from sendguard.settings.layers import Resolution
from sendguard.settings.values import Values
from sendguard.storage.audit import AuditFolder, append_for_collector
from sendguard.storage.places import Places, installation_key
from sendguard.storage.sizes import Pseudonyms

if TYPE_CHECKING:
    from sendguard.syslog.sender import SyslogSender

WAITING = 1_000
"""Lines that wait for the disk; more are counted as lost."""
LAST_LINES_SECONDS = 3.0
"""How long a stop waits for the disk, and then as long again for the syslog server."""
LOOK_SECONDS = 60.0 * 60.0
"""How often it is seen whether a day has passed."""

_LOG = logging.getLogger(__name__)


def pseudonym_of(key: bytes) -> Callable[[str], str]:
    """Sixteen hexadecimal digits for a normalised address; the same for the same key."""
    pseudonyms = Pseudonyms(key)
    return lambda address: pseudonyms.of(address).hex()[:16]


def key_of(values: Values, places: Places) -> bytes:
    """The key of the pseudonyms: the organisation's, or this installation's. Raises OSError."""
    return values.text("AuditKey").encode() or installation_key(places)


class Audit:
    """``observe`` is an Observer: it makes the line and hands it to a writer's thread. Nothing here ever raises.

    ``trouble`` is called with a code, once for each time a place cannot be written to.
    """

    def __init__(
        self,
        places: Places,
        values: Callable[[], Values],
        clock: Callable[[], datetime],
        trouble: Callable[[str], None],
        syslog: "Callable[..., SyslogSender] | None" = None,
    ) -> None:
        self._places, self._values, self._clock, self._trouble = places, values, clock, trouble
        self._new_syslog = syslog
        self._folder = AuditFolder(places.audit)
        self._pseudonym = cache(pseudonym_of)
        self._own_key = installation_key(places)
        self._lines: queue.Queue[AuditLine | None] = queue.Queue(WAITING)
        self._counting = threading.Lock()
        self._lost = 0
        self._on = False
        self._purged: date | None = None
        self._syslog: SyslogSender | None = None
        self._syslog_at = ""
        self._outlets = {code: _Outlet() for code in ("audit", "audit_file")}
        self._thread = threading.Thread(target=self._write_all, name="audit", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()
        self._switched()

    def stop(self) -> None:
        """Write what waits, within ``LAST_LINES_SECONDS``, then end."""
        if not self._thread.is_alive():
            return
        if self._on:
            self._put(AuditLine(Line.STOPPED, self._clock(), detail="quit"))
        self._on = False
        with suppress(queue.Full):
            self._lines.put(None, timeout=LAST_LINES_SECONDS)
        self._thread.join(LAST_LINES_SECONDS)
        if self._syslog is not None:
            self._syslog.close(LAST_LINES_SECONDS)

    @property
    def troubles(self) -> tuple[str, ...]:
        """The codes of what cannot be written now."""
        files = tuple(code for code, outlet in self._outlets.items() if outlet.told)
        syslog = self._syslog.trouble if self._syslog is not None else ""
        return (*files, f"audit_syslog_{syslog}") if syslog else files

    def observe(self, activity: Activity) -> None:
        """Put down what happened, where it is a decision or an end."""
        if not self._on:
            return
        try:
            key = self._values().text("AuditKey").encode() or self._own_key
            line = line_of(activity, self._pseudonym(key))
        except Exception as error:  # the gatekeeper must not hear of it: a fault here is a missing line
            _LOG.warning("a line of the audit could not be made: %s", type(error).__name__)
            self._lose()
        else:
            if line is not None:
                self._put(line)

    def put_right(self, records: Iterable[Record]) -> None:
        """Put down how the rows ended that a dead process had left."""
        for record in records:
            if self._on and (record.state.is_final or record.state is State.UNKNOWN):
                self._put(end_of(record, self._clock()))

    def settings_changed(self, resolution: Resolution) -> None:
        """An audit that is switched on or off says so."""
        self._switched()

    def _switched(self) -> None:
        on = self._values().switch("Audit")
        if on == self._on or not self._thread.is_alive():
            return
        if on:
            self._on = True
            self._put(AuditLine(Line.STARTED, self._clock()))
        else:
            self._put(AuditLine(Line.STOPPED, self._clock(), detail="switched_off"))
            self._on = False

    def _put(self, line: AuditLine) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lose()

    def _lose(self) -> None:
        with self._counting:
            self._lost += 1

    def _take_lost(self) -> int:
        with self._counting:
            lost, self._lost = self._lost, 0
            return lost

    # The writer's thread

    def _write_all(self) -> None:
        self._purge()
        while True:
            try:
                line = self._lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._purge()
                continue
            if line is None:
                return
            try:
                self._write(line)
            except Exception as error:  # a thread's top: one line is lost, the next ones are not
                _LOG.warning("a line of the audit could not be written: %s", type(error).__name__)
                self._lose()

    def _write(self, line: AuditLine) -> None:
        if lost := self._take_lost():
            self._write(AuditLine(Line.GAP, line.time, lost=lost))
        values, day = self._values(), line.time.date()
        self._to("audit", line, lambda octets: self._folder.append(octets, day))
        if collector := values.text("AuditFile"):
            self._to("audit_file", line, lambda octets: append_for_collector(Path(collector), octets))
        self._follow(values.text("AuditSyslog"))
        if self._syslog is not None:
            self._syslog.send(syslog_message(line))
        self._purge()

    def _to(self, code: str, line: AuditLine, write: Callable[[bytes], None]) -> None:
        """Write a line, and before it how many could not be written."""
        outlet = self._outlets[code]
        try:
            if outlet.lost:
                write(to_json(AuditLine(Line.GAP, line.time, lost=outlet.lost)))
                outlet.lost = 0
            write(to_json(line))
            outlet.told = False
        except OSError:
            outlet.lost += 1
            if not outlet.told:
                outlet.told = True
                self._trouble(code)

    def _follow(self, address: str) -> None:
        """The sender for the address that is set now; what waits for another one is given two seconds."""
        if address == self._syslog_at:
            return
        if self._syslog is not None:
            threading.Thread(target=self._syslog.close, name="syslog ends", daemon=True).start()
        self._syslog, self._syslog_at = None, address
        if address:
            from sendguard.syslog.sender import SyslogSender

            self._syslog = (self._new_syslog or SyslogSender)(
                *split_address(address),
                gap=lambda lost: syslog_message(AuditLine(Line.GAP, self._clock(), lost=lost)),
                tell=lambda code: self._trouble(f"audit_syslog_{code}"),
            )

    def _purge(self) -> None:
        """Once a day, whether or not the audit is on: what was kept is kept no longer than was said."""
        today = self._clock().date()
        if self._purged == today:
            return
        try:
            self._folder.purge(today - timedelta(days=self._values().number("AuditDays")))
            self._purged = today
        except OSError:
            self._trouble("audit")


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port``, the host of an IPv6 address without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class _Outlet:
    """A place lines are written to: how many it has lost since the last that was written, and whether that was told."""

    def __init__(self) -> None:
        self.lost = 0
        self.told = False


_WEIGHTY = frozenset({Outcome.BLOCKED, Outcome.CANNOT_ASK})


def syslog_message(line: AuditLine) -> bytes:
    """A line as a syslog message: a warning where somebody should look, else a notice for what was decided."""
    from sendguard.syslog.message import Severity, message

    severity = Severity.INFORMATIONAL
    if line.decision in _WEIGHTY or line.code or line.approver or line.lost or line.state == State.UNKNOWN:
        severity = Severity.WARNING
    elif line.kind is not Line.END:
        severity = Severity.NOTICE
    return message(to_json(line), at=line.time, kind=line.kind, severity=severity)
