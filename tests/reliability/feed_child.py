"""One publish or one refresh in a process of its own, that kills itself before the N-th thing it does to a file.

    python -m tests.reliability.feed_child publish FOLDER KEY INDEX N
    python -m tests.reliability.feed_child fetch URL PUBLIC_KEY FOLDER N

Counted are, from the first one in the folder on: opening to write, writing out (fsync), renaming and removing.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from sendguard.directories.feed import Feed
from sendguard.directories.publisher import publish
from sendguard.published.signing import PublicKey, SigningKey
from tests.adapters.feed_rig import FEED
from tests.indexes import MADE

NOW = MADE + timedelta(days=3)
WRITES = os.O_WRONLY | os.O_RDWR


def die_at(step: int, folder: Path) -> None:
    """Kill this process before what it does to files in ``folder`` for the ``step``-th time."""
    done = 0

    def happens() -> None:
        nonlocal done
        done += 1
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def hears(event: str, arguments: tuple[object, ...]) -> None:
        changes = event in ("os.rename", "os.remove") or (event == "open" and int(str(arguments[2])) & WRITES)
        if changes and str(arguments[0]).startswith(str(folder)):
            happens()

    def syncs(descriptor: int) -> None:
        happens()
        fsync(descriptor)

    fsync, os.fsync = os.fsync, syncs
    sys.addaudithook(hears)


def main() -> None:
    what, first, second, third, step = sys.argv[1:]
    if what == "publish":
        key = SigningKey.load(Path(second))
        die_at(int(step), Path(first))
        published = publish(Path(third), Path(first), key, feed=FEED, now=NOW, level=3)
        print(published.manifest.sequence)
    else:
        folder = Path(third)
        die_at(int(step), folder)
        print(Feed(first, [PublicKey.read(second)], folder, name=FEED, now=lambda: NOW).refresh())


if __name__ == "__main__":
    main()
