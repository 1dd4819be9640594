"""Which compositions a person was already told about: a draft is saved many times, and warned about once."""

import threading
import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

from sendguard.guard.judge import Judgement

REPLACED_WITHIN = 60.0
"""Seconds in which the next save of a composition follows the removal of the one before. Later it is another one."""
MAX_KNOWN = 500


@dataclass(slots=True)
class _Known:
    judgement: Judgement
    key: Hashable
    gone_at: float | None = None


class Compositions:
    """The last judgement of each composition (``Submission.composition``). Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def last(self, composition: str) -> Judgement | None:
        """The judgement the person knows of, or None for a composition not met before."""
        with self._lock:
            known = self._known.get(composition)
            if known is None or (known.gone_at is not None and self._monotonic() - known.gone_at > REPLACED_WITHIN):
                return None
            return known.judgement

    def keep(self, judgement: Judgement, key: Hashable = None) -> None:
        """Put down what is now known of a composition; ``key`` names the draft, None while it is on its way."""
        with self._lock:
            self._known.pop(judgement.submission.composition, None)
            gone_at = None if key is not None else self._monotonic()
            self._known[judgement.submission.composition] = _Known(judgement, key, gone_at)
            while len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]

    def still_there(self, keys: Collection[Hashable]) -> None:
        """The drafts there are now: the others' compositions are over unless the next save comes soon."""
        present = set(keys)
        with self._lock:
            for known in self._known.values():
                if known.key not in present and known.gone_at is None:
                    known.gone_at = self._monotonic()
