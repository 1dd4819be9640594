"""macOS: a LaunchAgent (launchd.plist(5)). Not run here."""

import plistlib

LABEL = "org.sendguard.SendGuard"


def launch_agent(command: tuple[str, ...]) -> str:
    """The property list that starts SendGuard with the person's graphical session."""
    agent = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "ProcessType": "Interactive",
        "LimitLoadToSessionType": "Aqua",
    }
    return plistlib.dumps(agent).decode()
