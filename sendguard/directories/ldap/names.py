"""Distinguished names (RFC 4514) as keys: two spellings of one name become one text."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_QUOTED = re.compile(r'"((?:[^"\\\n]|\\[^\n])*)"')  # RFC 2253 section 4: a value in quotes
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\([^\n])")
_BETWEEN = re.compile(r" *([,+\n]) *")
_TYPE = re.compile(r"(?:^|(?<=[,+\n]))([A-Za-z][\w.-]*|[\d.]+) *= *", re.ASCII)
_SPACES = re.compile(r" {2,}")
_UID_OF_MEMBER = re.compile(r"#'[01]*'B(?=\n|$)", re.IGNORECASE)  # RFC 4517 section 3.3.21, in uniqueMember
_SPECIAL = frozenset(',+"\\<>;=')
_FOREIGN = ",cn=foreignsecurityprincipals,"


def keys(names: Sequence[bytes]) -> list[str]:
    """Give the key of each name, in their order. Some hundred nanoseconds a name: all are worked on at once.

    Case is folded, spaces around separators go, and each escape takes the one form ``\\2c``; octets that are no UTF-8
    stay apart from all others. What is no name at all becomes some key too.
    """
    if not names:
        return []
    text = b"\n".join(names).decode("utf-8", "backslashreplace")
    if text.count("\n") >= len(names):
        text = "\n".join(name.decode("utf-8", "backslashreplace").replace("\n", "\\0a") for name in names)
    return _canonical(text).split("\n")


def key(name: bytes | str) -> str:
    """The key of one name."""
    return keys([name.encode() if isinstance(name, str) else name])[0]


def parent(key: str) -> str:
    """The key of the entry above; empty above the top."""
    return key.partition(",")[2]


def is_under(key: str, bases: Iterable[str]) -> bool:
    """Whether a key is one of the bases or lies below one; all names lie below the empty one."""
    return any(not base or key == base or key.endswith(f",{base}") for base in bases)


def is_foreign(key: str) -> bool:
    """Whether Active Directory keeps the key for somebody, or a group, of another forest."""
    return _FOREIGN in key


def tree_order(key: str) -> list[str]:
    """What to sort by so that those below one entry stand together."""
    return key.split(",")[::-1]


def _canonical(text: str) -> str:
    if '"' in text:
        text = _QUOTED.sub(lambda found: "".join(_plain(each) for each in _unescape(found[1])), text)
    if "#'" in text:
        text = _UID_OF_MEMBER.sub("", text)
    if "\\" in text:
        text = _ESCAPED.sub(_one_form, text)
    if ";" in text:
        text = text.replace(";", ",")  # RFC 2253 section 4: an old separator
    text = text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if ", " in text or " ," in text or "+" in text or "\n " in text or " \n" in text:
        text = _BETWEEN.sub(r"\1", text)
    text = text.strip(" ")
    if " =" in text or "= " in text:
        text = _TYPE.sub(r"\1=", text)
    return "\n".join(map(_sorted_pairs, text.split("\n"))) if "+" in text else text


def _one_form(found: re.Match[str]) -> str:
    if found[1]:
        return "".join(map(_plain, _octets(found[1])))
    return _plain(found[2])


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: found[2] or _octets(found[1]), text)


def _octets(escapes: str) -> str:
    return bytes.fromhex(escapes.replace("\\", "")).decode("utf-8", "backslashreplace")


def _plain(character: str) -> str:
    return f"\\{ord(character):02x}" if character in _SPECIAL or character < " " else character


def _sorted_pairs(name: str) -> str:
    """RFC 4514 section 2.2: the pairs of one relative name have no order."""
    return ",".join("+".join(sorted(each.split("+"))) for each in name.split(","))
