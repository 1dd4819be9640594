"""A bearer token on each request, and a fresh one when the server does not take it."""

from collections.abc import Callable
from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase

Token = Callable[[bool], str]
"""Gives an access token; True asks for a fresh one, whatever is said of the last. Raises MailboxError."""


class Bearer(AuthBase):
    """Puts a token on each request (RFC 6750 §2.1). A request that was answered 401 was not carried out: it is sent
    once more with a fresh token, and the second answer stands."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put a token on a request."""
        request.headers["Authorization"] = f"Bearer {self._token(False)}"
        request.register_hook("response", self._once_more)
        return request

    def _once_more(self, response: Response, **how: Any) -> Response:
        if response.status_code != 401:
            return response
        _ = response.content  # all of it, so that its connection can be used again
        response.close()
        again = response.request.copy()
        again.headers["Authorization"] = f"Bearer {self._token(True)}"
        answer: Response = response.connection.send(again, **how)
        answer.history.append(response)
        answer.request = again
        return answer
