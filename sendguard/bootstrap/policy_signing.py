"""IT's work with the signed policy: write it, look at it, and make the codes that lift a rule once."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sendguard.audience.source import SourceFailed
from sendguard.bootstrap.once import WrongInput
from sendguard.files import write_whole
from sendguard.policy.lifting import digest_of
from sendguard.published.signing import KeyUnusable, PublicKey, SigningKey
from sendguard.remote.document import MOST_OCTETS, Document, open_document
from sendguard.settings.layers import Fault, Layer, Offer, resolve

READABLE = 0o644
"""A published policy is for everybody."""
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for a digit."""
GROUPS = 4
"""A code has so many groups of four letters: 80 bits, so that nobody finds one by its digest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be signed: ``serial`` None for one above every earlier one."""

    settings: Path
    organisation: str
    days: int
    serial: int | None = None


def sign_policy(wanted: Wanted, key_file: Path, out: Path, now: datetime) -> Document:
    """Sign the settings of a file as a policy, into ``out``. Raises WrongInput; then ``out`` is as it was."""
    try:
        key = SigningKey.load(key_file)
        before = _serial_in(out, key.public)
        serial = max(int(now.timestamp()), before + 1) if wanted.serial is None else wanted.serial
        if serial <= before:
            raise WrongInput(f"{out} bears the serial {before} already, and desktops only take a higher one.")
        settings = read_settings(wanted.settings)
        document = Document(wanted.organisation, serial, now, now + timedelta(days=wanted.days), settings)
        octets = document.signed(key)
        if len(octets) > MOST_OCTETS:
            raise WrongInput(f"The policy would have {len(octets)} octets; desktops take {MOST_OCTETS} at the most.")
        open_document(octets, [key.public], wanted.organisation)  # what no desktop would take is not written
        write_whole(out, octets, READABLE)
    except (KeyUnusable, SourceFailed) as error:
        raise WrongInput(str(error)) from error
    except OSError as error:
        raise WrongInput(f"{error.filename or out} cannot be read or written: {error.strerror}.") from error
    return document


def read_settings(path: Path) -> dict[str, object]:
    """The settings of a file, as far as a signed policy may hold them. Raises WrongInput that names every fault."""
    try:
        said = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"{path} is not JSON: {error}.") from error
    if not isinstance(said, dict):
        raise WrongInput(f"{path} is not a JSON object of settings.")
    said.pop("$schema", None)
    if faults := resolve([Offer(Layer.REMOTE, str(path), said)]).faults:
        raise WrongInput("\n".join([f"{path} is not a policy that can be signed:", *map(_line, faults)]))
    return said


def verify_policy(file: Path, keys: Sequence[str], organisation: str) -> Document:
    """Open a signed policy as a desktop would, whenever it holds. Raises WrongInput."""
    try:
        return open_document(file.read_bytes(), [PublicKey.read(line) for line in keys], organisation)
    except (KeyUnusable, SourceFailed) as error:
        raise WrongInput(f"{file}: {error}.") from error


def make_code() -> tuple[str, str]:
    """A new override code, to be told to somebody, and its digest, to stand in a rule."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GROUPS))
    code = "-".join(groups)
    return code, digest_of(code)


def _serial_in(path: Path, key: PublicKey) -> int:
    """The serial of the policy that is published there; 0 where there is none. Raises SourceFailed, OSError."""
    try:
        return open_document(path.read_bytes(), [key], "").serial
    except FileNotFoundError:
        return 0


def _line(fault: Fault) -> str:
    return f"  - {fault.name}: {fault.why}"
