"""The guarded outbox as its story needs it: a folder on a server, whatever server that is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from sendguard.mail.address import Mailbox

if TYPE_CHECKING:
    from sendguard.mailbox.held import Held

Key = TypeVar("Key")
"""What names one state of one message on its server: it is another one once the message was changed there."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that lies on a server. ``token`` names what the server itself sends."""

    raw: bytes
    token: bytes = b""

    @property
    def handed_over(self) -> bytes:
        """What an approval is bound to: see ``Submission.handed_over``."""
        return self.token or self.raw


class Folder(Protocol[Key]):
    """The folder during one round of work, on one connection.

    Its methods raise MailboxUnreachable when the connection has ended, CommandRefused for a "no".
    """

    @property
    def epoch(self) -> int:
        """Every key of another epoch is void."""
        ...

    def keys(self) -> tuple[Key, ...]:
        """What waits there, oldest first."""
        ...

    def size(self, key: Key) -> int:
        """Octets of a message; 0 when it has gone."""
        ...

    def read(self, key: Key) -> Stored | None:
        """The whole message, or None when it has gone or is another one by now."""
        ...

    def send(self, held: "Held[Key]", stored: Stored, begin: Callable[[], None]) -> None:
        """Send the message as it was read. ``begin`` is called once, before anything can leave; it raises NotApproved.

        Raises NotApproved also where the server has another message by now, SubmissionRefused, ReplyLost, or
        UpstreamUnreachable.
        """
        ...

    def file(self, held: "Held[Key]") -> None:
        """See to it that the message that was sent lies in Sent, and no longer here."""
        ...

    def narrow(self, held: "Held[Key]", sender: Mailbox) -> None:
        """Put a reply to ``sender`` only in the message's place. It is judged like everything put there."""
        ...

    def back_to_drafts(self, key: Key) -> None:
        """Move a message to Drafts, unsent."""
        ...

    def in_sent(self, message_id: str) -> frozenset[str]:
        """What in Sent bears this Message-ID."""
        ...

    def hang_up(self) -> None:
        """From any thread: end whatever is under way."""
        ...
