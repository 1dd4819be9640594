"""“Protect this account” on a real screen, by what a screen reader finds: SendGuard itself, a profile on the disk."""

import sys
from pathlib import Path

from sendguard.guard.account import Account, Security, Server
from sendguard.storage.files import save_accounts
from tests.adapters.thunderbird_profile import Home
from tests.servers.accessibility import AccessibleDesktop
from tests.servers.display import Display
from tests.servers.processes import free_port, wait_until


def test_a_screen_reader_finds_what_is_open_and_guards_it(
    display: Display, accessible_desktop: AccessibleDesktop
) -> None:
    folder = Path(display.environment["HOME"])
    home = Home.make(folder)
    account = Account(
        "work", ("ana@work.test", "team@work.test"),
        smtp=Server("smtp.work.test", 587, Security.STARTTLS), gate_port=free_port(),
    )  # fmt: skip
    config = folder / ".config" / "sendguard"
    config.mkdir(parents=True)
    save_accounts(config / "accounts.toml", (account,))
    before = home.preferences
    display.stop_tray()  # without one the window is there at once
    display.run([sys.executable, "-m", "sendguard", "run"])
    accessible_desktop.find("page tab", "Accounts").press()
    assert accessible_desktop.find("label", "ana@work.test · smtp.work.test:587")
    use = accessible_desktop.find("push button", "Use the gate")
    assert use.description == "ana@work.test"
    use.press()
    accessible_desktop.find("label", "guarded by the gate")
    done = "Done: from its next start Thunderbird sends through the gate, and not at all while SendGuard does not run. "
    accessible_desktop.find("label", f"{done}It may ask for your password once.")
    assert f'user_pref("mail.smtpserver.smtp1.port", {account.gate_port});' in home.preferences.decode()
    accessible_desktop.find("push button", "Point back").press()
    wait_until(lambda: home.preferences == before, "preferences as they were")
