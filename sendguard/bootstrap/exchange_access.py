"""What the account form needs of Exchange. The adapter is imported where it is wanted only, on worker threads."""

from collections.abc import Callable

from sendguard.bootstrap.application import with_application
from sendguard.desktop.services import ExchangeAccess, ServerFound, ServerSearch, SignedIn, SignIn
from sendguard.exchange.kerberos import kerberos_here
from sendguard.guard.account import Account
from sendguard.guard.ports import Secrets
from sendguard.mailbox.errors import LoginRefused, MailboxError
from sendguard.settings.values import Values
from sendguard.storage.secret import SessionSecrets


def exchange_access(secrets: Secrets, values: Callable[[], Values]) -> ExchangeAccess:
    """What the form can do with these secrets and the settings in force."""
    return ExchangeAccess(
        has_kerberos=kerberos_here(),
        find_server=lambda search: _find(search, secrets),
        sign_in=lambda sign_in: _sign_in(sign_in, with_application(sign_in.account, values()), secrets),
    )


def try_exchange(account: Account, password: str, secrets: Secrets, values: Values) -> str:
    """Log in to an account's Exchange server, with the kept password where none is given; a code, or nothing."""
    from sendguard.exchange.check import check_connection

    return check_connection(with_application(account, values), _typed_or_kept(account.name, password, secrets))


def _find(search: ServerSearch, secrets: Secrets) -> ServerFound:
    from sendguard.exchange.autodiscover import Found, find_server

    account = Account(search.account, (search.address,))
    known = _typed_or_kept(search.account, search.password, secrets)
    try:
        found = find_server(account, search.login, search.user, known, search.approved)
    except MailboxError as error:
        return ServerFound(trouble=_code(error))
    return ServerFound(url=found.url) if isinstance(found, Found) else ServerFound(hosts=found.hosts)


def _sign_in(sign_in: SignIn, account: Account, secrets: Secrets) -> SignedIn:
    from sendguard.exchange.tokens import Application, tokens_of

    if account.exchange is None:
        return SignedIn("ews_no_server")
    application = Application(account.exchange.client_id, account.exchange.tenant)
    tokens = tokens_of(secrets, account.name, application)  # type: ignore[arg-type]  # is hashable, by identity
    try:
        if sign_in.by_code:
            return SignedIn(lasting=tokens.sign_in_by_code(sign_in.show, sign_in.cancelled))
        user = account.exchange.user or account.identities[0]

        def show(page: str) -> None:
            sign_in.show(page, "")

        return SignedIn(lasting=tokens.sign_in(user, sign_in.words, show, sign_in.cancelled))
    except MailboxError as error:
        return SignedIn(_code(error))


def _typed_or_kept(account: str, password: str, secrets: Secrets) -> Secrets:
    return SessionSecrets(**{account: password}) if password else secrets


def _code(error: MailboxError) -> str:
    """A sign-in that was given up says so; a login that was refused says what a person has to do."""
    own = {"cancelled", "declined"}
    return f"ews_{error.code if isinstance(error, LoginRefused) and error.why not in own else error.why}"
