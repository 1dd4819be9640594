"""A long secret, kept in pieces that every keyring takes."""

import hashlib
import re
import threading

from sendguard.guard.ports import TOKEN_SERVICES, Secrets

PIECE = 1_200
"""Characters: Windows takes 2,560 octets a secret (CRED_MAX_CREDENTIAL_BLOB_SIZE, wincred.h), in UTF-16."""
_NUMBERED = re.compile(r"(\d)/(\d) ", re.ASCII)
_one_at_a_time = threading.Lock()
"""Pieces of two tries must not be mixed."""


class Kept:
    """One text for one account. Blocks as the keyring does."""

    def __init__(self, secrets: Secrets, account: str) -> None:
        self._secrets, self._account = secrets, account

    def load(self) -> str:
        """The text; empty when none is kept whole."""
        with _one_at_a_time:
            found: list[str] = []
            for number, service in enumerate(TOKEN_SERVICES):
                piece = self._secrets.get(self._account, service) or ""
                numbered = _NUMBERED.match(piece)
                if numbered is None or int(numbered[1]) != number:
                    return ""
                found.append(piece[numbered.end() :])
                if len(found) == int(numbered[2]):
                    return _sound("".join(found))
        return ""

    def save(self, text: str) -> bool:
        """Keep a text of ASCII; False when only this session knows it, or it is too long to be kept."""
        whole = _digest(text) + text
        room = PIECE - len("0/0 ")
        pieces = [whole[start : start + room] for start in range(0, len(whole), room)]
        if len(pieces) > len(TOKEN_SERVICES):
            return False
        with _one_at_a_time:
            return all(
                [
                    self._secrets.set(self._account, service, f"{number}/{len(pieces)} {piece}")
                    for number, (service, piece) in enumerate(zip(TOKEN_SERVICES, pieces, strict=False))
                ]
            )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sound(whole: str) -> str:
    digest, text = whole[:64], whole[64:]
    return text if digest == _digest(text) else ""
