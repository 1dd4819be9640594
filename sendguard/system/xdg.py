"""Linux: the desktop entry of XDG autostart (Desktop Application Autostart Specification 0.5)."""

import re

_NEEDS_QUOTES = re.compile(r"[\s\"'\\<>~|&;$*?#()`]")


def desktop_entry(command: tuple[str, ...]) -> str:
    """The text of ``sendguard.desktop``; ``desktop-file-validate`` passes it."""
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Name=SendGuard",
            "Comment=Asks before a message reaches more people than you meant",
            "Comment[de]=Fragt, bevor eine Nachricht mehr Personen erreicht als gemeint",
            f"Exec={' '.join(_quoted(word) for word in command)}",
            "Icon=sendguard",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
            "",
        )
    )


def _quoted(word: str) -> str:
    """Desktop Entry Specification, "The Exec key": quotes, then the escapes of a string value; ``%`` is doubled."""
    word = word.replace("%", "%%")
    if not _NEEDS_QUOTES.search(word):
        return word
    escaped = re.sub(r'(["`$\\])', r"\\\1", word)
    return '"' + escaped.replace("\\", "\\\\") + '"'
