"""macOS: managed preferences, as profiles bring them. Not run here; tested against property lists."""

import os
from collections.abc import Hashable, Iterator
from pathlib import Path

from sendguard.settings.foreign import as_declared
from sendguard.settings.layers import Layer, Offer
from sendguard.settings.outputs.apple import DOMAIN, RECOMMENDED
from sendguard.system.believable import Unbelievable, check_folders, read_file
from sendguard.system.policy_plist import read_preferences

FOLDER = Path("/Library/Managed Preferences")
FILE = f"{DOMAIN}.plist"


class ManagedPreferences:
    """The computer's property list, and the one of ``user`` in the folder of that name.

    A file or folder that anybody but ``owner`` (root) could have written, or that is a link, is not believed.
    """

    def __init__(self, user: str, folder: Path = FOLDER, owner: int = 0) -> None:
        self._places = ((Layer.MACHINE, (folder,)), (Layer.USER_POLICY, (folder, folder / user)))
        self._owner = owner

    def stamp(self) -> Hashable:
        """The state of both files and their folders."""
        return tuple(_state(path) for _, folders in self._places for path in (*folders, folders[-1] / FILE))

    def read(self) -> tuple[Offer, ...]:
        """What each says, and what it recommends."""
        return tuple(offer for layer, folders in self._places for offer in self._offers(layer, folders))

    def _offers(self, layer: Layer, folders: tuple[Path, ...]) -> Iterator[Offer]:
        path = folders[-1] / FILE
        if not os.path.lexists(path):
            return
        try:
            check_folders(*folders, owner=self._owner)
            said = dict(read_preferences(read_file(path, self._owner)))
        except OSError:
            yield Offer(layer, str(path), broken="unreadable")
            return
        except Unbelievable as error:
            yield Offer(layer, str(path), broken=error.why)
            return
        recommended = said.pop(RECOMMENDED, {})
        yield Offer(layer, str(path), as_declared(said))
        source = f"{path}, {RECOMMENDED}"
        if not isinstance(recommended, dict):
            yield Offer(Layer.RECOMMENDED, source, broken="not_an_object")
        elif recommended:
            yield Offer(Layer.RECOMMENDED, source, as_declared(recommended))


def _state(path: Path) -> Hashable:
    try:
        state = path.lstat()
    except OSError as error:
        return error.errno
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_uid, state.st_mode


def preferences_here() -> ManagedPreferences:
    """Those of the user whose process this is, whatever its environment says."""
    import pwd

    return ManagedPreferences(pwd.getpwuid(os.getuid()).pw_name)
