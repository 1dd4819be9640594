"""The one place where what exchangelib, requests and lxml say of a mailbox becomes ours."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
from exchangelib import errors as ews
from exchangelib.protocol import FailFast
from lxml.etree import XMLSyntaxError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from sendguard.mailbox.errors import (
    AccessRefused,
    CommandRefused,
    LoginRefused,
    MailboxError,
    MailboxUnreachable,
    ServerBusy,
)

ONLINE = ("outlook.office365.com", "outlook.office.com")
"""Exchange Online's EWS hosts, where EWS is off by default since 1 October 2026 (Microsoft, MC1227454)."""

_FOR_NOW = (
    ews.ErrorConnectionFailed,
    ews.ErrorExceededConnectionCount,
    ews.ErrorInternalServerError,
    ews.ErrorInternalServerTransientError,
    ews.ErrorMailboxMoveInProgress,
    ews.ErrorMailboxStoreUnavailable,
    ews.ErrorTooManyObjectsOpened,
)
"""Answers that may be other ones in a minute."""

_NOT_EWS = (ValueError, AttributeError, IndexError, KeyError, TypeError, XMLSyntaxError)
"""What the library stumbles with over an answer that is not what Exchange says."""


class HttpRefused(ews.TransportError):  # type: ignore[misc]
    """An HTTP status other than 200, and than a 500 that holds a SOAP answer."""

    def __init__(self, status: int, host: str, wait: float = 0.0) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.host = host
        self.wait = wait


class Strict(FailFast):  # type: ignore[misc]
    """No try is repeated, and no HTTP status means anything else than it says: exchangelib takes some for "busy"."""

    def raise_response_errors(self, response: requests.Response) -> None:
        """Raise HttpRefused for every answer that holds no SOAP."""
        is_soap = "xml" in response.headers.get("Content-Type", "")
        if response.status_code == 200 or (response.status_code == 500 and is_soap):
            return
        host = urlsplit(response.url).hostname or ""
        wait = response.headers.get("Retry-After", "")
        raise HttpRefused(response.status_code, host, float(wait) if wait.isdecimal() else 0.0)


@contextmanager
def mapping_ews_errors() -> Iterator[None]:
    """Turn what the libraries raise into a MailboxError."""
    try:
        yield
    except ews.ErrorServerBusy as error:
        raise ServerBusy(error.back_off or 0.0) from error
    except ews.UnauthorizedError as error:
        raise LoginRefused("refused") from error
    except HttpRefused as error:
        raise _http_error(error) from error
    except (ews.ErrorTimeoutExpired, requests.RequestException, HTTPError, OSError) as error:
        raise MailboxUnreachable(_why(error)) from error
    except _FOR_NOW as error:
        raise MailboxUnreachable("unavailable") from error
    except ews.ResponseMessageError as error:
        raise CommandRefused(code_of(error)) from error
    except (ews.EWSError, *_NOT_EWS) as error:
        raise MailboxUnreachable(_why(error, "protocol")) from error


def code_of(error: ews.ResponseMessageError) -> str:
    """Exchange's response code in lower case, without its ``Error``: ``itemnotfound``."""
    return type(error).__name__.removeprefix("Error").lower()


def never_left(error: BaseException) -> bool:
    """Whether a request that failed so surely did not reach the server: there was no connection at all."""
    return any(isinstance(each, (NewConnectionError, ConnectTimeoutError, ssl.SSLError)) for each in _chain(error))


def _http_error(error: HttpRefused) -> MailboxError:
    if error.status == 401:
        return LoginRefused("refused")
    if error.status == 403:
        return AccessRefused("ews_off" if error.host in ONLINE else "ews_forbidden")
    if error.status in {429, 503}:
        return ServerBusy(error.wait)
    return MailboxUnreachable("unavailable" if error.status >= 500 else "protocol")


def _why(error: BaseException, otherwise: str = "connection") -> str:
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return "certificate"
        if isinstance(each, ssl.SSLError):
            return "tls"
        if isinstance(each, (requests.Timeout, TimeoutError)):
            return "timeout"
        if isinstance(each, requests.ConnectionError):
            otherwise = "connection"
    return otherwise


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error with everything it came from, wherever the libraries keep it."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
