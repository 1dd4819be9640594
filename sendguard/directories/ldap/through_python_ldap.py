"""A session through python-ldap, where it is installed: libldap in C, so that a crawl takes about half as long."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from sendguard.directories.ldap.encryption import try_encryption
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

POLL = 0.5
"""Seconds after which waiting is interrupted, so that an interrupted program need not wait for the server."""
BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
"""Where systems keep their authorities in one file: libldap has no notion of a system's store."""


class PythonLdapSession:
    """See ``Session``."""

    def __init__(self, server: Server, login: Login | None, terms: Terms) -> None:
        import ldap
        from ldap.controls.libldap import SimplePagedResultsControl

        self._ldap: ModuleType = ldap
        self._page = SimplePagedResultsControl
        self._terms = terms
        self._references: list[str] = []
        if server.security is not Security.PLAIN:
            try_encryption(server, terms)
        scheme = "ldaps" if server.security is Security.TLS else "ldap"
        host = f"[{server.host}]" if ":" in server.host else server.host
        self._connection: Any = ldap.initialize(f"{scheme}://{host}:{server.port}")
        try:
            self._set_up(server)
            with self._mapping(connecting=True, tls=server.security is Security.TLS):
                if server.security is Security.STARTTLS:
                    self._start_tls()
                self._wait(self._connection.simple_bind(*((login.user, login.password) if login else ("", ""))))
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
        ldap = self._ldap
        depth = {Scope.BASE: ldap.SCOPE_BASE, Scope.ONE: ldap.SCOPE_ONELEVEL, Scope.SUBTREE: ldap.SCOPE_SUBTREE}[scope]
        cookie = b""
        while True:
            page = self._page(False, size=PAGE, cookie=cookie)
            with self._mapping():
                asked = self._connection.search_ext(
                    base, depth, wanted, list(attributes), serverctrls=[page], timeout=seconds or -1
                )
            while True:
                with self._mapping():
                    kind, found, controls = self._wait(asked)
                if kind == ldap.RES_SEARCH_RESULT:
                    break
                for dn, values in found:
                    if kind == ldap.RES_SEARCH_REFERENCE:
                        self._references += values
                    else:
                        yield Entry.of(dn.encode(), values.items())
            cookie = next((each.cookie for each in controls if each.controlType == page.controlType), b"")
            if not cookie:
                return

    def close(self) -> None:
        """See ``Session``."""
        with suppress(self._ldap.LDAPError):
            # Not through its wrapper: a Ctrl-C just as that took its lock would leave it waiting for ever.
            self._connection._l.unbind_ext()

    def _set_up(self, server: Server) -> None:
        ldap, connection = self._ldap, self._connection
        connection.protocol_version = ldap.VERSION3
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
        connection.set_option(ldap.OPT_SIZELIMIT, ldap.NO_LIMIT)
        connection.set_option(ldap.OPT_TIMELIMIT, ldap.NO_LIMIT)
        connection.set_option(ldap.OPT_NETWORK_TIMEOUT, self._terms.connect)
        connection.set_option(ldap.OPT_TIMEOUT, self._terms.answer)
        if server.security is Security.PLAIN:
            return
        bundle = self._terms.ca_file or next((each for each in BUNDLES if each.exists()), None)
        try:
            connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
            if bundle is not None:
                connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(bundle))
            connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        except (ldap.LDAPError, ValueError) as error:
            raise LdapFailed("the file of certificates to trust cannot be read") from error

    def _start_tls(self) -> None:
        try:
            self._connection.start_tls_s()
        except (self._ldap.PROTOCOL_ERROR, self._ldap.UNAVAILABLE, self._ldap.UNWILLING_TO_PERFORM) as error:
            raise LdapFailed(NO_TLS) from error

    def _wait(self, asked: int) -> tuple[int, list[tuple[Any, Any]], list[Any]]:
        """Wait for the next piece of the answer to ``asked``."""
        deadline = time.monotonic() + self._terms.answer
        while True:
            try:
                kind, found, _, controls = self._connection.result3(asked, all=0, timeout=POLL)
            except self._ldap.TIMEOUT:
                if time.monotonic() > deadline:
                    raise LdapFailed(SILENT) from None
            else:
                return kind, found or [], controls or []

    @contextmanager
    def _mapping(self, *, connecting: bool = False, tls: bool = False) -> Iterator[None]:
        """Turn what python-ldap raises into our errors."""
        try:
            yield
        except self._ldap.FILTER_ERROR as error:
            raise SearchRefused(FILTER_ERROR) from error
        except self._ldap.LDAPError as error:
            said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
            code = said.get("result", -1)
            if code >= 0 and not isinstance(error, self._ldap.CONNECT_ERROR):
                if code == 0:
                    raise LdapFailed(GARBLED) from error
                raise SearchRefused(code) from error
            raise LdapFailed(self._words(error, said, connecting, tls)) from error

    def _words(self, error: Exception, said: dict[str, Any], connecting: bool, tls: bool) -> str:
        ldap = self._ldap
        if "certificate" in str(said.get("info", "")).lower():
            return CERTIFICATE
        if isinstance(error, ldap.CONNECT_ERROR):
            return NO_TLS
        if isinstance(error, ldap.TIMEOUT | ldap.TIMELIMIT_EXCEEDED):
            return SILENT
        if isinstance(error, ldap.DECODING_ERROR | ldap.ENCODING_ERROR):
            return GARBLED
        if connecting:
            return NO_TLS if tls and "TLS" in str(said.get("info", "")) else UNREACHABLE
        return ENDED
