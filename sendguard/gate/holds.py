"""A submission between a gate's event loop and the gatekeeper, who may wait for a directory, a disk and a person."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import TypeVar

from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.ledger import LedgerFailed
from sendguard.guard.ticket import Decision, NotApproved, Ticket
from sendguard.mail.submission import Submission

log = logging.getLogger(__name__)
T = TypeVar("T")


class Holds:
    """The gatekeeper as a coroutine sees it: everything he does runs on ``executor``.

    A cancelled call means that the client has gone: the question is withdrawn.
    """

    def __init__(self, gatekeeper: Gatekeeper, account: str, executor: Executor) -> None:
        self.gatekeeper = gatekeeper
        self._account = account
        self._executor = executor

    async def receive(self, submit: Callable[[], Submission], *, alone: bool = True) -> tuple[Ticket, bool]:
        """Take in what ``submit`` makes. Where nobody is asked, "sending" is committed in the same step.

        Returns whether it was. Not where it is not ``alone``, but waits for others. Raises LedgerFailed.
        """
        receiving = self._executor.submit(self._take_in, submit, alone)
        try:
            return await asyncio.wrap_future(receiving)
        except asyncio.CancelledError:
            if not receiving.cancel():
                receiving.add_done_callback(self._take_back)
            raise

    def _take_in(self, submit: Callable[[], Submission], alone: bool) -> tuple[Ticket, bool]:
        submission = submit()
        ticket = self.gatekeeper.receive(submission)
        if not alone or ticket.asked_at or not ticket.decision.done() or not ticket.decision.result().sends:
            return ticket, False
        with suppress(NotApproved):  # which will be found out once more
            self.gatekeeper.begin(ticket, submission.handed_over)
            return ticket, True
        return ticket, False

    def _take_back(self, receiving: Future[tuple[Ticket, bool]]) -> None:
        if receiving.exception() is None:
            ticket, is_begun = receiving.result()
            self._put_down(self.gatekeeper.refused if is_begun else self.gatekeeper.cancel, ticket, "client_gone")

    async def decided(self, ticket: Ticket, until: float) -> bool:
        """Wait for the decision until the loop's clock says ``until``; False when the client has to try again."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Future[Decision]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(woken.set)

        ticket.decision.add_done_callback(wake)
        try:
            # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with the decision.
            async with asyncio.timeout_at(until):
                await woken.wait()
        except TimeoutError:
            return not await self.off_loop(self.gatekeeper.let_go, ticket)
        except asyncio.CancelledError:
            self._executor.submit(self._put_down, self.gatekeeper.cancel, ticket, "client_gone")
            raise
        return True

    async def note(self, verb: Callable[..., None], *what: object) -> None:
        """Write down what has happened already. That it cannot be written changes nothing of what happened."""
        await self.off_loop(self._put_down, verb, *what)

    async def off_loop(self, verb: Callable[..., T], *what: object) -> T:
        """Call something that may wait."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, verb, *what)

    def _put_down(self, verb: Callable[..., None], *what: object) -> None:
        try:
            verb(*what)
        except LedgerFailed:
            log.error("the ledger failed: what became of a message is not in it")  # noqa: TRY400
            self.gatekeeper.trouble("ledger", self._account)
