"""What the answer to SendItem means: refused, not reached, another message by now, or nobody knows."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from exchangelib import errors as ews
from urllib3.exceptions import HTTPError

from sendguard.exchange.errors import HttpRefused, code_of, never_left
from sendguard.guard.ports import ReplyLost, SubmissionRefused, UpstreamUnreachable
from sendguard.guard.ticket import NotApproved

_ANOTHER_BY_NOW = (
    ews.ErrorStaleObject,
    ews.ErrorIrresolvableConflict,
    ews.ErrorChangeKeyRequiredForWriteOperations,
    ews.ErrorInvalidChangeKey,
    ews.ErrorItemNotFound,
)
"""What is there is not what was approved: the change key has become an older one, or the item has gone."""

_FOR_NOW = (
    ews.ErrorInternalServerTransientError,
    ews.ErrorMailboxMoveInProgress,
    ews.ErrorMailboxStoreUnavailable,
    ews.ErrorQuotaExceeded,
    ews.ErrorSubmissionQuotaExceeded,
    ews.ErrorTooManyObjectsOpened,
)
"""Refusals that may pass."""

_SAYS_NOTHING = (ews.ErrorTimeoutExpired, ews.ErrorInternalServerError, ews.ErrorConnectionFailed)
"""Codes Exchange answers with when it does not know itself; exchangelib uses the first for a connection that ended."""

LATER, NEVER = 451, 550
"""RFC 5321 §4.2.3, which all our hooks speak: try again, and refused for good."""


@contextmanager
def mapping_send_errors() -> Iterator[None]:
    """Raises NotApproved, SubmissionRefused, UpstreamUnreachable; and ReplyLost for all that is not surely unsent."""
    try:
        yield
    except _ANOTHER_BY_NOW as error:
        raise NotApproved("message") from error
    except ews.ErrorServerBusy as error:
        raise SubmissionRefused(LATER, "") from error
    except HttpRefused as error:
        raise _by_status(error) from error
    except ews.UnauthorizedError as error:
        raise UpstreamUnreachable("login") from error
    except _SAYS_NOTHING as error:
        raise _by_connection(error) from error
    except ews.ResponseMessageError as error:
        raise SubmissionRefused(LATER if isinstance(error, _FOR_NOW) else NEVER, code_of(error)) from error
    except (ews.EWSError, requests.RequestException, HTTPError, OSError) as error:
        raise _by_connection(error) from error
    except (ValueError, AttributeError, IndexError, KeyError, TypeError) as error:  # an answer nobody understands
        raise ReplyLost from error


def _by_status(error: HttpRefused) -> Exception:
    if error.status == 401:
        return UpstreamUnreachable("login")
    if error.status in {429, 503}:
        return SubmissionRefused(LATER, "")
    return SubmissionRefused(NEVER, "") if error.status < 500 else ReplyLost()


def _by_connection(error: BaseException) -> Exception:
    return UpstreamUnreachable("unreachable") if never_left(error) else ReplyLost()
