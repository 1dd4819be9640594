"""A SOAP envelope read as it comes: what it calls, that it is whole, and that it can be read in one way only."""

from collections.abc import Callable
from enum import Enum
from xml.parsers import expat

from sendguard.exchange.gate.calls import MAY_SEND, Fate, fate
from sendguard.exchange.gate.content import Content, TooMuch
from sendguard.exchange.gate.mime import BadBase64

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"

MOST_LEVELS = 100
MOST_TOKEN = 1_000_000
"""Octets of one tag, comment or instruction: expat keeps those, and reads them from their beginning at every piece."""
_SEPARATOR = "}"  # cannot be in a name, and not in the namespaces that count


class NotReadable(Exception):
    """An envelope no server is given. ``why`` is a code; the text names the operation too, where it is known."""

    def __init__(self, why: str, operation: str = "") -> None:
        named = operation if operation.isascii() and operation.isalpha() and len(operation) < 60 else ""
        super().__init__(f"{why} {named}".rstrip())
        self.why = why


class _Level(Enum):
    DOCUMENT = 0
    ENVELOPE = 1
    PART = 2
    OPERATION = 3
    ITEMS = 4


class Document:
    """One envelope. ``content`` is what a call that may send says, None for all others.

    UTF-8 only, no document type, one Body with one operation in it. ``before`` is how many octets stand before the
    operation's element, ``body_names`` the names that Envelope and Body have, with their prefixes.
    """

    def __init__(self) -> None:
        self.operation = ""
        self.attributes: dict[str, str] = {}
        self.items: set[str] = set()
        self.content: Content | None = None
        self.before = 0
        self.body_names: list[str] = []
        self._level = 0
        self._fed = 0
        self._parts: list[str] = []
        self._soap = ""
        self._in_items = False
        self._parser = parser = strict_parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    @property
    def fate(self) -> Fate:
        """What becomes of the call, as far as it was read."""
        return fate(self.operation, self.attributes, self.items) if self.operation else Fate.UNDECIDED

    def feed(self, octets: bytes) -> None:
        """Read on. Raises NotReadable."""
        self._parse(octets, final=False)
        self._fed += len(octets)
        self._expect(self._fed - self._parser.CurrentByteIndex <= MOST_TOKEN, "token")

    def close(self) -> None:
        """The last octet was read. Raises NotReadable for an envelope that is not whole."""
        self._parse(b"", final=True)
        if not self.operation:
            raise NotReadable("no_operation")

    def forget(self) -> None:
        """The call will not be looked into any further than to its end."""
        self.content = None
        self._parser.CharacterDataHandler = None

    def _parse(self, octets: bytes, *, final: bool) -> None:
        try:
            parse_strictly(self._parser, octets, final=final)
        except expat.ExpatError as error:
            raise NotReadable("xml", self.operation) from error
        except BadBase64 as error:
            raise NotReadable("base64", self.operation) from error
        except TooMuch as error:
            raise NotReadable("too_much", self.operation) from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._level += 1
        space, local, prefix = _taken_apart(name)
        if self._level == _Level.ENVELOPE.value:
            self._expect(space in {SOAP_11, SOAP_12} and local == "Envelope", "envelope")
            self._soap = space
            self.body_names.append(f"{prefix}:{local}" if prefix else local)
        elif self._level == _Level.PART.value:
            self._part(space, local, prefix)
        elif self._level == _Level.OPERATION.value:
            if self._parts[-1] == "Body":
                self._operation(space, local, attributes)
            else:
                self._expect(local != "Action", "action")
        elif self._parts[-1] == "Body":
            self._inside(space, local, attributes)
        self._expect(self._level <= MOST_LEVELS, "depth")

    def _part(self, space: str, local: str, prefix: str) -> None:
        self._expect(space == self._soap and (local, *self._parts) in _ORDERS, "parts")
        self._parts.append(local)
        if local == "Body":
            self.body_names.append(f"{prefix}:{local}" if prefix else local)

    def _operation(self, space: str, local: str, attributes: dict[str, str]) -> None:
        self._expect(not self.operation, "second_operation")
        self.operation, self.attributes = local, attributes
        self._expect(space == MESSAGES, "operation")
        self.before = self._parser.CurrentByteIndex
        if local in MAY_SEND:
            self.content = Content(local, attributes)
            self._parser.CharacterDataHandler = self.content.data

    def _inside(self, space: str, local: str, attributes: dict[str, str]) -> None:
        if self._level == _Level.ITEMS.value:
            self._in_items = local == "Items"
        elif self._level == _Level.ITEMS.value + 1 and self._in_items:
            self.items.add(local if space == TYPES else "")
        if self.content is not None:
            self.content.start(local if space in {TYPES, MESSAGES} else f"{{{space}}}{local}", attributes)

    def _end(self, name: str) -> None:
        if self.content is not None and self._level >= _Level.ITEMS.value and self._parts[-1] == "Body":
            self.content.end()
        self._level -= 1

    def _expect(self, holds: bool, why: str) -> None:
        if not holds:
            raise NotReadable(why, self.operation)


_ORDERS = {("Header",), ("Body",), ("Body", "Header")}
"""What may come next, and what came before it."""


def strict_parser() -> "expat.XMLParserType":
    """A parser that knows namespaces and nothing of document types, in UTF-8 whatever a document says.

    Its names are ``namespace}local}prefix``. What it refuses raises NotReadable within its ``Parse``.
    """
    parser = expat.ParserCreate("UTF-8", _SEPARATOR)
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.buffer_size = 64 * 1024
    parser.StartDoctypeDeclHandler = _refusing("document_type")
    parser.EntityDeclHandler = _refusing("document_type")
    parser.XmlDeclHandler = _check_declaration
    return parser


def parse_strictly(parser: "expat.XMLParserType", octets: bytes, *, final: bool = False) -> None:
    """Read on. Raises expat.ExpatError, and NotReadable for UTF-16, which expat knows by its marks and takes."""
    if b"\0" in octets:
        raise NotReadable("encoding")
    parser.Parse(octets, final)


def _refusing(why: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise NotReadable(why)

    return refuse


def _check_declaration(version: str, encoding: str | None, standalone: int) -> None:
    if version != "1.0" or (encoding or "utf-8").lower() != "utf-8":
        raise NotReadable("encoding")


def _taken_apart(name: str) -> tuple[str, str, str]:
    """Namespace, local name and prefix, empty where there is none."""
    parts = name.rsplit(_SEPARATOR)
    if len(parts) == 1:
        return "", name, ""
    return (parts[0], parts[1], "") if len(parts) == 2 else (_SEPARATOR.join(parts[:-2]), parts[-2], parts[-1])
