"""How far a long piece of work is: a bar, the rate and the time that is left, on standard error."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    """So many units a second."""

    def render(self, task: Task) -> Text:
        speed, unit = task.finished_speed or task.speed, task.fields.get("unit", "")
        return Text(f"{speed:,.0f} {unit}/s" if speed and unit else "")


class TerminalProgress:
    """An ``audience.crawl.Progress``. Says nothing where standard error is no terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), _Rate(),
            TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=False,
        )  # fmt: skip
        self._bars.disable = not self._bars.console.is_terminal
        self._task: TaskID | None = None

    def __enter__(self) -> "TerminalProgress":
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self._finish()
        self._bars.stop()

    def begin(self, what: str, total: int | None, unit: str) -> None:
        """A step begins; the one before is done."""
        self._finish()
        self._task = self._bars.add_task(what, total=total, unit=unit)

    def advance(self, units: int) -> None:
        """So many units more are done."""
        if self._task is not None:
            self._bars.advance(self._task, units)

    def _finish(self) -> None:
        if self._task is not None:
            done = self._bars.tasks[self._task].completed
            self._bars.update(self._task, total=max(done, 1), completed=max(done, 1))
