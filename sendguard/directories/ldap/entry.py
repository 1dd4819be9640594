"""An entry as every source gives it, and the mail addresses in it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sendguard.mail.address import is_addr_spec, normalise

ADDRESSES = ("mail", "rfc822mailbox", "proxyaddresses", "maillocaladdress", "mailalternateaddress", "othermailbox")
"""Attributes that hold addresses of the entry itself, in the order in which they say which is the main one.

mail is also called rfc822Mailbox (RFC 4524 section 2.16). proxyAddresses is Active Directory's, where ``SMTP:`` marks
the main address and ``smtp:`` another; X500, SIP and the like are no mail.
"""

_KIND_OF_MAILBOX = re.compile(rb"\s*(internet|rfc822|smtp)\s*\$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A name and its attributes: their names in lower case and without options, but for ``;range=``."""

    dn: bytes
    attributes: Mapping[str, Sequence[bytes]]

    @classmethod
    def of(cls, dn: bytes, attributes: Iterable[tuple[str, Sequence[bytes]]]) -> "Entry":
        """Make one of attributes as a server writes them; those that differ by their options are one."""
        named: dict[str, Sequence[bytes]] = {}
        for written, values in attributes:
            name = attribute_name(written)
            named[name] = values if name not in named else [*named[name], *values]
        return cls(dn, named)

    def addresses(self) -> tuple[str, ...]:
        """Its addresses, normalised, the main one first; what is no address is left out."""
        attributes = self.attributes
        found: dict[str, None] = {}
        for value in attributes.get("proxyaddresses", ()):
            if value.startswith(b"SMTP:"):
                found.update(dict.fromkeys(plain_addresses((value[5:],))))
        for name in ADDRESSES:
            if name in attributes:
                found.update(dict.fromkeys(plain_addresses(_mail_in(name, attributes[name]))))
        return tuple(found)

    def text(self, name: str) -> str:
        """The first value of an attribute as text, empty where there is none."""
        return next(iter(self.attributes.get(name, ())), b"").decode("utf-8", "replace")

    def says_yes(self, name: str) -> bool:
        """Whether a boolean attribute is there and true."""
        return self.text(name).upper() == "TRUE"


@lru_cache(maxsize=4096)
def attribute_name(written: str) -> str:
    """Fold case, and drop options such as ``;lang-de``; ``;range=0-1499`` stays, for it changes what the values are."""
    name, _, options = written.lower().partition(";")
    kept = [option for option in options.split(";") if option.startswith("range=")]
    return ";".join((name, *kept))


def plain_addresses(values: Iterable[bytes]) -> Iterator[str]:
    """The values that are addresses, normalised."""
    for value in values:
        try:
            address = normalise(value.decode("utf-8"))
        except UnicodeDecodeError:
            continue
        if is_addr_spec(address):
            yield address


def _mail_in(name: str, values: Sequence[bytes]) -> Iterable[bytes]:
    if name == "proxyaddresses":
        return [value[5:] for value in values if value[:5].lower() == b"smtp:"]
    if name == "othermailbox":  # its syntax (RFC 1274 section 9.3.18) writes "internet$me@example.test"
        return [_KIND_OF_MAILBOX.sub(b"", value) for value in values]
    return values
