"""Texts from mail, made fit to be shown: nothing in them can hide, turn around or push away what stands beside them."""

import re
import unicodedata

LONGEST = 80
"""Characters of one name, address or subject that are shown."""

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_SPACES = re.compile(r"\s+")
_STACKED_MARKS = 2


def shown(text: str, longest: int = LONGEST) -> str:
    """A name or subject to show: one line, NFC, at most ``longest`` characters, the end cut off with ``…``.

    Control, bidi and zero-width characters are dropped, and so are more than two marks on one letter. Where letters
    run from right to left the text is isolated (FSI … PDI, UAX #9), so that it does not reorder its neighbours.
    """
    text = _plain(text)
    return _isolated(text if len(text) <= longest else text[: longest - 1].rstrip() + "…")


def shown_address(address: str, longest: int = LONGEST) -> str:
    """An address to show: as ``shown``, but cut in its middle, so that the end of the domain always stays visible."""
    text = _plain(address)
    if len(text) > longest:
        end = longest * 5 // 8
        text = text[: longest - end - 1] + "…" + text[-end:]
    return _isolated(text)


def pretends(display_name: str, address: str) -> bool:
    """Whether a display name looks like an address, and another one than it stands for."""
    said = re.findall(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+", _plain(display_name))
    return any(found.casefold() != address.casefold() for found in said)


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", _SPACES.sub(" ", text.replace("\u2028", " ").replace("\u2029", " ")))
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category not in _DROPPED and marks <= _STACKED_MARKS:
            kept.append(character)
    return _SPACES.sub(" ", "".join(kept)).strip()


def _isolated(text: str) -> str:
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text
