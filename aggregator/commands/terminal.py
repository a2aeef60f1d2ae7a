"""Terminal output of commands: results to stdout, progress and errors to stderr."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..errors import AggregatorError
from ..escaping import printable

LONGEST_CELL = 300


class NotConfirmed(AggregatorError):
    """The user did not confirm what would have been changed."""


def say(text: str) -> None:
    """Print a line that is no result; text of others in it can do no harm."""
    print(printable(text), file=sys.stderr)


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person at a terminal; raise NotConfirmed unless the answer is yes.

    Without a terminal, as in a job, nobody is asked.
    """
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmed("not confirmed, so nothing was changed")


def show(table: Table) -> None:
    """Print a table; into a pipe or file it comes whole, however wide it is."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, emoji=False, highlight=False, width=10_000)
    console.print(table)


def table(title: str | None, *columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """Return an empty table; columns of numbers are aligned to the right."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left")
    return made


def add_row(table: Table, *cells: str, style: str = "") -> None:
    """Add a row; text of others in it is neither markup nor control characters.

    The style (such as `yellow`) is seen only on a terminal.
    """
    table.add_row(*(Text(_cell(text)) for text in cells), style=style)


def _cell(text: str) -> str:
    safe = printable(text)
    return safe if len(safe) <= LONGEST_CELL else f"{safe[:LONGEST_CELL]}..."


def progress() -> Progress:
    """Return a progress bar, which only a person at a terminal gets to see."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def live() -> Iterator[Live | None]:
    """Give a part of the terminal that is written again and again; None without a terminal."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        yield None
        return
    with Live(console=console, auto_refresh=False) as screen:
        yield screen


def hush() -> None:
    """Let the clients' libraries say nothing: what matters of it comes as an error, once."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@contextmanager
def until_interrupted() -> Iterator[asyncio.Event]:
    """Set the event on the first ^C, so that what is being done is finished and told of."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        # a second one ends it at once
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        loop.remove_signal_handler(signal.SIGINT)
