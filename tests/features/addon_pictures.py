"""Pictures of the add-on in a real Thunderbird, for the documentation: ``python -m tests.features.addon_pictures``."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from sendguard.guard.ports import Answer
from sendguard.thunderbird.addon import ADDON_ID
from tests.features.addon_kit import BUTTON, AddonDesk, desk_at, thunderbird_with_addon
from tests.servers.display import Display
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.processes import server_folder

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SETTLED = 0.7
DARK = {"ui.systemUsesDarkTheme": 1, "extensions.activeThemeID": "thunderbird-compact-dark@mozilla.org"}


def shot(display: Display, path: Path) -> None:
    time.sleep(SETTLED)
    display.screenshot(path)


def write(desk: AddonDesk, subject: str) -> None:
    desk.thunderbird.write(
        "Croydon Practices <croydonpractices@nhs.test>", subject=subject, body="Can everybody read this?"
    )


def play(display: Display, desk: AddonDesk, folder: Path, name: str) -> None:
    """The line, what a click on it shows, the page of a message that was not sent, and the options."""
    desk.guard.directory.sizes["croydonpractices@nhs.test"] = 850_112
    desk.guard.directory.sizes[desk.colleague.address] = 1
    gate = desk.start_guard()
    write(desk, "test")
    desk.wait_for_line("850", "test")
    shot(display, folder / f"thunderbird-line{name}.png")
    desk.thunderbird.run("composer().document.getElementById(args[0]).click()", BUTTON)
    shot(display, folder / f"thunderbird-click{name}.png")
    desk.thunderbird.run("composer().document.getElementById(args[0]).click()", BUTTON)
    desk.press_send("test")
    desk.answer(Answer.DONT_SEND)
    desk.thunderbird.wait_until_ready("test")
    desk.thunderbird.run(_OPTIONS, ADDON_ID)
    desk.thunderbird.close_composers()
    shot(display, folder / f"thunderbird-options{name}.png")
    gate.stop()
    write(desk, "test")
    time.sleep(SETTLED)
    desk.press_send("test")
    shot(display, folder / f"thunderbird-stopped{name}.png")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    for name, settings, language in (("", {}, "en"), ("-dark", DARK, "de")):
        with ExitStack() as stack:
            display = stack.enter_context(Display(stack.enter_context(server_folder("display"))))
            dovecot = stack.enter_context(Dovecot(stack.enter_context(server_folder("dovecot"))))
            postfix = stack.enter_context(Postfix(stack.enter_context(server_folder("postfix")), dovecot))
            environment = {"DISPLAY": display.name, "GDK_BACKEND": "x11"}
            more = {"intl.locale.requested": language} | settings
            thunderbird = stack.enter_context(thunderbird_with_addon(settings=more, environment=environment))
            desk = stack.enter_context(desk_at(thunderbird, dovecot, postfix))
            desk.language = language
            desk.open_account()
            play(display, desk, folder, name)


_OPTIONS = """
const url = WebExtensionPolicy.getByID(args[0]).getURL("options.html");
main().document.getElementById("tabmail").openTab("contentTab", { url, linkHandler: "single-page" });
main().focus();
"""

if __name__ == "__main__":
    main()
