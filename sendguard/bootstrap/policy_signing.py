"""IT's work with the signed policy: write it, change it in an emergency, look at it; and codes that lift a rule."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sendguard.audience.source import SourceFailed
from sendguard.bootstrap.once import WrongInput, sentences
from sendguard.files import write_whole
from sendguard.policy.lifting import digest_of
from sendguard.published.signing import KeyUnusable, PublicKey, SigningKey
from sendguard.remote.document import MOST_OCTETS, Document, open_document
from sendguard.settings.layers import Layer, Offer, resolve

READABLE = 0o644
"""A published policy is for everybody."""
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for a digit."""
GROUPS = 4
"""A code has so many groups of four letters: 80 bits, so that nobody finds one by its digest."""

Settings = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is signed with: ``organisation`` empty for that of the policy there is, ``serial`` None for a higher one."""

    key: Path
    organisation: str
    days: int
    serial: int | None = None


def sign_policy(settings: Path, wanted: Wanted, out: Path, now: datetime) -> Document:
    """Sign the settings of a file as a policy, into ``out``. Raises WrongInput; then ``out`` is as it was."""
    return _signed(lambda before: read_settings(settings), wanted, out, now)


def block(rule: str, wanted: Wanted, out: Path, now: datetime, *, name: str = "BlockedLists") -> Document:
    """Add a rule to the policy in ``out``, in place of one about the same list. Raises WrongInput."""
    pattern = _pattern(rule)

    def change(before: Settings) -> Settings:
        return {**before, name: [*_others(before, name, pattern), rule]}

    return _signed(change, wanted, out, now)


def unblock(pattern: str, wanted: Wanted, out: Path, now: datetime) -> Document:
    """Take every rule about a list or conversation out of the policy in ``out``. Raises WrongInput."""
    names = ("BlockedLists", "BlockedThreads")

    def change(before: Settings) -> Settings:
        kept = {name: _others(before, name, _pattern(pattern)) for name in names if name in before}
        if all(kept[name] == before[name] for name in kept):
            raise WrongInput(f"{out} blocks nothing of this name: {pattern}")
        return {**before, **kept}

    return _signed(change, wanted, out, now)


def read_settings(path: Path) -> Settings:
    """The settings of a file. Raises WrongInput, OSError."""
    try:
        said = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"{path} is not JSON: {error}.") from error
    if not isinstance(said, dict):
        raise WrongInput(f"{path} is not a JSON object of settings.")
    return {name: value for name, value in said.items() if name != "$schema"}


def verify_policy(file: Path, keys: Sequence[str], organisation: str) -> Document:
    """Open a signed policy as a desktop would, whenever it holds. Raises WrongInput."""
    with _in_words(file):
        return open_document(file.read_bytes(), [PublicKey.read(line) for line in keys], organisation)


def make_code() -> tuple[str, str]:
    """A new override code, to be told to somebody, and its digest, to stand in a rule."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GROUPS))
    code = "-".join(groups)
    return code, digest_of(code)


def _signed(change: Callable[[Settings], Settings], wanted: Wanted, out: Path, now: datetime) -> Document:
    with _in_words(out):
        key = SigningKey.load(wanted.key)
        before = _published(out, key.public)
        settings = change(before.settings if before else {})
        document = Document(
            wanted.organisation or (before.organisation if before else ""),
            _serial(wanted.serial, before.serial if before else 0, out, now),
            now,
            now + timedelta(days=wanted.days),
            settings,
        )
        _check(settings, out)
        if not document.organisation:
            raise WrongInput("Say whose policy it is with --organisation.")
        octets = document.signed(key)
        if len(octets) > MOST_OCTETS:
            raise WrongInput(f"The policy would have {len(octets)} octets; desktops take {MOST_OCTETS} at the most.")
        write_whole(out, octets, READABLE)
        return document


def _serial(wanted: int | None, before: int, out: Path, now: datetime) -> int:
    """The seconds since 1970 rise by themselves, whoever signs; but for two policies of one second."""
    serial = max(int(now.timestamp()), before + 1) if wanted is None else wanted
    if serial <= before:
        raise WrongInput(f"{out} bears the serial {before} already, and desktops only take a higher one.")
    return serial


def _published(out: Path, key: PublicKey) -> Document | None:
    """The policy that is published there. Raises SourceFailed for one that is not signed with the key, OSError."""
    try:
        return open_document(out.read_bytes(), [key], "")
    except FileNotFoundError:
        return None


def _check(settings: Settings, source: Path) -> None:
    """Raises WrongInput that names every setting a desktop would not take from a signed policy."""
    if faults := resolve([Offer(Layer.REMOTE, str(source), settings)]).faults:
        lines = (f"  - {sentences().settings_fault(fault)}" for fault in faults)
        raise WrongInput("\n".join(["This is not a policy that can be signed:", *lines]))


def _others(before: Settings, name: str, pattern: str) -> list[str]:
    lines = before.get(name, [])
    return [line for line in lines if _pattern(line) != pattern] if isinstance(lines, list) else []


def _pattern(rule: str) -> str:
    return rule.partition("|")[0].strip().strip("<>").casefold()


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except KeyUnusable as error:
        raise WrongInput(str(error)) from error
    except SourceFailed as error:
        raise WrongInput(f"{file}: {error}.") from error
    except OSError as error:
        raise WrongInput(f"{error.filename or file} cannot be read or written: {error.strerror}.") from error
