"""Logging in with the ticket a computer's own login brought. The libraries for it are no dependencies of SendGuard."""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sendguard.mailbox.errors import MailboxUnreachable

if TYPE_CHECKING:
    from requests.auth import AuthBase

_WINDOWS = (("requests_negotiate_sspi", "HttpNegotiateAuth"),)
_OTHERS = (("requests_gssapi", "HTTPSPNEGOAuth"), ("requests_kerberos", "HTTPKerberosAuth"))
"""Modules with the class in each that logs a connection in, the best first."""
LIBRARIES = _WINDOWS if sys.platform == "win32" else _OTHERS


def kerberos_here() -> bool:
    """Whether one of the libraries is installed. Imports none of them."""
    return any(find_spec(module) is not None for module, _ in LIBRARIES)


def kerberos_login() -> "AuthBase":
    """What logs a connection in with this computer's ticket. Raises MailboxUnreachable (``kerberos``) without one."""
    for module, name in LIBRARIES:
        try:
            made: AuthBase = getattr(import_module(module), name)()
        except (ImportError, OSError):  # not here, or the system's Kerberos is not
            continue
        return made
    raise MailboxUnreachable("kerberos")
