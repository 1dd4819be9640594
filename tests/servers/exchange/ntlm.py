"""NTLM as IIS has it: a login of the connection, in two steps, after which its requests need no header."""

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import spnego
from spnego.exceptions import SpnegoError

from tests.servers.exchange.site import Person

_LOCK = threading.Lock()


class Handshake:
    """One connection's login; the passwords are checked by pyspnego, which also is the clients' side of it."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        """``people`` are looked at anew for every step."""
        self._people = people
        self._context: spnego.ContextProxy | None = None

    def step(self, token: bytes) -> bytes | str | None:
        """Return the challenge to a first token; to a second one who it is, or None if that is wrong."""
        with self._passwords():
            try:
                if self._context is None or self._context.complete:
                    self._context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
                challenge = self._context.step(token)
            except (SpnegoError, ValueError):
                self._context = None
                return None
            return challenge if challenge else self._context.client_principal

    @contextmanager
    def _passwords(self) -> Iterator[None]:
        # pyspnego takes them from a file which a variable of the environment names, and from nowhere else.
        with _LOCK, tempfile.NamedTemporaryFile("w") as file:
            file.writelines(f":{each.address}:{each.password}\n" for each in list(self._people.values()))
            file.flush()
            os.environ["NTLM_USER_FILE"] = file.name
            try:
                yield
            finally:
                del os.environ["NTLM_USER_FILE"]
