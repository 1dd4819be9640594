"""The whole desktop over a real gatekeeper, as a program: ``python -m tests.desktop.program FOLDER [ADDRESS…]``.

For each address a submission comes in as soon as the paths are started; what is decided about it is printed.
"""

import json
import sys
import threading
from pathlib import Path

from sendguard.desktop.application import run_desktop
from sendguard.desktop.services import Services
from sendguard.guard.ports import Asker
from sendguard.guard.ticket import Ticket
from sendguard.settings.layers import Layer, Offer
from tests.desktop.examples import PATHS, World, submission
from tests.fakes import Guard


class Program:
    """Builds the services; its only path are the addresses it was started with. ``policy.json`` in FOLDER is policy."""

    def __init__(self, folder: Path, recipients: list[str]) -> None:
        self._guard = Guard()
        policy = folder / "policy.json"
        said = json.loads(policy.read_text()) if policy.exists() else {}
        self._policy = (Offer(Layer.MACHINE, str(policy), said),)
        self._recipients = recipients

    def build(self, asker: Asker) -> Services:
        self._guard.gatekeeper._asker = asker
        guard = self._guard.gatekeeper
        world = World(questions=guard, paths=PATHS[:2], on_start=self._start, policy=self._policy)  # type: ignore[arg-type]
        return world.services()

    def _start(self) -> None:
        say("started")
        for recipient in self._recipients:
            ticket = self._guard.gatekeeper.receive(submission(recipient))
            threading.Thread(target=self._wait, args=(recipient, ticket), daemon=True).start()

    def _wait(self, recipient: str, ticket: Ticket) -> None:
        say(f"{recipient}: {ticket.decision.result().outcome}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(run_desktop(Program(Path(sys.argv[1]), sys.argv[2:]).build, Path(sys.argv[1])))
