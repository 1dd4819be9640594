"""How a person is logged in to an Exchange server: what goes into each request."""

from collections.abc import Callable

from requests.auth import AuthBase, HTTPBasicAuth

from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.ports import Secrets
from sendguard.mailbox.errors import MailboxUnreachable

SERVICE = "exchange"
"""The name of the secret (``guard.ports.Secrets``)."""

Authenticate = Callable[[], AuthBase]
"""Makes what logs one connection in. Raises MailboxUnreachable (``no_password``), LoginRefused."""


def login_of(account: Account, server: ExchangeServer, secrets: Secrets) -> Authenticate:
    """How this account is logged in to its server; the secret is looked up anew for each connection."""

    def password() -> str:
        found = secrets.get(account.name, SERVICE)
        if found is None:
            raise MailboxUnreachable("no_password")
        return found

    user = server.user or account.identities[0]
    return lambda: authentication(server.login, user, password)


def authentication(login: Login, user: str, password: Callable[[], str]) -> AuthBase:
    """What logs a connection in."""
    match login:
        case Login.BASIC:
            return HTTPBasicAuth(user.encode(), password().encode())
        case Login.NTLM:
            from requests_ntlm import HttpNtlmAuth

            return HttpNtlmAuth(user, password())
        case _:
            raise MailboxUnreachable("login_kind")
