"""Access tokens for Exchange by OAuth: a person signs in once, after that they are renewed without a word.

msal is imported when a token is first wanted, and never on the main thread.
"""

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests

from sendguard.exchange.errors import mapping_ews_errors
from sendguard.exchange.kept import Kept
from sendguard.exchange.redirect import Redirect
from sendguard.exchange.wire import Wire
from sendguard.guard.ports import Secrets
from sendguard.mailbox.errors import AccessRefused, LoginRefused, MailboxUnreachable

SCOPES = ["https://outlook.office365.com/EWS.AccessAsUser.All"]
"""What a person lets SendGuard do: EWS as that person (Microsoft, "Authenticate an EWS application by using OAuth")."""
AUTHORITY = "https://login.microsoftonline.com/"
ANY_TENANT = "organizations"
ANSWER_SECONDS = 20
SIGN_IN_SECONDS = 300
"""How long a browser is waited for; a code has a time of its own (Microsoft's 15 minutes)."""
KEEP_ANEW_SECONDS = 86_400
"""Each renewal brings a new refresh token, and the one before stays good for 90 days (Microsoft, "Refresh tokens in
the Microsoft identity platform"): writing one a day to the keyring is enough."""
_SILENT = logging.CRITICAL + 1


@dataclass(frozen=True, slots=True)
class Application:
    """Who SendGuard is to Microsoft: an application's id, and the tenant people sign in to (empty for theirs)."""

    client_id: str
    tenant: str = ""
    authority: str = AUTHORITY


class SignInNeeded(LoginRefused):
    """Nobody has signed in, or it holds no longer."""

    code = "sign_in"


class Tokens:
    """The tokens of one account; any thread. ``context`` verifies the servers; None for the system's authorities."""

    def __init__(self, application: Application, kept: Kept, context: ssl.SSLContext | None = None) -> None:
        self._application, self._kept, self._context = application, kept, context
        self._lock = threading.Lock()
        self._client: Any = None
        self._keep_at = 0.0
        """When what is kept is to be kept anew, on the monotonic clock."""

    def __call__(self, fresh: bool) -> str:
        """An access token, renewed where it has to be or is to be. Raises SignInNeeded, AccessRefused or
        MailboxUnreachable."""
        with self._lock:
            if self._client is None:
                self._client = self._new_client(self._kept.load())
            client = self._client
            accounts = client.get_accounts()
            if not accounts:
                raise SignInNeeded("no_tokens")
            with mapping_ews_errors():
                answer = client.acquire_token_silent_with_error(SCOPES, accounts[0], force_refresh=fresh)
            token = _token(answer)
            if time.monotonic() >= self._keep_at:
                self._keep()
            return token

    def sign_in(self, address: str, words: str, show: Callable[[str], object], cancelled: Callable[[], bool]) -> bool:
        """Let a person sign in on Microsoft's page: ``show`` opens it in the browser. Authorisation code with PKCE.

        ``words`` are shown in the browser afterwards. False when only this session knows the tokens. Raises
        LoginRefused (``cancelled``, ``declined``), AccessRefused or MailboxUnreachable.
        """
        client = self._new_client("")
        with Redirect(words) as redirect, mapping_ews_errors():
            flow = client.initiate_auth_code_flow(
                SCOPES, redirect_uri=redirect.url, login_hint=address, response_mode="form_post"
            )
            redirect.state = flow["state"]
            show(flow["auth_uri"])
            answer = redirect.wait(cancelled, SIGN_IN_SECONDS)
            if answer is None:
                raise LoginRefused("cancelled")
            return self._signed_in(client, client.acquire_token_by_auth_code_flow(flow, answer))

    def sign_in_by_code(self, show: Callable[[str, str], object], cancelled: Callable[[], bool]) -> bool:
        """Let a person sign in on any device: ``show`` is told the page's address and the code to enter there
        (RFC 8628). Otherwise as ``sign_in``."""
        client = self._new_client("")
        with mapping_ews_errors():
            flow = client.initiate_device_flow(SCOPES)
            if "user_code" not in flow:
                _token(flow)
            show(flow["verification_uri"], flow["user_code"])

            def is_over(flow: dict[str, Any]) -> bool:
                return cancelled() or bool(flow["expires_at"] < time.time())

            answer = client.acquire_token_by_device_flow(flow, exit_condition=is_over)
            if cancelled() or answer.get("error") == "authorization_pending":
                raise LoginRefused("cancelled")
            return self._signed_in(client, answer)

    def _signed_in(self, client: Any, answer: dict[str, Any]) -> bool:
        _token(answer)
        with self._lock:  # not before: whoever wants a token meanwhile waits for no person
            self._client = client
            return self._keep()

    def _new_client(self, kept: str) -> Any:
        """What speaks to the authority, and knows what was kept."""
        if not self._application.client_id:
            raise AccessRefused("client_id")
        from msal import PublicClientApplication, SerializableTokenCache

        logging.getLogger("msal").setLevel(_SILENT)  # it logs what servers say
        tokens = SerializableTokenCache()
        if kept:
            tokens.deserialize(kept)
        with mapping_ews_errors():
            try:
                return PublicClientApplication(
                    self._application.client_id,
                    authority=self._application.authority + (self._application.tenant or ANY_TENANT),
                    token_cache=tokens,
                    http_client=_Http(self._context),
                    **({} if self._application.authority == AUTHORITY else {"instance_discovery": False}),
                )
            except ValueError as error:  # msal's word for a tenant nobody knows
                raise MailboxUnreachable("tenant") from error

    def _keep(self) -> bool:
        """What a renewal needs, and no more: access tokens are good for an hour, and a keyring takes little."""
        whole = json.loads(self._client.token_cache.serialize())
        kept = {name: whole[name] for name in ("RefreshToken", "Account", "AppMetadata") if name in whole}
        self._keep_at = time.monotonic() + KEEP_ANEW_SECONDS
        return self._kept.save(json.dumps(kept, separators=(",", ":")))


@cache
def tokens_of(secrets: Secrets, account: str, application: Application) -> Tokens:
    """The tokens of an account: all its connections share them, so that each hour asks for one."""
    return Tokens(application, Kept(secrets, account))


def _token(answer: dict[str, Any] | None) -> str:
    """The access token of an answer, or the error it stands for (RFC 6749 §5.2, RFC 8628 §3.5)."""
    if answer is None:
        raise SignInNeeded("no_tokens")
    if "access_token" in answer:
        return str(answer["access_token"])
    match answer.get("error"):
        case "invalid_grant" | "interaction_required" | "login_required":
            consent = answer.get("suberror") == "consent_required"
            raise AccessRefused("consent") if consent else SignInNeeded("sign_in")
        case "access_denied" | "authorization_declined":
            raise LoginRefused("declined")
        case "expired_token" | "code_expired":
            raise LoginRefused("cancelled")
        case _:
            raise AccessRefused("application")


class _Http(requests.Session):
    """HTTP for msal: verified by our own context, with a time limit, and nothing but https."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self.adapters.clear()
        self.mount("https://", Wire(context))
        self.headers["Connection"] = "close"  # the next token is wanted in an hour

    def request(self, *arguments: Any, **keywords: Any) -> requests.Response:
        """Ask, and wait at most ``ANSWER_SECONDS`` for each piece of the answer."""
        keywords.setdefault("timeout", ANSWER_SECONDS)
        return super().request(*arguments, **keywords)
