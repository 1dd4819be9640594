"""SendGuard in a process of its own, which asks and is never answered: ``python -m tests.features.addon_child DATA``.

``DATA`` is the folder its files lie in, where the native messaging host of the tests' Thunderbird looks for it.
"""

import sys
import threading
from pathlib import Path

from sendguard.bootstrap.program import Program
from sendguard.guard.ports import Question
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets


class Silent:
    """Somebody who is shown questions and says nothing."""

    can_ask = True

    def show(self, question: Question | None, waiting: int) -> None:
        if question is not None:
            print("asked", flush=True)


def main() -> None:
    data = Path(sys.argv[1])
    Program(Places(data / "config", data, data / "logs"), SessionSecrets(), Silent()).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
