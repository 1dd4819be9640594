"""What can go wrong on the way to the real server, in our words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from sendguard.guard.ports import UpstreamUnreachable


@contextmanager
def mapping_errors(*unintelligible: type[Exception]) -> Iterator[None]:
    """Turn the connection's errors into UpstreamUnreachable: right wherever nothing was handed over yet.

    ``unintelligible`` are those of a protocol for what is not said in it.
    """
    # ValueError: a host name that is none, a line that does not end
    failures: tuple[type[Exception], ...] = (OSError, ValueError, *unintelligible)
    try:
        yield
    except ssl.SSLError as error:
        raise UpstreamUnreachable("tls") from error
    except TimeoutError as error:
        raise UpstreamUnreachable("timeout") from error
    except failures as error:
        raise UpstreamUnreachable("unreachable") from error
