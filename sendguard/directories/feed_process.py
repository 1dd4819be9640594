"""A refresh of a feed in a process of its own, which takes 130 to 200 MB for a moment, and gives them back.

``python -m sendguard.directories.feed_process`` reads JSON from standard input (``url``, ``keys``, ``folder`` and
``name``) and writes the outcome to standard output: ``{"changed", "why", "retry_after"}``. How the directory stands is
then seen from its folder.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sendguard.directories.feed import Feed
from sendguard.directories.feed_state import Outcome
from sendguard.published.signing import PublicKey

FAILED = "a fault in SendGuard itself"


class FeedProcess:
    """``updater.Fetching``: what ``Feed`` does, done elsewhere."""

    def __init__(self, url: str, public_keys: Sequence[PublicKey], folder: Path, *, name: str) -> None:
        self._feed = Feed(url, public_keys, folder, name=name)
        self._question = {"url": url, "keys": [str(key) for key in public_keys], "folder": str(folder), "name": name}
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the feed keeps its files."""
        return self._feed.folder

    def outcome(self, why: str = "") -> Outcome:
        """How it stands, without asking anybody; ``why`` is what failed."""
        return self._feed.outcome(why)

    def refresh(self) -> Outcome:
        """See whether there is a newer index, and put it in force. Whatever fails is told."""
        with self._lock:
            if self._is_closed:
                return self._feed.outcome(FAILED)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sendguard.directories.feed_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        octets, _ = self._process.communicate(json.dumps(self._question).encode())
        try:
            said = json.loads(octets)
        except ValueError:
            return self._feed.outcome(FAILED)  # it was ended, by us or by the system
        outcome = self._feed.outcome(said["why"], went_well=not said["why"], changed=said["changed"])
        return replace(outcome, retry_after=said["retry_after"])

    def close(self) -> None:
        """End a refresh that is under way, at once, and every later one: the next one goes on where it was."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()


def main() -> None:
    """Do one refresh."""
    question = json.load(sys.stdin)
    keys = [PublicKey.read(line) for line in question["keys"]]
    outcome = Feed(question["url"], keys, Path(question["folder"]), name=question["name"]).refresh()
    json.dump({"changed": outcome.changed, "why": outcome.why, "retry_after": outcome.retry_after}, sys.stdout)


if __name__ == "__main__":
    main()
