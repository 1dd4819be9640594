"""Tries a server's encryption before libldap does: that spins for ever where a server falls silent in a handshake.

OpenLDAP's ITS#8650, with GnuTLS. The standard library keeps to its timeouts, and says what a certificate lacks.
"""

import socket
import ssl

from sendguard.directories.ldap.session import LdapFailed, Server, Terms
from sendguard.directories.ldap.words import CERTIFICATE, NO_TLS, SILENT, UNREACHABLE
from sendguard.guard.account import Security

_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
"""RFC 4511 section 4.14.1, as message 1."""
_SUCCESS = b"\x0a\x01\x00"


def trusting(terms: Terms) -> ssl.SSLContext:
    """TLS 1.2 or newer, verified by the system's authorities, or by those named. Raises LdapFailed."""
    try:
        context = ssl.create_default_context(cafile=terms.ca_file)
    except OSError as error:
        raise LdapFailed("the file of certificates to trust cannot be read") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def try_encryption(server: Server, terms: Terms) -> None:
    """Connect, secure the connection as the server's address wants it, and hang up. Raises LdapFailed."""
    context = trusting(terms)
    try:
        plain = socket.create_connection((server.host, server.port), timeout=terms.connect)
    except OSError as error:
        raise LdapFailed(UNREACHABLE) from error
    with plain:
        try:
            if server.security is Security.STARTTLS:
                _start_tls(plain)
            context.wrap_socket(plain, server_hostname=server.host).close()
        except ssl.SSLCertVerificationError as error:
            raise LdapFailed(CERTIFICATE) from error
        except TimeoutError as error:
            raise LdapFailed(SILENT) from error
        except OSError as error:
            raise LdapFailed(NO_TLS) from error


def _start_tls(plain: socket.socket) -> None:
    plain.sendall(_START_TLS)
    answer = plain.recv(4096)
    if _SUCCESS not in answer[:16]:
        raise LdapFailed(NO_TLS)
