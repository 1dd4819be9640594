"""A client's way to its server."""

import ssl
from collections.abc import Callable

from sendguard.exchange.gate.heads import Target
from sendguard.exchange.gate.upstream import Upstream


class Way:
    """A client's way to its server: one connection, opened when it is first needed. On the gate's loop alone."""

    def __init__(self, target: Target, context: ssl.SSLContext | None, ended: Callable[[], None]) -> None:
        self.target = target
        self._context = context
        self._ended = ended
        self._upstream: Upstream | None = None

    async def open(self) -> Upstream:
        """The connection. Raises UpstreamUnreachable."""
        if self._upstream is None:
            self._upstream = await Upstream.connect(self.target, self._context, self._lost)
        return self._upstream

    def _lost(self) -> None:
        if self._upstream is not None and self._upstream.line.has_ended:  # and not one that was cut before
            self._ended()

    async def reopen(self) -> Upstream:
        """Another connection instead of the one there is. Raises UpstreamUnreachable."""
        self.cut()
        return await self.open()

    def is_ready(self) -> bool:
        """Whether the connection there is, if any, can bear another request."""
        return self._upstream is None or self._upstream.line.next_cycle()

    def cut(self) -> None:
        """End the connection, whatever is under way on it."""
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
