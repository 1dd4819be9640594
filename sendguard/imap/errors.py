"""The one place where what imapclient says of a mailbox becomes ours."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from imapclient.exceptions import LoginError, ProtocolError

from sendguard.mailbox.errors import CommandRefused, LoginRefused, MailboxError, MailboxUnreachable

_FOR_NOW = frozenset({"unavailable", "inuse", "limit", "serverbug"})
"""Response codes (RFC 5530) of a login that may succeed later with the same password."""


@contextmanager
def mapping_imap_errors() -> Iterator[None]:
    """Turn what imapclient, imaplib, ssl and the socket raise into a MailboxError."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise MailboxUnreachable("certificate") from error
    except ssl.SSLError as error:
        raise MailboxUnreachable("tls") from error
    except TimeoutError as error:
        raise MailboxUnreachable("timeout") from error
    except OSError as error:
        raise MailboxUnreachable("connection") from error
    except (ProtocolError, ValueError, AttributeError, IndexError, KeyError, TypeError) as error:
        raise MailboxUnreachable("protocol") from error  # answers the parsers of both libraries stumble over
    except LoginError as error:
        raise _login_error(error) from error
    except imaplib.IMAP4.abort as error:
        raise MailboxUnreachable("closed") from error
    except imaplib.IMAP4.error as error:
        raise CommandRefused(_response_code(str(error)) or "refused") from error


def _login_error(error: LoginError) -> MailboxError:
    if isinstance(error.__context__, imaplib.IMAP4.abort):  # imapclient calls a lost connection a refused login, too
        return MailboxUnreachable("closed")
    code = _response_code(str(error))
    return MailboxUnreachable("unavailable") if code in _FOR_NOW else LoginRefused(code or "refused")


def _response_code(words: str) -> str:
    """The code in brackets (RFC 5530): letters and hyphens only, so that nothing private passes."""
    _, bracket, rest = words.partition("[")
    code = rest.partition("]")[0].split(" ")[0]
    return code.lower() if bracket and code.replace("-", "").isalpha() and code.isascii() else ""
