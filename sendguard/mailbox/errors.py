"""What can go wrong with a mailbox, in our words."""


class MailboxError(Exception):
    """Something a mailbox did not do. ``why`` is a code, never a server's words: those may hold addresses."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class MailboxUnreachable(MailboxError):
    """No connection, or it ended; trying again later may help.

    ``why``: ``connection``, ``certificate``, ``tls``, ``starttls_missing``, ``timeout``, ``closed``, ``protocol``,
    ``no_password``, ``unavailable``.
    """


class ServerBusy(MailboxUnreachable):
    """The server asks to be left alone for ``seconds`` (0 where it names no time)."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("busy")
        self.seconds = seconds


class LoginRefused(MailboxError):
    """The server knows this user or this password no longer: a person has to do something."""

    code = "login_refused"
    """What a watch tells of it."""


class AccessRefused(LoginRefused):
    """The login may be right, but the server lets nobody in this way: its administrator has to do something."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.code = why


class CommandRefused(MailboxError):
    """The server understood and said no; the connection lives on. ``why`` is the response code, in lower case."""
