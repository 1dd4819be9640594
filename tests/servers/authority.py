"""A small OAuth authority, as Microsoft's looks to an application without a secret: authorisation code with PKCE,
device code, refresh tokens."""

import base64
import hashlib
import html
import http.server
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.certificates import ServerCertificate
from tests.servers.processes import LOOPBACK

CLIENT = "5e0d9a4d-0000-4000-8000-000000000001"
TENANT = "contoso.test"


@dataclass
class Grant:
    """Something that will be exchanged for tokens: a code, with what it is bound to."""

    user: str
    challenge: str = ""
    redirect: str = ""
    approved: bool | None = True
    nonce: str = ""


@dataclass
class Authority:
    """``https://127.0.0.1:port/``. ``user`` signs in wherever somebody is asked to; ``new_token`` makes the access
    tokens. ``asked`` are the kinds of grants asked for, one a request."""

    certificate: ServerCertificate
    user: str
    new_token: Callable[[], str] = lambda: secrets.token_urlsafe(900)
    declines: bool = False
    interval: int = 1
    asked: list[str] = field(default_factory=list)
    refresh_tokens: set[str] = field(default_factory=set)
    error: dict[str, str] = field(default_factory=dict)
    """What every request for a token is answered while it is not empty."""
    codes: dict[str, Grant] = field(default_factory=dict)
    devices: dict[str, Grant] = field(default_factory=dict)

    def __enter__(self) -> "Authority":
        """Serve."""
        self._listener = http.server.ThreadingHTTPServer((LOOPBACK, 0), type("Bound", (_Answers,), {"authority": self}))
        self._listener.handle_error = lambda *_: None  # type: ignore[method-assign]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        self._listener.socket = context.wrap_socket(
            self._listener.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), name="test authority")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Its address, with the slash an authority's ends with."""
        return f"https://{LOOPBACK}:{self._listener.server_address[1]}/"

    def approve(self, user_code: str, *, yes: bool = True) -> None:
        """Enter a code on the page, and let it in or not."""
        next(grant for grant in self.devices.values() if grant.challenge == user_code).approved = yes

    def forget(self) -> None:
        """Take every refresh token back."""
        self.refresh_tokens.clear()

    def openid(self) -> dict[str, Any]:
        """The authority's own description."""
        base = f"{self.url}{TENANT}/oauth2/v2.0"
        return {
            "issuer": f"{self.url}{TENANT}/v2.0",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "device_authorization_endpoint": f"{base}/devicecode",
        }

    def authorize(self, asked: dict[str, str]) -> dict[str, str]:
        """What the form brings to the application after the person has signed in."""
        if self.declines:
            return {"error": "access_denied", "error_description": "no", "state": asked["state"]}
        assert asked["client_id"] == CLIENT, asked
        assert asked["code_challenge_method"] == "S256", asked
        assert asked["response_mode"] == "form_post", asked
        code = secrets.token_urlsafe(24)
        nonce = asked.get("nonce", "")
        self.codes[code] = Grant(self.user, asked["code_challenge"], asked["redirect_uri"], nonce=nonce)
        return {"code": code, "state": asked["state"]}

    def device(self) -> dict[str, Any]:
        """A new code for a person to enter."""
        device, user = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
        self.devices[device] = Grant(self.user, user, approved=None)
        where = f"{self.url}device"
        return {
            "device_code": device,
            "user_code": user,
            "verification_uri": where,
            "expires_in": 900,
            "interval": self.interval,
        }

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        """Exchange a grant for tokens (RFC 6749 §5)."""
        self.asked.append(asked["grant_type"])
        if self.error:
            return self.error
        match asked["grant_type"]:
            case "authorization_code":
                grant = self.codes.pop(asked["code"])
                digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
                if _base64(digest) != grant.challenge or asked["redirect_uri"] != grant.redirect:
                    return {"error": "invalid_grant"}
                return self._tokens(grant.nonce)
            case "refresh_token":
                if asked["refresh_token"] not in self.refresh_tokens:
                    return {"error": "invalid_grant", "error_description": "AADSTS700082"}
                return self._tokens()
            case _:
                approved = self.devices[asked["device_code"]].approved
                if approved is None:
                    return {"error": "authorization_pending"}
                return self._tokens() if approved else {"error": "authorization_declined"}

    def _tokens(self, nonce: str = "") -> dict[str, Any]:
        refresh = secrets.token_urlsafe(900)
        self.refresh_tokens.add(refresh)
        now = int(time.time())
        claims = {
            "aud": CLIENT,
            "iss": f"{self.url}{TENANT}/v2.0",
            "iat": now,
            "exp": now + 3600,
            "sub": "1",
            "oid": "1",
            "tid": "2",
            "preferred_username": self.user,
            "nonce": nonce,
        }
        return {
            "token_type": "Bearer",
            "scope": "https://outlook.office365.com/EWS.AccessAsUser.All",
            "expires_in": 3600,
            "access_token": self.new_token(),
            "refresh_token": refresh,
            "id_token": ".".join((_base64(b'{"alg":"none"}'), _base64(json.dumps(claims).encode()), "")),
            "client_info": _base64(b'{"uid":"1","utid":"2"}'),
        }


class _Answers(http.server.BaseHTTPRequestHandler):
    authority: Authority
    timeout = 20

    def do_GET(self) -> None:
        """The description, and the page a person signs in on: its form is sent by a script at once."""
        parts = urlsplit(self.path)
        if parts.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            self._say(200, json.dumps(self.authority.openid()))
        elif parts.path == f"/{TENANT}/oauth2/v2.0/authorize":
            asked = _plain(parts.query)
            fields = "".join(
                f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
                for name, value in self.authority.authorize(asked).items()
            )
            self._say(200, f'<form method="post" action="{html.escape(asked["redirect_uri"])}">{fields}</form>')
        else:
            self._say(400, '{"error": "invalid_tenant"}')

    def do_POST(self) -> None:
        """A device code, or tokens."""
        asked = _plain(self.rfile.read(int(self.headers["Content-Length"])).decode())
        answer = self.authority.device() if self.path.endswith("/devicecode") else self.authority.token(asked)
        self._say(400 if "error" in answer else 200, json.dumps(answer))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if text.startswith("<") else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _plain(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
