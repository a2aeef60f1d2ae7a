"""Reports of a run: text for people, JUnit for CI, JSON for programs, HTML to send around."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..probe import UsageError
from ..summary import Summary
from . import document, page, text

# pytest writes it
JUNIT = "junit"

WRITERS: dict[str, Callable[[Summary], str]] = {
    "text": text.rendered,
    "json": document.rendered,
    "html": page.rendered,
}


def demand_writable(wanted: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError for an unknown form or a file that cannot be written, before the run."""
    for form, name in wanted:
        if form not in (*WRITERS, JUNIT):
            raise UsageError(f"--report: text, junit, json or html expected, not '{form}'")
        if (form, name) == (JUNIT, "-"):
            raise UsageError("--report: junit needs a file")
        if name != "-" and (not Path(name).parent.is_dir() or Path(name).is_dir()):
            raise UsageError(f"--report: cannot write '{name}'")


def write(wanted: Sequence[tuple[str, str]], summary: Summary) -> None:
    """Write the reports that were asked for; `-` is the standard output."""
    for form, name in wanted:
        if form == JUNIT:
            continue
        content = WRITERS[form](summary)
        if name == "-":
            sys.stdout.write(content)
            continue
        try:
            Path(name).write_text(content, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--report: cannot write '{name}': {error}") from None
