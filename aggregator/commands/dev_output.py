"""Output of `dev`: the page's link, ready-made commands, and log lines for people."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ..escaping import printable
from ..logs import PlainFormatter
from . import PROGRAM

STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}


class Formatter(PlainFormatter):
    """Writes why a message is invalid in one line, and of other records the message alone."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        if not {"topic", "offset", "kind", "error"} <= fields.keys():
            return super().format(record)
        place = f"{fields['topic']}, offset {fields['offset']}"
        return printable(f"invalid message: {place}: {fields['kind']}: {fields['error']}")


class Handler(logging.Handler):
    """Prints records above the line that tells of progress, unwrapped."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self.setFormatter(Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        style = STYLES.get(record.levelname, "")
        line = Text.assemble((f"{at} ", "dim"), (self.format(record), style))
        self._console.print(line, soft_wrap=True)


def log_to(console: Console) -> None:
    """Send log records from `error` on to the console."""
    logging.basicConfig(level=logging.ERROR, handlers=[Handler(console)], force=True)


def greet(
    console: Console, origin: str, broker: str, paths: Sequence[str], commands: Sequence[str]
) -> None:
    """Print the link of the page, then requests and commands that work as they are."""
    for name, place in (("Ready", f"{origin}/"), ("docs", f"{origin}/docs"), ("broker", broker)):
        style = "bold green" if name == "Ready" else ""
        console.print(Text.assemble((f"{name}:".ljust(8), style), place), soft_wrap=True)
    console.print("\nTry, in another terminal:\n")
    for line in (*(f"curl {origin}{path}" for path in paths), *commands):
        console.print(f"  {line}", soft_wrap=True, markup=False)
    console.print("\nCtrl-C ends it.")


def program() -> str:
    """Return how a shell starts this program: it may not be on the path."""
    script = Path(sys.executable).with_name(PROGRAM)
    return short(script) if script.exists() else f"{shlex.quote(sys.executable)} -m aggregator"


def short(path: Path) -> str:
    """Return a path for a shell, relative to this folder if it is in it."""
    # not resolved: the Python of a virtual environment is a link to another one
    absolute, here = os.path.abspath(path), os.getcwd()
    inside = absolute.startswith(here + os.sep)
    return shlex.quote(os.path.relpath(absolute, here) if inside else absolute)
