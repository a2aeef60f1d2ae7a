"""Writes to standard streams that may be closed, full, or a broken pipe."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO

_NAMES = ("stdin", "stdout", "stderr")


def ensure_open() -> None:
    """Open what is closed of the three on the null device, and let any text be written.

    Otherwise a socket or file that is opened next gets the number 0, 1 or 2, and with it what
    this program, a library or a worker prints.
    """
    for number, name in enumerate(_NAMES):
        with contextlib.suppress(OSError):
            _ensure_open(number)
            if getattr(sys, name) is None:
                mode = "r" if number == 0 else "w"
                # not closed with the program
                setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _ensure_open(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        os.dup2(opened, number)
        if opened != number:
            os.close(opened)


def write(text: str, stream: TextIO | None = None) -> None:
    """Write to a stream, standard output unless given; text that cannot be written is lost."""
    stream = stream or sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        discard(stream)
    except OSError:
        # a full disk may have room again
        return


def complain(line: str) -> None:
    """Write a line to standard error."""
    write(f"{line}\n", sys.stderr)


def discard(stream: TextIO) -> None:
    """Let everything that is written to this stream from now on be lost, also at the exit."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def finish() -> None:
    """Flush both streams; the interpreter would end with status 120 where it cannot."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            discard(stream)
