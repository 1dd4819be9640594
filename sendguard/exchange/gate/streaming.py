"""A call that does not send: passed on both ways at once, as it comes, with nothing kept."""

import asyncio
from collections.abc import AsyncIterator

import h11

from sendguard.exchange.gate.line import Line
from sendguard.exchange.gate.upstream import Upstream
from sendguard.guard.ports import UpstreamUnreachable


async def stream(client: Line, upstream: Upstream, request: h11.Request, pieces: AsyncIterator[bytes]) -> None:
    """Pass a request on and its answer back.

    Where ``pieces`` fails, the server's connection is cut before the request is whole, and the error comes out of
    here. Raises UpstreamUnreachable.
    """
    upward = asyncio.create_task(_up(upstream, request, pieces))
    try:
        await _down(client, upstream)
        await upward
    except BaseException:
        upward.cancel()
        [ended] = await asyncio.gather(upward, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended from None
        raise


async def _up(upstream: Upstream, request: h11.Request, pieces: AsyncIterator[bytes]) -> None:
    try:
        await upstream.send(request)
        async for piece in pieces:
            await upstream.send(h11.Data(data=piece))
        await upstream.send(h11.EndOfMessage())
    except UpstreamUnreachable:
        async for _ in pieces:  # it may have answered early; its client is heard out first
            pass
    except BaseException:
        upstream.abort()
        raise


async def _down(client: Line, upstream: Upstream) -> None:
    await client.send(await upstream.head())
    async for piece in upstream.body():
        await client.send(h11.Data(data=piece))
    await client.send(h11.EndOfMessage())
