"""SendGuard's end of Thunderbird's add-on: it listens for the host, and talks to each Thunderbird there is."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.thunderbird.conversation import Conversation
from sendguard.thunderbird.door import Door
from sendguard.thunderbird.passage import Passage
from sendguard.wording.sentences import Sentences

log = logging.getLogger(__name__)

MOST_THUNDERBIRDS = 16
"""A profile each. More callers than this are turned away."""
COUNTING = 3
"""Threads that say counts and answers."""


class AddonGate:
    """A path (``bootstrap.paths``). Stopping it withdraws every open question; the add-on cancels those sends."""

    def __init__(
        self,
        door: Door,
        gatekeeper: Gatekeeper,
        accounts: Callable[[], tuple[Account, ...]],
        sentences: Callable[[], Sentences],
        version: str,
    ) -> None:
        self._door = door
        self._gatekeeper = gatekeeper
        self._passage = Passage(gatekeeper, accounts, sentences)
        self._version = version
        self._executor = ThreadPoolExecutor(COUNTING, thread_name_prefix="thunderbird")
        self._conversations: dict[Conversation, threading.Thread] = {}
        self._lock = threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="thunderbird-door", daemon=True)
        self._stopping = False
        self.state = "stopped"

    @property
    def thunderbirds(self) -> int:
        """How many are connected."""
        with self._lock:
            return len(self._conversations)

    def start(self) -> None:
        """Listen. Raises DoorNotOpened. Not to be started twice."""
        self._door.open()
        self.state = "running"
        self._listener.start()

    def stop(self) -> None:
        """Listen no more, and end every conversation."""
        self._stopping = True
        self._door.close()
        with self._lock:
            open_now = dict(self._conversations)
        for conversation in open_now:
            conversation.close()
        for thread in open_now.values():
            thread.join()
        if self._listener.is_alive():
            self._listener.join()
        self._executor.shutdown()
        self.state = "stopped"

    def _listen(self) -> None:
        while True:
            try:
                caller = self._door.next()
            except OSError:
                break
            if caller is None:
                continue
            with self._lock:
                if self._stopping or len(self._conversations) >= MOST_THUNDERBIRDS:
                    caller.close()
                    continue
                conversation = Conversation(caller, self._passage, self._gatekeeper, self._executor, self._version)
                thread = threading.Thread(
                    target=self._converse, args=(conversation,), name="thunderbird-talk", daemon=True
                )
                self._conversations[conversation] = thread
                thread.start()
        if not self._stopping:
            self.state = "thunderbird_door"
            self._gatekeeper.trouble("thunderbird_door")

    def _converse(self, conversation: Conversation) -> None:
        try:
            conversation.run()
        finally:
            with self._lock:
                self._conversations.pop(conversation, None)
