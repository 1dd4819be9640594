"""A private rsyslog that takes syslog over TLS on loopback, and writes each message down as it understood it."""

import json
from pathlib import Path
from typing import Any

from tests.servers.certificates import CertificateAuthority
from tests.servers.processes import Daemon, answers_tls, free_port

_CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="64k" defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="{authority}" defaultNetstreamDriverCertFile="{certificate}"
  defaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="parsed" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
ruleset(name="all") {{ action(type="omfile" file="{folder}/messages" template="parsed" flushOnTXEnd="on") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
"""


class Rsyslog:
    """rsyslog's own daemon; ``messages`` are what it has parsed so far, by its names of the fields."""

    def __init__(self, folder: Path, authority: CertificateAuthority, configuration: str = _CONFIGURATION) -> None:
        """Its files lie in ``folder``; its certificate is for loopback, from ``authority``.

        ``configuration`` is filled in with the names that ``_CONFIGURATION`` has.
        """
        self.folder, self.port = folder, free_port()
        self._authority = authority
        issued = authority.issue()
        (folder / "rsyslog.conf").write_text(
            configuration.format(folder=folder, port=self.port, authority=authority.certificate,
                                  certificate=issued.certificate, key=issued.key)
        )  # fmt: skip
        self._daemon: Daemon | None = None

    def start(self) -> None:
        """Start, and wait until it greets in TLS."""
        argv: list[str | Path] = [
            "/usr/sbin/rsyslogd",
            "-n",
            "-f",
            self.folder / "rsyslog.conf",
            "-i",
            self.folder / "pid",
        ]
        self._daemon = Daemon(argv, log=self.folder / "log")
        context = self._authority.client_context()
        self._daemon.wait_until_ready(lambda: answers_tls(self.port, context))

    def stop(self) -> None:
        """End it; what it has taken is written."""
        if self._daemon is not None:
            self._daemon.stop()

    def messages(self) -> list[dict[str, Any]]:
        """Every message it has written down."""
        path = self.folder / "messages"
        written = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in written if line.endswith("\n")]

    def __enter__(self) -> "Rsyslog":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
