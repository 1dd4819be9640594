"""A certificate authority that lives for one test run."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class ServerCertificate:
    """Two PEM files: a certificate and its key."""

    certificate: Path
    key: Path


class CertificateAuthority:
    """Issues server certificates for loopback; ``certificate`` is what a client has to trust."""

    def __init__(self, folder: Path, name: str = "SendGuard test authority") -> None:
        """Make the authority; its files, and those of what it issues, lie in ``folder``."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = folder / "authority.pem"
        self._write(builder, self.certificate)

    def client_context(self) -> ssl.SSLContext:
        """Return a context that verifies, and trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.certificate)
        return context

    def issue(self, *names: str, days: int = 1) -> ServerCertificate:
        """Issue a certificate for host names or addresses (loopback by default); ``days`` < 0 has expired."""
        names = names or ("localhost", "127.0.0.1")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        builder = self._builder(subject, key.public_key(), days)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        stem = f"{names[0]}-{x509.random_serial_number():x}"[:40]
        issued = ServerCertificate(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        self._write(builder, issued.certificate)
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return issued

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int = 1
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=30))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _write(self, builder: x509.CertificateBuilder, path: Path) -> None:
        certificate = builder.sign(self._key, hashes.SHA256())
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
