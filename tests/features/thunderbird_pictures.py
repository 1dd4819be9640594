"""Pictures of Thunderbird in front of the gate: ``python -m tests.features.thunderbird_pictures [FOLDER]``."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sendguard.guard.ports import Answer
from tests.features.thunderbird_kit import Desk
from tests.servers.display import Display
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder
from tests.servers.thunderbird import Thunderbird

SIZE = (900, 560)
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def refused(desk: Desk, thunderbird: Thunderbird) -> None:
    desk.answer(Answer.DONT_SEND)


def still_waiting(desk: Desk, thunderbird: Thunderbird) -> None:
    desk.asker.question(20)


SCENES: dict[str, Callable[[Desk, Thunderbird], None]] = {
    "thunderbird-refused": refused,
    "thunderbird-still-waiting": still_waiting,
}


def main(folder: Path) -> None:
    """Take them all."""
    with ExitStack() as stack:
        place = lambda name: stack.enter_context(server_folder(name))  # noqa: E731
        dovecot = stack.enter_context(Dovecot(place("dovecot")))
        postfix = stack.enter_context(Postfix(place("postfix"), dovecot))
        display = stack.enter_context(Display(place("display"), size=SIZE, tray=False))
        desk = Desk.make(dovecot, postfix, place("desk"), HoldSecondsThunderbird=5)
        desk.program.start()
        stack.callback(desk.program.stop)
        thunderbird = stack.enter_context(Thunderbird(place("thunderbird"), environment={"DISPLAY": display.name}))
        thunderbird.add_mail(desk.through_the_gate)
        desk.deliver()
        for name, scene in SCENES.items():
            thunderbird.reply_all("lunch@x.test")
            thunderbird.run("const window = composer(); window.moveTo(0, 0); window.resizeTo(...args);", *SIZE)
            thunderbird.press_send()
            scene(desk, thunderbird)
            thunderbird.run('await until(dialog, "dialog"); await new Promise(wake => setTimeout(wake, 1000));')
            display.screenshot(folder / f"{name}.png")
            thunderbird.alert()
            thunderbird.close_composers()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
