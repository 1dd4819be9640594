"""A server's answer as a tree, read as strictly as a client's call."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from sendguard.exchange.gate.soap import NotReadable, parse_strictly, strict_parser


def tree(octets: Iterable[bytes]) -> Element | None:
    """The root element, names without their namespaces; None for what is not XML we read."""
    builder = TreeBuilder()
    parser = strict_parser()
    parser.StartElementHandler = lambda name, attributes: builder.start(_local(name), attributes)
    parser.EndElementHandler = lambda name: builder.end(_local(name))
    parser.CharacterDataHandler = builder.data
    try:
        for piece in octets:
            parse_strictly(parser, piece)
        parse_strictly(parser, b"", final=True)
        return builder.close()
    except (expat.ExpatError, NotReadable, ParseError):
        return None


def _local(name: str) -> str:
    parts = name.split("}")
    return parts[1] if len(parts) > 1 else name
