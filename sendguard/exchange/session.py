"""A connection to one mailbox on an Exchange server. Used by one thread; ``hang_up`` alone is for the others."""

import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests
from exchangelib import DELEGATE, UTC, Build, Configuration, Version
from exchangelib import Account as Box
from exchangelib.protocol import Protocol
from exchangelib.transport import NOAUTH

from sendguard.exchange.errors import Strict, mapping_ews_errors
from sendguard.exchange.login import Authenticate, login_of
from sendguard.exchange.wire import Wire, proxies_to
from sendguard.guard.account import Account, ExchangeServer
from sendguard.guard.ports import Secrets
from sendguard.mailbox.errors import MailboxUnreachable

ANSWER_SECONDS = 20
"""For each answer; exchangelib would wait two minutes."""
CONNECT_SECONDS = 10
OLDEST = Version(build=Build(15, 0, 847, 32))
"""Exchange 2013 SP1: what every server since then understands. With a version given, exchangelib guesses nothing."""


class Session:
    """One connection of our own, not one of exchangelib's pool: that one can wait for ever, and hides what failed.

    ``box`` is exchangelib's account. Everything done with it stands in ``mapping_ews_errors``.
    """

    def __init__(self, server: ExchangeServer, address: str, login: Authenticate, wire: Wire) -> None:
        silence_exchangelib()
        self._wire = wire
        self._url = server.url
        configuration = Configuration(
            service_endpoint=server.url, auth_type=NOAUTH, version=OLDEST, retry_policy=Strict(), max_connections=1
        )
        with mapping_ews_errors():
            self.box = Box(address, config=configuration, access_type=DELEGATE, default_timezone=UTC, locale="en_US")
            self.box.protocol = self._line = _line(configuration, login, wire)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Never raises."""
        with suppress(Exception):
            self._line.close()
        self._wire.close()

    def hang_up(self) -> None:
        """From any thread: end whatever is waited for. The session cannot be used afterwards."""
        self._wire.hang_up()

    def post(self, envelope: bytes, *, timeout: float = ANSWER_SECONDS) -> requests.Response:
        """Send a SOAP envelope; the answer's body is still to be read, ``timeout`` seconds for each piece.

        Close it. Raises MailboxError.
        """
        with mapping_ews_errors():
            session = self._line.get_session()
            try:
                answer: requests.Response = session.post(
                    self._url, envelope, stream=True, timeout=(CONNECT_SECONDS, timeout), allow_redirects=False
                )
                self._line.retry_policy.raise_response_errors(answer)
            finally:
                self._line.release_session(session)
            return answer


def _line(configuration: Configuration, login: Authenticate, wire: Wire) -> Protocol:
    proxies = proxies_to(configuration.service_endpoint)

    class Line(Protocol):  # type: ignore[misc]
        TIMEOUT = ANSWER_SECONDS
        USERAGENT = "SendGuard"

        def create_session(self) -> Any:
            session = super().create_session()
            session.auth = login()
            session.trust_env, session.proxies = False, proxies  # requests would look them up twice for each call
            session.mount("http://", wire)
            session.mount("https://", wire)
            session.mount(self.service_endpoint, wire)
            return session

    # Past exchangelib's cache, which would hand out one connection to all our threads.
    return type.__call__(Line, config=configuration)


@dataclass(frozen=True)
class Mailboxes:
    """Opens sessions for one account. ``context`` verifies the server; None for the system's authorities."""

    account: Account
    secrets: Secrets
    context: ssl.SSLContext | None = None
    login: Callable[[Account, ExchangeServer, Secrets], Authenticate] = login_of

    def open(self) -> Session:
        """A new session. Nothing is asked of the server yet. Raises MailboxUnreachable, LoginRefused."""
        server = self.account.exchange
        if server is None:
            raise MailboxUnreachable("no_server")
        login = self.login(self.account, server, self.secrets)
        return Session(server, self.account.identities[0], login, Wire(self.context))


def silence_exchangelib() -> None:
    """exchangelib logs whole messages when something fails, and every request at DEBUG."""
    logging.getLogger("exchangelib").setLevel(logging.CRITICAL + 1)
