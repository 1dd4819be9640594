"""Marionette, the remote control of Mozilla's programs: numbered commands as JSON, each with its length before it."""

import json
import socket
from typing import Any

from tests.servers.processes import LOOPBACK


class Refused(Exception):
    """What a command came to: an error's name, and its words."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error


class Marionette:
    """One session in the program's own (chrome) context. For one thread."""

    def __init__(self, port: int, seconds: float) -> None:
        """Connect; ``seconds`` is how long an answer may take, and a script run."""
        self._socket = socket.create_connection((LOOPBACK, port), timeout=seconds)
        self._waiting = b""
        self._number = 0
        try:
            self._begin(seconds)
        except BaseException:
            self.close()
            raise

    def command(self, name: str, **parameters: object) -> Any:
        """Carry a command out; Refused when it fails."""
        self._number += 1
        octets = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(octets), octets))
        _, _, error, result = self._receive()
        if error is not None:
            raise Refused(str(error["error"]), str(error["message"]))
        return result

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of an async function, with ``args``; returns what it returns."""
        whole = (
            "const done = arguments[arguments.length - 1], args = [...arguments].slice(0, -1);"
            f"(async () => {{ {script} }})().then(value => done([true, value]), error => done([false, `${{error}}`]));"
        )
        answer = self.command(
            "WebDriver:ExecuteAsyncScript", script=whole, args=list(arguments), newSandbox=False, sandbox="system"
        )
        worked, value = answer["value"]
        if not worked:
            raise Refused("script", str(value))
        return value

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _begin(self, seconds: float) -> None:
        self._receive()
        # A dialog that is open is looked for by us, and keeps no other command from being carried out.
        self.command("WebDriver:NewSession", unhandledPromptBehavior="ignore")
        self.command("Marionette:SetContext", value="chrome")
        self.command("WebDriver:SetTimeouts", script=int(seconds * 1000))

    def _receive(self) -> Any:
        while b":" not in self._waiting:
            self._waiting += self._more()
        length, _, rest = self._waiting.partition(b":")
        while len(rest) < int(length):
            rest += self._more()
        self._waiting = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def _more(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise Refused("closed", "the program has ended")
        return piece
