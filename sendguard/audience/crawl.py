"""What a source of a whole directory does: it reads everything it knows into a draft."""

from typing import Protocol

from sendguard.audience.draft import Draft


class Progress(Protocol):
    """Somebody who watches a long piece of work. Cheap to call: a thousand times a second does no harm."""

    def begin(self, what: str, total: int | None, unit: str) -> None:
        """A step begins: ``total`` units of work, None where that is not known."""
        ...

    def advance(self, units: int) -> None:
        """So many units more are done."""
        ...


class Unwatched:
    """Progress nobody looks at."""

    def begin(self, what: str, total: int | None, unit: str) -> None:
        """Nobody looks."""

    def advance(self, units: int) -> None:
        """Nobody looks."""


class Crawl(Protocol):
    """A source that can say everything it knows, at once. Reads only; may be interrupted at any moment."""

    @property
    def name(self) -> str:
        """What a person reads as the source of a number; no secret in it."""
        ...

    def read(self, draft: Draft, progress: Progress) -> None:
        """Say everything into the draft. Raises SourceFailed; its message names no person's address."""
        ...
