"""Which folder is which: by special use (RFC 6154), else by the names servers and clients give them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sendguard.imap.connection import Connection, Listed

USUAL_NAMES = {
    "drafts": ("drafts", "draft", "entwürfe", "entwurf"),
    "sent": ("sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente", "gesendete objekte"),
    "all": ("all mail", "alle nachrichten"),
    "archive": ("archive", "archives", "archiv"),
    "trash": ("trash", "deleted items", "deleted messages", "papierkorb", "gelöschte elemente"),
    "junk": ("junk", "junk e-mail", "spam", "junk-e-mail", "spamverdacht"),
}
"""What folders are called in English and German where the server does not say what they are for."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The names of an account's folders; empty where there is none. ``others`` are all not named here or junk."""

    inbox: str = "INBOX"
    drafts: str = ""
    sent: str = ""
    everything: str = ""
    archive: str = ""
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, connection: Connection) -> "Folders":
        """Look at what the server lists."""
        listed = [each for each in connection.folders() if "noselect" not in each.flags]
        found = {use: _with_use(listed, use) for use in USUAL_NAMES}
        named = {*found.values(), *(each.name for each in listed if each.name.upper() == "INBOX")}
        return cls(
            drafts=found["drafts"],
            sent=found["sent"],
            everything=found["all"],
            archive=found["archive"],
            others=tuple(each.name for each in listed if each.name not in named),
        )

    def to_search(self) -> tuple[str, ...]:
        """Where an original may lie, the likeliest first."""
        likely = (self.inbox, self.everything, self.archive, self.sent, *self.others)
        return tuple(dict.fromkeys(filter(None, likely)))


def full_name(name: str, prefix: str, separator: str) -> str:
    """The server's name for one of our folders: ``/`` parts it in levels, whatever this server parts them with.

    >>> full_name("Post/Guarded Outbox", "INBOX.", ".")
    'INBOX.Post.Guarded Outbox'
    """
    own = [level if separator == "/" else level.replace(separator, "_") for level in name.split("/")]
    whole = separator.join(own)
    return whole if prefix and whole.startswith(prefix) else prefix + whole


def _with_use(listed: Iterable[Listed], use: str) -> str:
    by_flag = [each.name for each in listed if use in each.flags]
    return next(iter(by_flag), "") or min(_by_name(listed, USUAL_NAMES[use]), key=len, default="")


def _by_name(listed: Iterable[Listed], names: tuple[str, ...]) -> Iterator[str]:
    for each in listed:
        last = each.name.rpartition(each.separator)[2] if each.separator else each.name
        if last.casefold() in names:
            yield each.name
