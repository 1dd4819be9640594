"""Whether the audit's lines arrive: one of the kind "test", sent to each place as the settings are now."""

import threading
from collections.abc import Iterator
from pathlib import Path

from sendguard.bootstrap.audit import split_address, syslog_message
from sendguard.bootstrap.once import settings_here
from sendguard.guard.audit import AuditLine, Line, to_json
from sendguard.storage.audit import append_for_collector
from sendguard.syslog.sender import SyslogSender
from sendguard.wording.catalogue import here_and_now

SECONDS = 15.0
"""How long a syslog server may take."""


def try_places() -> Iterator[tuple[str, str]]:
    """Each place with why it did not take the line; empty where it did. That the audit is off is said first."""
    values, line = settings_here().values, AuditLine(Line.TEST, here_and_now())
    if not values.switch("Audit"):
        yield "Audit", "is off: nothing is put down until it is switched on"
    if collector := values.text("AuditFile"):
        yield f"AuditFile {collector}", _try_file(Path(collector), line)
    if address := values.text("AuditSyslog"):
        yield f"AuditSyslog {address}", _try_syslog(address, line)


def _try_file(path: Path, line: AuditLine) -> str:
    try:
        append_for_collector(path, to_json(line))
    except OSError as error:
        return f"not written ({error.strerror or error})"
    return ""


def _try_syslog(address: str, line: AuditLine) -> str:
    found: list[str] = []
    told = threading.Event()

    def tell(code: str) -> None:
        found.append(code)
        told.set()

    sender = SyslogSender(*split_address(address), gap=lambda lost: b"", tell=tell, sent=told.set)
    sender.send(syslog_message(line))
    answered = told.wait(SECONDS)
    sender.close(1.0)
    return found[0] if found else "" if answered else "no answer"
