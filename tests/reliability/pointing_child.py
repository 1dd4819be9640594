"""Points a server at a gate, or back, and dies at a step: ``python -m tests.reliability.pointing_child HOME WHAT N``.

A step is a file being opened to be written, renamed or removed in the profile. With a fourth argument no file may get
larger than so many octets, as on a disk that is full in the middle of a write.
"""

import os
import resource
import signal
import sys
from pathlib import Path

from sendguard.thunderbird.pointing import point_at_gate, point_back
from sendguard.thunderbird.ways_out import profiles_found
from tests.adapters.thunderbird_profile import WORK

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main(home: Path, what: str, last: int) -> None:
    [found] = profiles_found(home, [WORK])
    steps = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if (writes or event in {"os.rename", "os.remove"}) and str(home) in str(arguments[0]):
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    server = found.ways[0].identity.outgoing
    assert server is not None
    if what == "gate":
        point_at_gate(found.profile, server, WORK.gate_port)
    else:
        point_back(found.profile, server, WORK)


if __name__ == "__main__":
    if len(sys.argv) > 4:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
