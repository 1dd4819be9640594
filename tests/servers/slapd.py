"""A private OpenLDAP server: plain LDAP with StartTLS on one port, LDAP over TLS on another."""

import contextlib
import socket
import subprocess
from pathlib import Path

from tests.servers.certificates import ServerCertificate
from tests.servers.processes import LOOPBACK, Daemon, free_port

SUFFIX = "dc=example,dc=test"
ADMIN = f"cn=admin,{SUFFIX}"
READER = f"cn=reader,{SUFFIX}"
PASSWORD = "pass word"

TOP = f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {PASSWORD}

"""
"""The first entries of every database: its base, and an account that may read."""

_SCHEMAS = ("core", "cosine", "nis", "inetorgperson", "misc", "dyngroup", "namedobject")

# Attributes and classes by the names they have in Active Directory and Netscape's servers; the numbers are our own.
_FOREIGN_SCHEMA = r"""
attributetype ( 1.3.6.1.4.1.4203.666.99.1 NAME 'proxyAddresses' EQUALITY caseExactMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.99.2 NAME 'hideDLMembership' EQUALITY booleanMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.99.3 NAME 'msExchDynamicDLFilter' EQUALITY caseExactMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.99.4 NAME 'msExchDynamicDLBaseDN' EQUALITY distinguishedNameMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.99.5 NAME 'mgrpRFC822MailMember' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.3.6.1.4.1.4203.666.99.11 NAME 'group' SUP top STRUCTURAL MUST cn
  MAY ( member $ mail $ proxyAddresses $ hideDLMembership ) )
objectclass ( 1.3.6.1.4.1.4203.666.99.12 NAME 'msExchDynamicDistributionList' SUP top STRUCTURAL MUST cn
  MAY ( mail $ proxyAddresses $ msExchDynamicDLFilter $ msExchDynamicDLBaseDN ) )
objectclass ( 1.3.6.1.4.1.4203.666.99.13 NAME 'inetMailGroup' SUP top AUXILIARY
  MAY ( mail $ mgrpRFC822MailMember ) )
"""

_CONFIGURATION = """
{schemas}
include {folder}/foreign.schema
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload dynlist
moduleload memberof
sizelimit unlimited
{tls}
{before}
database mdb
suffix {suffix}
rootdn {admin}
rootpw "{password}"
directory {folder}/database
maxsize 4294967296
index objectClass eq
index mail pres,eq
{extra}
"""

_TLS = """
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient never
"""


class Slapd:
    """LDAP on ``port``, and on ``tls_port`` with a certificate, which also turns StartTLS on."""

    def __init__(
        self,
        folder: Path,
        ldif: Path | str,
        *,
        certificate: ServerCertificate | None = None,
        before: str = "",
        extra: str = "",
    ) -> None:
        """Load ``ldif``, a file or its text, which has to begin with ``TOP``.

        ``before`` and ``extra`` are more lines of slapd.conf, for the whole server and for the database.
        """
        self.folder = folder
        self.port = free_port()
        self.tls_port = free_port() if certificate else 0
        self._daemon: Daemon | None = None
        (folder / "database").mkdir()
        (folder / "foreign.schema").write_text(_FOREIGN_SCHEMA)
        (folder / "slapd.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                schemas="\n".join(f"include /etc/ldap/schema/{name}.schema" for name in _SCHEMAS),
                suffix=SUFFIX,
                admin=ADMIN,
                password=PASSWORD,
                tls=_TLS.format(certificate=certificate.certificate, key=certificate.key) if certificate else "",
                before=before,
                extra=extra,
            )
        )
        if isinstance(ldif, str):
            (folder / "load.ldif").write_text(ldif)
            ldif = folder / "load.ldif"
        loaded = subprocess.run(
            ["/usr/sbin/slapadd", "-q", "-f", folder / "slapd.conf", "-l", ldif],
            capture_output=True,
            text=True,
        )
        assert loaded.returncode == 0, loaded.stderr[-2000:]

    @property
    def url(self) -> str:
        """The plain address."""
        return f"ldap://{LOOPBACK}:{self.port}"

    @property
    def tls_url(self) -> str:
        """The encrypted address."""
        return f"ldaps://{LOOPBACK}:{self.tls_port}"

    def start(self) -> None:
        """Start, and return when it listens."""
        assert self._daemon is None, "it runs already"
        urls = f"{self.url}/ {self.tls_url}/" if self.tls_port else f"{self.url}/"
        command = ["/usr/sbin/slapd", "-d", "0", "-f", str(self.folder / "slapd.conf"), "-h", urls]
        self._daemon = Daemon(command, log=self.folder / "slapd.log")
        self._daemon.wait_until_ready(self._listens)

    def stop(self) -> None:
        """Stop, and close every connection."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def __enter__(self) -> "Slapd":
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=5):
            return True
        return False
