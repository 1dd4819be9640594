"""What a request must look like, checked as Exchange's schema does before anything else is looked at.

The table in ``grammar`` is written from Microsoft's public pages of each operation and element. A line is
``name = content``, where content is

* ``@Name`` an attribute, ``@Name?`` one that may be absent, ``@Name:A,B`` one with a closed list of values;
* names of children in their order, with ``?``, ``*``, ``+``, ``( | )`` as in a regular expression;
* ``$name`` the content of another line, and ``name~other`` a child that is of another line's kind here;
* or, for text, ``text``, ``bool``, ``int``, ``date``, ``base64`` or ``A|B|C``; ``list:`` before it for
  several of them.

An element without a line of its own holds text.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import cache

from tests.servers.exchange.answers import Fault
from tests.servers.exchange.grammar import GRAMMAR
from tests.servers.exchange.xml import Node

_TOKEN = re.compile(r"(?P<name>(?:[a-z]+:)\w+)(?:~(?P<kind>[\w:]+))?|(?P<sign>[()|?*+])|\$(?P<include>[\w:]+)")
_TEXTS = {
    "text": re.compile(r".*", re.DOTALL),
    "bool": re.compile(r"true|false|0|1"),
    "int": re.compile(r"[+-]?\d+"),
    "date": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"),
}


@dataclass(frozen=True)
class Kind:
    """What one kind of element may hold."""

    attributes: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)
    """By name: whether it must be there, and its values where they are a closed list."""
    children: re.Pattern[str] | None = None
    """Over the children's names, each followed by a blank; None where text is."""
    kinds: dict[str, str] = field(default_factory=dict)
    text: str = "text"


def check(node: Node, kind: str | None = None) -> None:
    """Raise Fault ErrorSchemaValidation for an element that is not as its line says."""
    what = _kind(kind or node.name)
    _check_attributes(node, what)
    if what.children is None:
        _check_text(node, what.text)
        return
    if node.text.strip():
        raise _violation(node, "text where only elements may be")
    names = "".join(f"{child.name} " for child in node.children)
    if not what.children.fullmatch(names):
        raise _violation(node, f"its children may not be: {names.strip() or 'none'}")
    for child in node.children:
        check(child, what.kinds.get(child.name))


def knows(operation: str) -> bool:
    """Tell whether there is a line for a request."""
    return f"m:{operation}" in GRAMMAR


def order(name: str) -> list[str]:
    """The children's names of an element, in the order in which the schema has them."""
    return list(dict.fromkeys(match["name"] for match in _TOKEN.finditer(_without_attributes(name)) if match["name"]))


def _check_attributes(node: Node, kind: Kind) -> None:
    for name, value in node.attributes.items():
        if name not in kind.attributes:
            raise _violation(node, f"it has no attribute {name}")
        values = kind.attributes[name][1]
        if values and value not in values and not (values == ("bool",) and _TEXTS["bool"].fullmatch(value)):
            raise _violation(node, f"{name} may not be {value!r}")
    for name, (needed, _) in kind.attributes.items():
        if needed and name not in node.attributes:
            raise _violation(node, f"it needs the attribute {name}")


def _check_text(node: Node, kind: str) -> None:
    if node.children:
        raise _violation(node, f"it holds text, not {node.children[0].name}")
    if kind == "base64":
        try:
            base64.b64decode("".join(node.text.split()), validate=True)
        except binascii.Error:
            raise _violation(node, "it is not base64") from None
    elif kind in _TEXTS:
        if not _TEXTS[kind].fullmatch(node.text if kind == "text" else node.text.strip()):
            raise _violation(node, f"{node.text[:40]!r} is not of kind {kind}")
    elif not _is_listed(node.text, kind):
        raise _violation(node, f"{node.text[:40]!r} is not one of its values")


def _is_listed(text: str, kind: str) -> bool:
    values = kind.removeprefix("list:").split("|")
    words = text.split() if kind.startswith("list:") else [text]
    return all(word in values for word in words)


def _violation(node: Node, why: str) -> Fault:
    return Fault("ErrorSchemaValidation", f"The request failed schema validation: The element '{node.name}': {why}.")


def _flat(name: str) -> str:
    """A line's content with every ``$`` filled in."""
    return re.sub(r"\$([\w:]+)", lambda match: _flat(match[1]), GRAMMAR[name])


def _without_attributes(name: str) -> str:
    return re.sub(r"@\S+", "", _flat(name)).strip()


@cache
def _kind(name: str) -> Kind:
    if name not in GRAMMAR:
        return Kind()
    content = _flat(name)
    attributes = {
        match[1]: (not match[2], tuple(match[3].split(",")) if match[3] else ())
        for match in re.finditer(r"@(\w+)(\?)?(?::([\w:,]+))?", content)
    }
    content = _without_attributes(name)
    if content != "empty" and (content.startswith("list:") or not _TOKEN.match(content)):
        return Kind(attributes, text=content or "text")
    kinds = {match["name"]: match["kind"] for match in _TOKEN.finditer(content) if match["kind"]}
    pattern = "".join(
        match["sign"] or f"(?:{re.escape(match['name'])} )" for match in _TOKEN.finditer(content.removeprefix("empty"))
    )
    return Kind(attributes, re.compile(pattern), kinds)
