"""The conversation with one Thunderbird, over the connection its host opened."""

import logging
import socket
import threading
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.ledger import LedgerFailed
from sendguard.thunderbird.composed import Composed, NotAMessage
from sendguard.thunderbird.frames import FrameRefused, frame, read_frame
from sendguard.thunderbird.passage import ACCOUNT, Asked, Passage, Said

log = logging.getLogger(__name__)

PROTOCOL = 1
"""The version of what is said here. Add-on and SendGuard that speak different ones do not talk."""
MOST_ASKED = 100
"""Messages of one Thunderbird at once."""


@dataclass(slots=True)
class _Held:
    asked: Asked
    begun: bool = False


class Conversation:
    """Answers the add-on's frames until the connection ends, which withdraws whatever it had asked.

    ``run`` has a thread of its own and takes deeds in their order; counts, and answers a person gives, are said from
    ``executor``. What was released and not reported on when the connection ended may have been sent: it is *unknown*.
    """

    def __init__(
        self, connection: socket.socket, passage: Passage, gatekeeper: Gatekeeper, executor: Executor, version: str
    ) -> None:
        self._connection = connection
        self._passage = passage
        self._gatekeeper = gatekeeper
        self._executor = executor
        self._version = version
        self._writing = threading.Lock()
        self._held: dict[int, _Held] = {}

    def run(self) -> None:
        """Take frames until the end. Never raises."""
        try:
            while (said := read_frame(self._connection)) is not None:
                self._take(said)
        except (FrameRefused, NotAMessage):
            log.info("the add-on said what is not in the protocol")
        except Exception as error:
            log.error("a conversation with Thunderbird ended by %s", type(error).__name__)  # noqa: TRY400 - private
            self._gatekeeper.trouble("thunderbird_failed", ACCOUNT)
        finally:
            self._end()

    def close(self) -> None:
        """End it from outside; ``run`` comes back."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _take(self, said: Said) -> None:
        number = said.get("id")
        if not isinstance(number, int):
            raise NotAMessage
        try:
            self._obey(number, said)
        except LedgerFailed:
            self._gatekeeper.trouble("ledger", ACCOUNT)
            self._held.pop(number, None)
            self._say({"id": number, "error": "ledger"})

    def _obey(self, number: int, said: Said) -> None:
        match said.get("do"):
            case "hello":
                self._say({"id": number, "protocol": PROTOCOL, "version": self._version})
            case "count":
                self._executor.submit(self._count, number, Composed.of(said.get("message")))
            case "ask":
                self._ask(number, Composed.of(said.get("message")))
            case "release":
                go = self._release(self._held.get(_ask_of(said)), Composed.of(said.get("message")))
                self._say({"id": number, "go": go})
            case "sent":
                self._sent(self._held.pop(_ask_of(said), None), went=said.get("went") is True)
            case "withdraw":
                self._withdraw(self._held.pop(_ask_of(said), None))
            case _:
                raise NotAMessage

    def _count(self, number: int, composed: Composed) -> None:
        try:
            self._say({"id": number} | self._passage.count(composed))
        except Exception as error:
            log.error("no count for a draft: %s", type(error).__name__)  # noqa: TRY400 - its text may hold mail
            self._say({"id": number, "error": "fault"})

    def _ask(self, number: int, composed: Composed) -> None:
        if len(self._held) >= MOST_ASKED or number in self._held:
            raise NotAMessage
        held = self._held[number] = _Held(self._passage.ask(composed))
        ticket = held.asked.ticket
        if ticket.decided is not None and ticket.decided.sends:  # nobody was asked, and nothing can have changed
            held.begun = self._passage.release(held.asked, composed)
        tell = partial(self._executor.submit, self._tell, number, held)
        ticket.decision.add_done_callback(lambda _: tell())

    def _tell(self, number: int, held: _Held) -> None:
        said = self._passage.answer(held.asked, held.asked.ticket.decision.result())
        self._say({"id": number, "go": held.begun} | said)

    def _release(self, held: _Held | None, composed: Composed) -> bool:
        if held is None or held.begun or held.asked.ticket.decided is None:
            return False
        held.begun = self._passage.release(held.asked, composed)
        return held.begun

    def _sent(self, held: _Held | None, *, went: bool) -> None:
        if held is None or not held.begun:
            return
        if went:
            self._gatekeeper.sent(held.asked.ticket)
        else:
            self._gatekeeper.deferred(held.asked.ticket, "client_failed")

    def _withdraw(self, held: _Held | None) -> None:
        if held is None:
            return
        if held.begun:
            self._gatekeeper.lost(held.asked.ticket, "client_gone")
        else:
            self._gatekeeper.cancel(held.asked.ticket)

    def _say(self, said: Said) -> None:
        with suppress(OSError), self._writing:  # it has gone: what it asked is withdrawn by ``run``
            self._connection.sendall(frame(said))

    def _end(self) -> None:
        for held in self._held.values():
            try:
                self._withdraw(held)
            except LedgerFailed:
                self._gatekeeper.trouble("ledger", ACCOUNT)
        self._held.clear()
        self._connection.close()


def _ask_of(said: Said) -> int:
    number = said.get("ask")
    if not isinstance(number, int):
        raise NotAMessage
    return number
