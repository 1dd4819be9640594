"""How a person is logged in to an Exchange server: what goes into each request."""

from collections.abc import Callable

from requests.auth import AuthBase, HTTPBasicAuth

from sendguard.exchange.kerberos import kerberos_login
from sendguard.guard.account import Account, ExchangeServer, Login
from sendguard.guard.ports import Secrets
from sendguard.mailbox.errors import MailboxUnreachable

SERVICE = "exchange"
"""The name of the secret (``guard.ports.Secrets``)."""

Authenticate = Callable[[], AuthBase]
"""Makes what logs one connection in. Raises MailboxUnreachable (``no_password``, ``kerberos``), LoginRefused."""


def login_of(account: Account, server: ExchangeServer, secrets: Secrets) -> Authenticate:
    """How this account is logged in to its server; the secret is looked up anew for each connection."""

    def password() -> str:
        found = secrets.get(account.name, SERVICE)
        if not found:  # with an empty one Windows would log in as whoever sits there
            raise MailboxUnreachable("no_password")
        return found

    user = server.user or account.identities[0]
    match server.login:
        case Login.BASIC:
            return lambda: HTTPBasicAuth(user.encode(), password().encode())  # RFC 7617 §2.1: UTF-8
        case Login.NTLM:
            return lambda: _ntlm(user, password())
        case Login.KERBEROS:
            return kerberos_login
        case Login.OAUTH:
            return lambda: _bearer(account, server, secrets)


def _ntlm(user: str, password: str) -> AuthBase:
    """``user`` is ``DOMAIN\\name``, or an address as Active Directory knows it (a UPN)."""
    from requests_ntlm import HttpNtlmAuth

    made: AuthBase = HttpNtlmAuth(user, password)
    return made


def _bearer(account: Account, server: ExchangeServer, secrets: Secrets) -> AuthBase:
    from sendguard.exchange.oauth import Bearer
    from sendguard.exchange.tokens import Application, tokens_of

    application = Application(server.client_id, server.tenant)
    return Bearer(tokens_of(secrets, account.name, application))  # type: ignore[arg-type]  # is hashable, by identity
