"""XML as Exchange speaks it: names by their namespace, whatever prefix a client gave them; no DTD, no entity."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

NAMESPACES = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
    "e": "http://schemas.microsoft.com/exchange/services/2006/errors",
    "a": "http://schemas.microsoft.com/exchange/2010/Autodiscover",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "pox": "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006",
}
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}


class BadXml(Exception):
    """A document that is not well formed, not UTF-8, or has a DTD."""


@dataclass
class Node:
    """One element; ``name`` is ``m:GetItem`` for the messages namespace, and so on: always our own prefix."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    text: str = ""
    prebuilt: bytes = b""
    """Written after the children as it stands: an answer too large to be built anew for every call."""

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(":")[2]

    def get(self, name: str) -> "Node | None":
        """Return the first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def need(self, name: str) -> "Node":
        """Return the child of that name, which the schema promises."""
        child = self.get(name)
        assert child is not None, f"{self.name} has no {name}"
        return child

    def all(self, name: str) -> list["Node"]:
        """Return the children of that name."""
        return [child for child in self.children if child.name == name]

    def text_of(self, name: str, otherwise: str = "") -> str:
        """Return a child's text, or ``otherwise`` where there is none."""
        child = self.get(name)
        return otherwise if child is None else child.text.strip()

    def walk(self) -> Iterator["Node"]:
        """This element and everything in it, in the document's order."""
        yield self
        for child in self.children:
            yield from child.walk()


def E(name: str, *children: "Node | str | None", **attributes: str) -> Node:
    """Build an element of nodes and text; None is left out."""
    nodes = [child for child in children if isinstance(child, Node)]
    return Node(name, attributes, nodes, "".join(child for child in children if isinstance(child, str)))


def parse(raw: bytes) -> Node:
    """Return a document's root; BadXml for one that is not well formed, not UTF-8, or has a DTD."""
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text, parser.buffer_size = True, len(raw) + 1  # so that 30 MB of base64 come as one piece
    top = Node("")
    open_nodes = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        # An attribute with a namespace (xml:lang, xsi:nil) means nothing to EWS.
        plain = {key: value for key, value in attributes.items() if " " not in key}
        node = Node(_short(name), plain)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def refuse(*_: Any) -> None:
        raise BadXml("a DTD is not allowed")

    def text(piece: str) -> None:
        open_nodes[-1].text += piece

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_nodes.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(raw.decode(), True)
    except (expat.ExpatError, UnicodeDecodeError) as error:
        raise BadXml(str(error)) from None
    return top.children[0]


def render(node: Node, out: list[bytes], declare: tuple[str, ...] = ()) -> list[bytes]:
    """Append an element's octets to ``out``, which is returned; ``declare`` are the prefixes it introduces."""
    names = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in declare)
    attributes = "".join(f" {key.rstrip('_')}={quoteattr(value)}" for key, value in node.attributes.items())
    out.append(f"<{node.name}{names}{attributes}>{escape(_allowed(node.text))}".encode())
    for child in node.children:
        render(child, out)
    if node.prebuilt:
        out.append(node.prebuilt)
    out.append(f"</{node.name}>".encode())
    return out


def envelope(body: Node, header: Node | None = None) -> list[bytes]:
    """Return a SOAP envelope in pieces, each to be written as it is."""
    whole = E("s:Envelope", E("s:Header", header) if header else None, E("s:Body", body))
    return render(whole, [b'<?xml version="1.0" encoding="utf-8"?>'], ("s", "m", "t"))


def _short(name: str) -> str:
    uri, _, local = name.rpartition(" ")
    prefix = _PREFIXES.get(uri)
    return f"{prefix}:{local}" if prefix else f"{{{uri}}}:{local}"


def _allowed(text: str) -> str:
    """Leave out what XML 1.0 cannot carry."""
    return "".join(c for c in text if c >= " " or c in "\t\n\r") if not text.isprintable() else text
