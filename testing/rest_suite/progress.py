"""What people see while the cases run: a bar, and failures as they come."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..escaping import printable
from .result import Outcome, Result


class Display:
    """A live bar on a terminal; elsewhere nothing, because the report says it all."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.0f} cases"),
            TextColumn("{task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._console = console
        self._task = self._bar.add_task("cases", total=None, failed=0)
        self._failed = 0

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def finished(self, result: Result) -> None:
        """Move the bar on; show a failure above it."""
        if result.outcome is Outcome.FAILED:
            self._failed += 1
            if self._console.is_terminal:
                line = printable(f"FAILED {result.id}: {result.reason}")
                self._bar.console.print(line, style="red", markup=False, emoji=False)
        self._bar.update(
            self._task, advance=1, description=result.group.ljust(16), failed=self._failed
        )
