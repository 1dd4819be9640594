"""Who SendGuard is to Microsoft, for accounts that do not say so themselves."""

from dataclasses import replace

from sendguard.guard.account import Account
from sendguard.settings.values import Values


def with_application(account: Account, values: Values) -> Account:
    """The account with the settings' application id and tenant where it has none of its own."""
    server = account.exchange
    if server is None:
        return account
    client_id, tenant = str(values["OAuthClientId"]), str(values["OAuthTenant"])
    known = replace(server, client_id=server.client_id or client_id, tenant=server.tenant or tenant)
    return replace(account, exchange=known)
