"""Linux: policy in JSON files that only root can have written, in ``/etc/sendguard/policies``."""

from collections.abc import Hashable, Iterator
from pathlib import Path

from sendguard.settings.layers import Layer, Offer
from sendguard.system.believable import Unbelievable, check_folders, read_file
from sendguard.system.policy_json import read_json

FOLDER = Path("/etc/sendguard/policies")
LEVELS = {"managed": Layer.MACHINE, "recommended": Layer.RECOMMENDED}


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
            if paths:
                check_folders(folder.parent.parent, folder.parent, folder, owner=self._owner)
        except FileNotFoundError:
            return
        except OSError:
            yield Offer(layer, str(folder), broken="unreadable")
            return
        except Unbelievable as error:
            yield Offer(layer, str(folder), broken=error.why)
            return
        for path in paths:
            try:
                yield Offer(layer, str(path), read_json(read_file(path, self._owner)))
            except Unbelievable as error:
                yield Offer(layer, str(path), broken=error.why)
