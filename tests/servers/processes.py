"""Processes the tests start: each in a group of its own, waited for by condition, and gone when the test is over."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

LOOPBACK = "127.0.0.1"
# Below Linux's ephemeral range (32768 and up), so that no outgoing connection can take the port while its server
# is down between a stop and a start.
PORTS = range(20000, 32000)


class ServerFailed(Exception):
    """A server did not start or did not stop as it should; the message ends with what it logged."""


def wait_until(condition: Callable[[], Found], what: str, seconds: float = 10) -> Found:
    """Return the first truthy value of ``condition``, asked every 10 ms; TimeoutError names ``what`` never came."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s there is still no {what}")
        time.sleep(0.01)
    return found


def free_port() -> int:
    """Return a loopback port nothing listens on."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


def answers_with(port: int, greeting: bytes) -> bool:
    """Tell whether a server on ``port`` greets a client with these first bytes."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5) as client:
        return client.recv(512).startswith(greeting)
    return False


def answers_tls(port: int, context: ssl.SSLContext) -> bool:
    """Tell whether a server on ``port`` speaks TLS as ``context`` wants it."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5) as client:
        context.wrap_socket(client, server_hostname=LOOPBACK).close()
        return True
    return False


@contextlib.contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """Give a folder that other users may pass through; it is removed afterwards.

    Not under pytest's own temporary folder: nobody but its owner may enter that, and servers here run as others.
    The short path also keeps unix sockets within their 107 bytes.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"sendguard-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unprivileged_user() -> str:
    """Return whom a server that needs no rights runs as: oneself, or ``nobody`` when one is root."""
    return "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


class Daemon:
    """A process, with all its children, that lives until ``stop`` or until the test run dies."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        stdin: bytes = b"",
    ) -> None:
        """Start ``argv``, as ``user`` when that is not oneself, with both outputs appended to ``log``."""
        self.name = Path(argv[0]).name
        self.log = log
        log.touch()
        launcher: list[str | Path] = []
        if user is not None and user != pwd.getpwuid(os.getuid()).pw_name:
            entry = pwd.getpwnam(user)
            launcher += ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
            os.chown(log, entry.pw_uid, entry.pw_gid)
        # On its own and last: a change of user takes the death signal back.
        launcher += ["setpriv", "--pdeathsig", "TERM"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*launcher, *argv],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=env,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with self._process.stdin as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(stdin)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's as well."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the first process still runs; leaves its exit to be collected by ``stop``."""
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait_until_ready(self, condition: Callable[[], object], seconds: float = 15) -> None:
        """Wait for ``condition``; on a process that died or never got there, stop it and raise ServerFailed."""

        def ready_or_dead() -> object:
            return condition() or not self.is_running()

        try:
            wait_until(ready_or_dead, f"answer from {self.name}", seconds)
            dead = not self.is_running()
        except TimeoutError:
            dead = True
        if dead:
            self.stop()
            raise ServerFailed(f"{self.name} did not start (exit {self._process.returncode}):\n{self.log_tail()}")

    def stop(self, first: signal.Signals = signal.SIGTERM, seconds: float = 10) -> None:
        """End the process and what is left of its group: ``first`` to the process, SIGKILL to all after it."""
        if self._process.returncode is not None:
            return
        os.kill(self.pid, first)
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not self.is_running(), f"end of {self.name}", seconds)
        # The exit is not collected yet, so the group's number cannot have passed to anybody else.
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def kill(self) -> None:
        """End the process and its group as a crash would."""
        self.stop(first=signal.SIGKILL)

    def log_tail(self, lines: int = 30) -> str:
        """Return the end of what the process has logged."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
