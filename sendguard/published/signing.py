"""Ed25519: keys in files, and octets that say who vouches for them before anybody reads them.

A signed file is one line with the signature, and then what is signed (the *payload*), octet by octet:

    SendGuard-Signature-1 <key id> <signature, base64>

What is signed is the *context*, a zero octet and the payload, so that a signature on one kind of thing is worth
nothing on another.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendguard.audience.source import SourceFailed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MARK = b"SendGuard-Signature-1"
LINE = 256
"""More octets than any signature line has."""


class KeyUnusable(Exception):
    """A key could not be made, read or understood; the message says why and what to do, and holds no key."""


class SignatureRefused(SourceFailed):
    """Nobody we trust vouches for these octets."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whose signatures are accepted. As text, ``<key id>:<base64>`` on one line: for a setting, or to be read out."""

    octets: bytes

    @property
    def id(self) -> str:
        """What names the key among others: 16 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self.octets).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.id}:{base64.b64encode(self.octets).decode('ascii')}"

    @classmethod
    def read(cls, line: str) -> "PublicKey":
        """A key from its line; the id may be missing, and is checked where it is not. Raises KeyUnusable."""
        named, _, text = line.strip().rpartition(":")
        try:
            key = cls(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            key = cls(b"")
        if len(key.octets) != 32:
            raise KeyUnusable(
                "This is not a public key: it should be one line of 44 letters and digits, or 61 with id."
            )
        if named not in ("", key.id):
            raise KeyUnusable("This public key was changed on its way: it does not fit the id before it.")
        return key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs."""

    private: "Ed25519PrivateKey"

    @property
    def public(self) -> PublicKey:
        """The key by which the signatures are known."""
        return PublicKey(self.private.public_key().public_bytes_raw())

    @classmethod
    def make(cls, path: Path) -> "SigningKey":
        """Make a key and write it to a new file (PEM, PKCS #8) only this user may read. Raises KeyUnusable.

        On Windows the file has the rights of its folder.
        """
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise KeyUnusable(
                f"{path} is there already, and a key is never overwritten. Choose another name."
            ) from None
        except OSError as error:
            raise KeyUnusable(f"{path} cannot be written: {error.strerror}.") from error
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a key's file. Raises KeyUnusable."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise KeyUnusable(f"{path} cannot be read: {error.strerror}.") from error
        except TypeError:
            raise KeyUnusable(f"{path} is protected by a passphrase; SendGuard cannot ask for it.") from None
        except (ValueError, UnsupportedAlgorithm):
            raise KeyUnusable(
                f"{path} is not a private key (PEM). Make one with “sendguard directory keygen”."
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(f"{path} is not an Ed25519 key. Make one with “sendguard directory keygen”.")
        return cls(key)

    def sign(self, context: str, payload: bytes) -> bytes:
        """The signed file."""
        signature = self.private.sign(_signed(context, payload))
        return b"%s %s %s\n%s" % (MARK, self.public.id.encode("ascii"), base64.b64encode(signature), payload)


def verified(octets: bytes, context: str, keys: Iterable[PublicKey]) -> bytes:
    """The payload of a signed file, once one of the keys vouches for it in this context. Raises SignatureRefused."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    line, end, payload = octets.partition(b"\n") if b"\n" in octets[:LINE] else (b"", b"", b"")
    parts = line.split(b" ")
    if not end or len(parts) != 3 or parts[0] != MARK:
        raise SignatureRefused("it is not signed")
    named = [key for key in keys if key.id.encode("ascii") == parts[1]]
    if not named:
        raise SignatureRefused("it is signed with a key that this computer was not told to trust")
    try:
        signature = base64.b64decode(parts[2], validate=True)
        Ed25519PublicKey.from_public_bytes(named[0].octets).verify(signature, _signed(context, payload))
    except (InvalidSignature, ValueError):
        raise SignatureRefused("its signature is wrong: it was changed after it had been signed") from None
    return payload


def _signed(context: str, payload: bytes) -> bytes:
    if not context or "\0" in context:
        raise ValueError(context)
    return context.encode("ascii") + b"\0" + payload
