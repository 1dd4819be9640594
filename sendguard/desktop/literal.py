"""Text that Qt must not read anything into."""


def literal(text: str) -> str:
    """Text for a place where ``&`` marks a mnemonic: buttons, menus, labels with a buddy."""
    return text.replace("&", "&&")
