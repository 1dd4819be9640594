"""A message as far as a guard needs it: who it is from and to, what it answers, what its body says."""

import re
from dataclasses import dataclass, field

from sendguard.mail.address import AddressList, Mailbox, normalise
from sendguard.mail.body import Body, read_body
from sendguard.mail.header import Headers, Problem, read_headers

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_MAILTO = re.compile(r"<\s*mailto:([^>?\s]+)", re.IGNORECASE)
_LIST_ID = re.compile(r"<\s*([^<>\s]+)\s*>")


@dataclass(frozen=True, slots=True)
class ListSigns:
    """What in a message says that it came through a mailing list.

    ``addresses`` are posting addresses (List-Post, X-BeenThere, Mailing-List; RFC 2369), ``list_id`` the identifier
    of RFC 2919 without brackets, ``precedence`` whether Precedence is ``list`` or ``bulk``.
    """

    addresses: frozenset[str] = frozenset()
    list_id: str = ""
    precedence: bool = False

    def __bool__(self) -> bool:
        return bool(self.addresses or self.list_id or self.precedence)


@dataclass(frozen=True, slots=True)
class Message:
    """The judged parts of one message. Addresses are normalised; names and subject are decoded and may be hostile."""

    originators: tuple[Mailbox, ...] = ()
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    forwarded_id: str = ""
    resent: bool = False
    list_signs: ListSigns = field(default_factory=ListSigns)
    composition_hints: tuple[str, ...] = ()
    user_agent: str = ""
    body: Body = field(default_factory=Body)
    problems: frozenset[Problem] = frozenset()

    @property
    def visible(self) -> tuple[Mailbox, ...]:
        """To and Cc: the recipients who see one another."""
        return self.to + self.cc

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """To, Cc and Bcc of the header, repeats included."""
        return self.to + self.cc + self.bcc

    @property
    def parent_id(self) -> str:
        """The message this one answers: In-Reply-To, else the last of References; empty for neither."""
        return self.in_reply_to or (self.references[-1] if self.references else "")


def read_message(raw: bytes, *, with_body: bool = True) -> Message:
    """Read a message, or a header block alone, from hostile bytes. Never raises; see ``Message.problems``."""
    headers = read_headers(raw)
    lists = {name: headers.addresses(name) for name in ("from", "sender", "to", "cc", "bcc", "reply-to")}
    problems = headers.problems
    if not all(lists[name].certain for name in ("to", "cc", "bcc")):
        problems |= {Problem.ADDRESSES_UNREADABLE}
    return Message(
        originators=(lists["from"] if lists["from"].mailboxes else lists["sender"]).mailboxes,
        to=lists["to"].mailboxes,
        cc=lists["cc"].mailboxes,
        bcc=lists["bcc"].mailboxes,
        reply_to=lists["reply-to"].mailboxes,
        subject=headers.text("subject"),
        message_id=_first_id(headers.first("message-id")),
        in_reply_to=_first_id(headers.first("in-reply-to")),
        references=tuple(_MESSAGE_ID.findall(headers.first("references"))),
        forwarded_id=_first_id(headers.first("x-forwarded-message-id")),
        resent=bool(headers.all("resent-to") or headers.all("resent-from")),
        list_signs=read_list_signs(headers),
        composition_hints=tuple(headers.first(name) for name in ("x-identity-key", "x-uniform-type-identifier")),
        user_agent=headers.first("user-agent") or headers.first("x-mailer"),
        body=read_body(raw, headers) if with_body else Body(),
        problems=problems,
    )


def read_list_signs(headers: Headers) -> ListSigns:
    """Find the signs of a mailing list (RFC 2369, RFC 2919, and the habits older than both)."""
    posts = [normalise(address) for post in headers.all("list-post") for address in _MAILTO.findall(post)]
    others: list[AddressList] = [headers.addresses(name) for name in ("x-beenthere", "x-mailing-list")]
    list_id = _LIST_ID.search(headers.first("list-id"))
    return ListSigns(
        addresses=frozenset(posts) | {address for found in others for address in found.addresses},
        list_id=list_id[1].lower() if list_id else headers.first("list-id").lower(),
        precedence=headers.first("precedence").lower() in {"list", "bulk"}
        or bool(headers.all("mailing-list") or headers.all("x-google-group-id")),
    )


def _first_id(text: str) -> str:
    found = _MESSAGE_ID.search(text)
    return found[0] if found else ""
