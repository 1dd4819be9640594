"""Signatures: whoever has no key can change nothing, and what was signed for one thing is worth nothing for another."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sendguard.published.signing import KeyUnusable, PublicKey, SignatureRefused, SigningKey, verified


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.make(tmp_path / "key.pem")


@pytest.fixture
def other(tmp_path: Path) -> SigningKey:
    return SigningKey.make(tmp_path / "other.pem")


def test_what_was_signed_comes_out_as_it_went_in(key: SigningKey) -> None:
    for payload in (b"", b"{}", b"\n\n", bytes(range(256))):
        assert verified(key.sign("directory", payload), "directory", [key.public]) == payload


def test_every_changed_octet_is_noticed(key: SigningKey) -> None:
    signed = key.sign("directory", b'{"sequence":1}')
    for at in range(len(signed)):
        changed = signed[:at] + bytes((signed[at] ^ 1,)) + signed[at + 1 :]
        with pytest.raises(SignatureRefused):
            verified(changed, "directory", [key.public])


def test_every_cut_and_every_addition_is_noticed(key: SigningKey) -> None:
    signed = key.sign("directory", b'{"sequence":1}')
    for changed in (*(signed[:at] for at in range(len(signed))), signed + b" ", b" " + signed):
        with pytest.raises(SignatureRefused):
            verified(changed, "directory", [key.public])


def test_a_signature_on_one_kind_of_thing_is_worth_nothing_on_another(key: SigningKey) -> None:
    with pytest.raises(SignatureRefused, match="changed after"):
        verified(key.sign("directory", b"{}"), "policy", [key.public])


def test_while_a_key_is_changed_for_another_both_are_accepted_and_nobody_elses(
    key: SigningKey, other: SigningKey
) -> None:
    both = [key.public, other.public]
    assert verified(key.sign("directory", b"old"), "directory", both) == b"old"
    assert verified(other.sign("directory", b"new"), "directory", both) == b"new"
    with pytest.raises(SignatureRefused, match="not told to trust"):
        verified(other.sign("directory", b"new"), "directory", [key.public])
    with pytest.raises(SignatureRefused, match="not told to trust"):
        verified(key.sign("directory", b"old"), "directory", [])


def test_a_key_that_only_bears_the_name_of_a_trusted_one_is_not_it(key: SigningKey, other: SigningKey) -> None:
    named = key.public.id.encode().join(other.sign("directory", b"{}").split(other.public.id.encode()))
    with pytest.raises(SignatureRefused, match="changed after"):
        verified(named, "directory", [key.public])


@pytest.mark.parametrize("octets", [b"", b"{}", b"\n", b"x" * 1_000_000, b"SendGuard-Signature-1 a b c\n"])
def test_what_bears_no_signature_is_refused(key: SigningKey, octets: bytes) -> None:
    with pytest.raises(SignatureRefused, match="not signed"):
        verified(octets, "directory", [key.public])


def test_a_context_is_never_empty_and_never_runs_into_what_is_signed(key: SigningKey) -> None:
    for context in ("", "a\0b"):
        with pytest.raises(ValueError):  # noqa: PT011
            key.sign(context, b"{}")


def test_a_key_is_kept_for_its_user_only_and_never_overwritten(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert before.startswith(b"-----BEGIN PRIVATE KEY-----")
    with pytest.raises(KeyUnusable, match="never overwritten"):
        SigningKey.make(path)
    assert path.read_bytes() == before
    assert SigningKey.load(path).public == key.public


def test_a_public_key_is_one_line_that_can_be_pasted_and_notices_a_slip(key: SigningKey) -> None:
    line = str(key.public)
    assert PublicKey.read(f"  {line}\n") == key.public
    assert PublicKey.read(line.partition(":")[2]) == key.public
    swapped = line[:-3] + ("A" if line[-3] != "A" else "B") + line[-2:]
    for wrong in (swapped, line[:-4], "", "x", "é" * 44, line + line):
        with pytest.raises(KeyUnusable):
            PublicKey.read(wrong)


def test_what_is_no_key_of_ours_is_named_with_what_to_do(tmp_path: Path) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    protected = serialization.BestAvailableEncryption(b"secret")
    files = {
        "missing": None,
        "text": b"nothing",
        "curve": ec.generate_private_key(ec.SECP256R1()).private_bytes(*form, serialization.NoEncryption()),
        "protected": ed25519.Ed25519PrivateKey.generate().private_bytes(*form, protected),
    }
    for name, octets in files.items():
        if octets is not None:
            (tmp_path / name).write_bytes(octets)
        with pytest.raises(KeyUnusable, match=name):
            SigningKey.load(tmp_path / name)
    with pytest.raises(KeyUnusable, match="cannot be written"):
        SigningKey.make(tmp_path / "no folder" / "key.pem")
