"""Linux: policy in JSON files that only root can have written, in ``/etc/sendguard/policies``."""

import errno
import json
import os
import stat
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path

from sendguard.settings.layers import Layer, Offer

FOLDER = Path("/etc/sendguard/policies")
LEVELS = {"managed": Layer.MACHINE, "recommended": Layer.RECOMMENDED}
MOST_OCTETS = 1024 * 1024
"""A larger file is refused unread."""


class Unbelievable(Exception):
    """A file or folder that policy is not taken from; ``why`` is a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class ManagedFiles:
    """Every ``*.json`` of ``managed`` (mandatory) and ``recommended``, by name; the later wins.

    A file or folder that anybody but ``owner`` (root) could have written, or that is a link, is not believed.
    """

    def __init__(self, folder: Path = FOLDER, owner: int = 0) -> None:
        self._folder = folder
        self._owner = owner

    def stamp(self) -> Hashable:
        """The state of every folder and file, read or not."""
        return tuple(self._states())

    def read(self) -> tuple[Offer, ...]:
        """An offer a file."""
        return tuple(offer for level, layer in LEVELS.items() for offer in self._offers(self._folder / level, layer))

    def _states(self) -> Iterator[tuple[str, int, int, int, int, int]]:
        for folder in (self._folder.parent, self._folder, *(self._folder / level for level in LEVELS)):
            try:
                paths = [folder, *(sorted(folder.iterdir()) if folder.name in LEVELS else ())]
                states = [(path, path.lstat()) for path in paths]
            except OSError as error:
                yield str(folder), error.errno or 0, 0, 0, 0, 0
                continue
            for path, state in states:
                yield str(path), state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_uid, state.st_mode

    def _offers(self, folder: Path, layer: Layer) -> Iterator[Offer]:
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
            for each in (folder.parent.parent, folder.parent, folder) if paths else ():
                check_state(each.lstat(), self._owner, stat.S_ISDIR)
        except FileNotFoundError:
            return
        except OSError:
            yield Offer(layer, str(folder), broken="unreadable")
            return
        except Unbelievable as error:
            yield Offer(layer, str(folder), broken=f"folder_{error.why}")
            return
        for path in paths:
            try:
                yield Offer(layer, str(path), read_policy(read_file(path, self._owner)))
            except Unbelievable as error:
                yield Offer(layer, str(path), broken=error.why)


def check_state(state: os.stat_result, owner: int, is_kind: Callable[[int], bool]) -> None:
    """Refuse what is not of its kind, not ``owner``'s, or writable by others. Raises Unbelievable."""
    if stat.S_ISLNK(state.st_mode):
        raise Unbelievable("link")
    if not is_kind(state.st_mode):
        raise Unbelievable("kind")
    if state.st_uid != owner:
        raise Unbelievable("owner")
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unbelievable("writable")


def read_file(path: Path, owner: int) -> bytes:
    """The octets of a file that only ``owner`` can have written. Raises Unbelievable."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unbelievable("link" if error.errno == errno.ELOOP else "unreadable") from error
    with open(opened, "rb") as file:
        state = os.fstat(file.fileno())
        check_state(state, owner, stat.S_ISREG)
        if state.st_size > MOST_OCTETS:
            raise Unbelievable("too_large")
        try:
            octets = file.read(MOST_OCTETS + 1)
        except OSError as error:
            raise Unbelievable("unreadable") from error
    if len(octets) > MOST_OCTETS:
        raise Unbelievable("too_large")
    return octets


def read_policy(octets: bytes) -> Mapping[str, object]:
    """The settings of a policy file. Raises Unbelievable."""
    try:
        found = json.loads(octets.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Unbelievable("encoding") from None
    except (ValueError, RecursionError):
        raise Unbelievable("syntax") from None
    if not isinstance(found, dict):
        raise Unbelievable("not_an_object")
    return {name: value for name, value in found.items() if name != "$schema"}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unbelievable("repeated_key")
    return found


def _no_constant(text: str) -> object:
    raise ValueError(text)
