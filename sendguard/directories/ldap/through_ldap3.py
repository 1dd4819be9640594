"""A session through ldap3, which is pure Python and runs everywhere."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ldap3 import ANONYMOUS, BASE, DEREF_NEVER, LEVEL, NONE, SIMPLE, SUBTREE, SYNC, Connection, Tls
from ldap3 import Server as Ldap3Server
from ldap3.core.exceptions import (
    LDAPAttributeError,
    LDAPExceptionError,
    LDAPInvalidDnError,
    LDAPInvalidFilterError,
    LDAPSocketOpenError,
    LDAPStartTLSError,
)

from sendguard.directories.ldap.encryption import trusting
from sendguard.directories.ldap.entry import Entry
from sendguard.directories.ldap.rule import Scope
from sendguard.directories.ldap.session import PAGE, LdapFailed, Login, SearchRefused, Server, Terms
from sendguard.directories.ldap.words import (
    CERTIFICATE,
    ENDED,
    FILTER_ERROR,
    GARBLED,
    NO_TLS,
    SILENT,
    UNREACHABLE,
    refused,
)
from sendguard.guard.account import Security

_PAGED = "1.2.840.113556.1.4.319"
_DEPTHS = {Scope.BASE: BASE, Scope.ONE: LEVEL, Scope.SUBTREE: SUBTREE}
_AT_ONCE = 32 * 1024
"""Octets of one read. ldap3 copies what it holds at each read and each message: fewer are slow for large entries, more
for small ones."""


class Ldap3Session:
    """See ``Session``."""

    def __init__(self, server: Server, login: Login | None, terms: Terms) -> None:
        self._references: list[str] = []
        self._tls = _Verifying(terms)
        asked = Ldap3Server(
            server.host,
            server.port,
            use_ssl=server.security is Security.TLS,
            tls=self._tls,
            get_info=NONE,
            connect_timeout=terms.connect,
        )
        with self._mapping():
            self._connection: Any = Connection(
                asked,
                login.user if login else None,
                login.password if login else None,
                authentication=SIMPLE if login else ANONYMOUS,
                client_strategy=SYNC,
                auto_referrals=False,
                check_names=False,
                raise_exceptions=False,
                return_empty_attributes=False,
                receive_timeout=terms.answer,
                fast_decoder=True,
            )
        self._connection.strategy.socket_size = _AT_ONCE
        self._connection.strategy.decode_response_fast = _octets_only(self._connection.strategy.decode_response_fast)
        try:
            with self._mapping(connecting=True):
                self._connection.open(read_server_info=False)
                if server.security is Security.STARTTLS:
                    self._connection.start_tls(read_server_info=False)
                self._connection.bind(read_server_info=False)
            self._check()
        except SearchRefused as error:
            self.close()
            raise refused(error.code) from None
        except BaseException:
            self.close()
            raise

    @property
    def references(self) -> Sequence[str]:
        """URLs of other servers."""
        return self._references

    def pages(
        self, base: str, scope: Scope, wanted: str, attributes: Sequence[str], seconds: int = 0
    ) -> Iterator[Entry]:
        """See ``Session``."""
        cookie = None
        while True:
            with self._mapping():
                self._connection.search(
                    base,
                    wanted,
                    _DEPTHS[scope],
                    dereference_aliases=DEREF_NEVER,
                    attributes=list(attributes),
                    time_limit=seconds,
                    paged_size=PAGE,
                    paged_cookie=cookie,
                )
                found, self._connection.response = self._connection.response or [], None
            for each in found:
                if each["type"] == "searchResEntry":
                    yield Entry.of(each["raw_dn"], each["raw_attributes"].items())
                elif each["type"] == "searchResRef":
                    self._references += each["uri"]
            self._check()
            controls = self._connection.result.get("controls") or {}
            cookie = controls.get(_PAGED, {}).get("value", {}).get("cookie")
            if not cookie:
                return

    def close(self) -> None:
        """See ``Session``."""
        held = self._connection.socket
        with suppress(LDAPExceptionError, OSError):
            self._connection.strategy.close()
        if held is not None:  # one that never got through it leaves open
            held.close()

    def _check(self) -> None:
        if code := int((self._connection.result or {}).get("result", 0)):
            raise SearchRefused(code)

    @contextmanager
    def _mapping(self, *, connecting: bool = False) -> Iterator[None]:
        """Turn what ldap3 raises into our errors."""
        try:
            yield
        except (LDAPInvalidFilterError, LDAPInvalidDnError, LDAPAttributeError) as error:
            raise SearchRefused(FILTER_ERROR) from error
        except (LDAPExceptionError, OSError) as error:
            raise LdapFailed(self._words(error, connecting)) from error
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise LdapFailed(GARBLED) from error  # answers its decoder stumbles over

    def _words(self, error: Exception, connecting: bool) -> str:
        if isinstance(self._tls.failure, ssl.SSLCertVerificationError):
            return CERTIFICATE
        if isinstance(error, TimeoutError) or isinstance(self._tls.failure, TimeoutError) or "timed out" in str(error):
            return UNREACHABLE if isinstance(error, LDAPSocketOpenError) and self._tls.failure is None else SILENT
        if self._tls.failure is not None or isinstance(error, LDAPStartTLSError):
            return NO_TLS
        return UNREACHABLE if connecting and isinstance(error, LDAPSocketOpenError) else ENDED


def _octets_only(decode: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Leave out what ldap3 does with each value beside keeping its octets: half of the time of a crawl."""

    def decoded(message: dict[str, Any]) -> dict[str, Any]:
        if message["protocolOp"] != _ENTRY:
            return decode(message)
        (*_, dn), (*_, listed) = message["payload"]
        parts = [(name[3].decode("ascii", "replace"), values[3]) for *_, (name, values) in listed]
        octets = {name: [each[3] for each in values] for name, values in parts}
        return {"type": "searchResEntry", "raw_dn": dn, "raw_attributes": octets, "attributes": {}}

    return decoded


_ENTRY = 4
"""RFC 4511 section 4.5.2: a SearchResultEntry."""


class _Verifying(Tls):  # type: ignore[misc]  # it comes without types
    """TLS whose certificates the standard library checks: names and addresses too, which ldap3 does by itself else."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self.failure: Exception | None = None
        self._context = trusting(terms)

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Secure the connection's socket; ``failure`` keeps what went wrong, for ldap3 changes its type."""
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=connection.server.host)
        except (OSError, ValueError) as error:
            self.failure = error
            raise
