"""Which library a directory is read through. None is imported before it is used: a desktop needs neither."""

from collections.abc import Callable
from importlib.util import find_spec

from sendguard.directories.ldap.session import Login, Server, Session, Terms

Connect = Callable[[Server, Login | None, Terms], Session]


def connect(server: Server, login: Login | None, terms: Terms) -> Session:
    """Open a session through python-ldap where it is installed, through ldap3 elsewhere. Raises LdapFailed."""
    through = through_python_ldap if find_spec("_ldap") is not None else through_ldap3
    return through(server, login, terms)


def through_python_ldap(server: Server, login: Login | None, terms: Terms) -> Session:
    """Open a session through python-ldap. Raises LdapFailed, and ImportError where it is not installed."""
    from sendguard.directories.ldap.through_python_ldap import PythonLdapSession

    return PythonLdapSession(server, login, terms)


def through_ldap3(server: Server, login: Login | None, terms: Terms) -> Session:
    """Open a session through ldap3. Raises LdapFailed."""
    from sendguard.directories.ldap.through_ldap3 import Ldap3Session

    return Ldap3Session(server, login, terms)
